"""An address for each route, whatever its variable parts are."""

from collections.abc import Mapping
from typing import Any

from werkzeug.routing import Rule

FILLED = {"neighbour": "llm", "filename": "app.css", "form": "md", "announcement": "post"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def path_of(rule: Rule, ids: Mapping[str, str] | None = None) -> str:
    """The address of the route, with these ids and otherwise unknown ones."""
    values = {name: {**FILLED, **(ids or {})}.get(name, UNKNOWN) for name in rule.arguments}
    built: tuple[str, str] | None = rule.build({name: _converted(rule, name, text) for name, text in values.items()})
    assert built is not None
    return built[1]


def _converted(rule: Rule, name: str, text: str) -> Any:
    return rule._converters[name].to_python(text)
