"""Adapts schemathesis to this app (loaded by SCHEMATHESIS_HOOKS)."""

import json
import os
from typing import Any

import schemathesis
from pydantic import ValidationError

from repaircafe.config.schemas import Changes

SETTINGS: dict[str, str] = json.loads(os.environ["FUZZ_SETTINGS"])
TIMES = ("event_end", "event_start")


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Changes two kinds of valid values before a request is sent; invalid values stay as they are.

    A valid model address or model name is replaced by the scripted server's, since a made-up address may lead to other
    people's machines. Of two valid times one is removed, since no schema can say that the end comes after the start,
    and the other one may be stored already.
    """
    if not case.operation.path.startswith("/config") or not isinstance(case.body, dict):
        return
    body: dict[str, Any] = case.body
    for name in SETTINGS.keys() & body.keys():
        if _is_taken(name, body[name]):
            body[name] = SETTINGS[name]
    times = [name for name in TIMES if name in body]
    if times and all(_is_taken(name, body[name]) for name in times):
        body.update({name: None for name in TIMES if name != times[0]})


def _is_taken(name: str, value: object) -> bool:
    try:
        Changes.model_validate({name: value})
    except ValidationError:
        return False
    return True
