"""What schemathesis is told of this app (SCHEMATHESIS_HOOKS)."""

import json
import os
from typing import Any

import schemathesis
from pydantic import ValidationError

from repaircafe.config.bodies import Changes

SETTINGS: dict[str, str] = json.loads(os.environ["FUZZ_SETTINGS"])


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """A good address or name of a model becomes the scripted one's: made-up ones lead to other people's machines.

    What is wrong is sent as it is.
    """
    if case.operation.path.startswith("/config") and isinstance(case.body, dict):
        for name in SETTINGS.keys() & case.body.keys():
            try:
                Changes.model_validate({name: case.body[name]})
            except ValidationError:
                continue
            case.body[name] = SETTINGS[name]
