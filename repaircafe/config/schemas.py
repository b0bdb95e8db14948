"""The JSON that `/config` accepts and returns: one field for each of KEYS, so that a new key needs no change here."""

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from repaircafe.limits import MAX_OFFERING_CHARS, MAX_OFFERINGS_COUNT
from repaircafe.settings.definitions import parse
from repaircafe.settings.keys import KEYS, Key
from repaircafe.settings.values import OFFERING


def _value(key: Key) -> Any:
    """The type of a key's value: a text that matches its pattern and its parser accepts. Empty or null: not set."""
    clean = BeforeValidator(lambda given: key.clean(given) if isinstance(given, str) else given)
    form = Field(max_length=key.longest_sent, pattern=rf"^(?:{key.pattern})?$")
    text = Annotated[str, form, clean, AfterValidator(partial(parse, key.name))]
    if not key.is_list:
        return text | None
    entry = Annotated[str, Field(max_length=MAX_OFFERING_CHARS, pattern=f"^{OFFERING}$")]
    return text | Annotated[list[entry], Field(max_length=MAX_OFFERINGS_COUNT)] | None


def _field(key: Key) -> Any:
    return (_value(key), Field(default=None, description=f"{key.label}. {key.help}", examples=[str(key.example)]))


Changes: type[BaseModel] = create_model(
    "Changes",
    __config__=ConfigDict(extra="forbid", defer_build=True),  # its patterns need 5 MB, and only the API uses them
    __doc__="The settings to change; the others stay as they are. A list is joined with commas; null removes a value.",
    **{name: _field(key) for name, key in KEYS.items()},
)

_TEXTS: dict[str, Any] = {name: (str, Field(description=str(key.label))) for name, key in KEYS.items()}
Values: type[BaseModel] = create_model(
    "Values", __doc__="Every setting in its canonical form; empty if it is not set.", **_TEXTS
)


class Stored(BaseModel, from_attributes=True):
    """All settings. `current` is false if the database is unavailable and they are the last ones known.

    `warnings`: what the organiser should know about valid values, by key, such as a date that has passed.
    """

    settings: Values = Field(validation_alias="values")  # type: ignore[valid-type]  # made above
    current: bool
    warnings: dict[str, Annotated[str, BeforeValidator(str)]]
