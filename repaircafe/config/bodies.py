"""What `/config` takes and answers as JSON: one field for each of KEYS, so that a new key is there by itself."""

from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from repaircafe.limits import MAX_OFFERING_CHARS, MAX_OFFERINGS_COUNT
from repaircafe.settings.definitions import KEYS, OFFERING, Key, parse


def _value(key: Key) -> Any:
    """The type of a key's value: a text in the key's form, which its own parser takes; empty or null: not set."""
    form = Field(max_length=key.longest, pattern=rf"^(?:{key.pattern})?$")
    text = Annotated[str, form, AfterValidator(partial(parse, key.name))]
    if not key.is_list:
        return text | None
    entry = Annotated[str, Field(max_length=MAX_OFFERING_CHARS, pattern=f"^{OFFERING}$")]
    return text | Annotated[list[entry], Field(max_length=MAX_OFFERINGS_COUNT)] | None


def _field(key: Key) -> Any:
    return (_value(key), Field(default=None, description=f"{key.label}. {key.help}", examples=[str(key.example)]))


Changes: type[BaseModel] = create_model(
    "Changes",
    __config__=ConfigDict(extra="forbid", defer_build=True),  # its patterns cost 5 MB, which only programs should
    __doc__="The settings to change; what is not named stays. A list is joined with commas; null takes a value away.",
    **{name: _field(key) for name, key in KEYS.items()},
)

_TEXTS: dict[str, Any] = {name: (str, Field(description=str(key.label))) for name, key in KEYS.items()}
Values: type[BaseModel] = create_model(
    "Values", __doc__="Every setting in its canonical form; empty where it is not set.", **_TEXTS
)


class Stored(BaseModel):
    """All settings; `current` is false while the database is away and they are the last ones known."""

    settings: Values  # type: ignore[valid-type]  # made above
    current: bool
