"""What schemathesis is told of this app (SCHEMATHESIS_HOOKS)."""

import json
import os
from typing import Any

import schemathesis
from pydantic import ValidationError

from repaircafe.config.bodies import Changes

SETTINGS: dict[str, str] = json.loads(os.environ["FUZZ_SETTINGS"])
TIMES = ("event_end", "event_start")


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """What is wrong is sent as it is. Of what is right, two things are changed.

    A good address or name of a model becomes the scripted one's: made-up ones lead to other people's machines. Of the
    two times one is taken away, since no schema says that the one is later than the other, which may be stored.
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
