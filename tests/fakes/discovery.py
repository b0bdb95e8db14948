"""Google's own description of the Gmail API, as JSON Schema and as routes. Nothing in here is ours.

It is `gmail.v1.json` of google-api-python-client, which only the tests install. A schema that Google describes becomes
a stricter one: no other fields, 64-bit numbers as digits in a text, bytes as base64url.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

_PATTERNS = {
    "int64": "^-?[0-9]+$",
    "uint64": "^[0-9]+$",
    "byte": "^[A-Za-z0-9_-]*={0,2}$",
    "google-datetime": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T",
}
_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}


@dataclass(frozen=True)
class Method:
    """One of Gmail's operations, as Google describes it."""

    id: str
    verb: str
    path: str
    parameters: dict[str, Any]
    request: str
    response: str
    scopes: frozenset[str]

    def ids(self, verb: str, path: str) -> dict[str, str] | None:
        """What is in the places of the path; None if the request is another operation."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path) if verb == self.verb else None
        return found.groupdict() if found else None

    def faults(self, query: list[tuple[str, str]]) -> list[str]:
        """What is wrong with the parameters of a request."""
        known = document()["parameters"] | self.parameters
        names = [name for name, _ in query]
        found = [f"{name} is twice" for name in set(names) if names.count(name) > 1 and not known[name].get("repeated")]
        for name, value in query:
            if name not in known or known[name].get("location") != "query":
                found.append(f"{name} is no parameter")
            elif not is_valid(_schema(known[name]), _typed(known[name], value)):
                found.append(f"{name} cannot be {value}")
        return found


@cache
def document() -> dict[str, Any]:
    """The description as Google publishes it."""
    path = files("googleapiclient") / "discovery_cache" / "documents" / "gmail.v1.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@cache
def methods() -> tuple[Method, ...]:
    """Every operation; those with fewer places in their paths first, because `drafts/send` is no draft's id."""
    found = [
        Method(
            one["id"],
            one["httpMethod"],
            one["flatPath"],
            one.get("parameters", {}),
            one.get("request", {}).get("$ref", ""),
            one.get("response", {}).get("$ref", ""),
            frozenset(one["scopes"]),
        )
        for one in _methods(document())
    ]
    return tuple(sorted(found, key=lambda one: one.path.count("{")))


def faults_of(name: str, value: Any) -> list[str]:
    """What is wrong with a body, by the schema of that name."""
    return [
        f"{name}{list(error.instance_path)}: {error.message[:200]}" for error in _validator(name).iter_errors(value)
    ]


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    """Whether a value fits a JSON Schema."""
    return bool(jsonschema_rs.is_valid(schema, value))


def _methods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


@cache
def _validator(name: str) -> Any:
    every = {one: _schema(schema) for one, schema in document()["schemas"].items()}
    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{name}", "$defs": every})


def _schema(described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    kind, form = described["type"], described.get("format", "")
    found: dict[str, Any] = {"type": kind}
    if kind == "object":
        found["properties"] = {name: _schema(one) for name, one in described.get("properties", {}).items()}
        found["additionalProperties"] = False
    if kind == "array":
        found["items"] = _schema(described["items"])
    if "enum" in described:
        found["enum"] = described["enum"]
    if form in _PATTERNS:
        found["pattern"] = _PATTERNS[form]
    if form in _RANGES:
        found["minimum"], found["maximum"] = _RANGES[form]
    return found


def _typed(described: dict[str, Any], value: str) -> Any:
    """The value of a parameter in the type that it should have, or as the text that it is."""
    match described["type"]:
        case "integer" if value.isdigit():
            return int(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
    return value
