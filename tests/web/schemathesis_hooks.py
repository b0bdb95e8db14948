"""Adapts schemathesis to this app (loaded by SCHEMATHESIS_HOOKS)."""

import json
import os
from typing import Any

import schemathesis
from pydantic import ValidationError

from repaircafe.config.schemas import Changes
from repaircafe.dates.schemas import NewEvent

SETTINGS: dict[str, str] = json.loads(os.environ["FUZZ_SETTINGS"])
TIMES = {"/config": ("event_end", "event_start"), "/api/events": ("end", "start")}


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Changes two kinds of valid values before a request is sent; invalid values stay as they are.

    A valid model address or model name is replaced by the scripted server's, since a made-up address may lead to other
    people's machines. Of two valid times one is removed, since no schema can say that the end comes after the start,
    and the other one may be stored already.
    """
    path = case.operation.path
    times = next((names for place, names in TIMES.items() if path.startswith(place)), ())
    if not times or not isinstance(case.body, dict):
        return
    body: dict[str, Any] = case.body
    for name in SETTINGS.keys() & body.keys():
        if _is_taken(name, body[name]):
            body[name] = SETTINGS[name]
    sent = [name for name in times if name in body]
    if sent and all(_is_taken(name, body[name]) for name in sent):
        body.update({name: None for name in times if name != sent[0]})


def _is_taken(name: str, value: object) -> bool:
    try:
        if name in TIMES["/api/events"]:
            NewEvent.model_validate({"date": "2026-12-05", name: value})
        else:
            Changes.model_validate({name: value})
    except ValidationError:
        return False
    return True
