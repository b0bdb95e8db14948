"""The four steps of the set-up: in which order, which settings each asks for, and whether it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from flask import url_for
from flask_babel import lazy_gettext as _l

from repaircafe.home import checklist
from repaircafe.neighbours.report import Text
from repaircafe.settings.keys import KEYS, Key


class Step(StrEnum):
    """The steps, in their order. The endpoint of a step has its name."""

    CAFE = "cafe"
    DATE = "date"
    ASSISTANT = "assistant"
    PASSWORD = "password"  # noqa: S105  the name of a step  # nosec B105


TITLES: Mapping[Step, Text] = MappingProxyType(
    {
        Step.CAFE: _l("Your café"),
        Step.DATE: _l("The next date"),
        Step.ASSISTANT: _l("The assistant"),
        Step.PASSWORD: _l("Password and telephones"),
    }
)
ASKED: Mapping[Step, tuple[str, ...]] = MappingProxyType(
    {
        Step.CAFE: ("cafe_name", "cafe_town"),
        Step.DATE: ("event_date", "event_start", "event_end", "event_location"),
    }
)
"""The settings that a step asks for."""


@dataclass(frozen=True)
class Entry:
    """A step in the list at the top of each page."""

    step: Step
    title: Text
    path: str
    is_done: bool


def entries() -> tuple[Entry, ...]:
    """All steps, as they are now."""
    todo = {line.step for line in checklist.everything() if not line.is_done}
    return tuple(Entry(step, TITLES[step], url_for(f"setup.{step.value}"), step.value not in todo) for step in Step)


def first_open() -> Step | None:
    """The first step that is not done; None if all are."""
    return next((entry.step for entry in entries() if not entry.is_done), None)


def after(step: Step) -> str:
    """The path of the page that comes after this step."""
    following = list(Step)[list(Step).index(step) + 1 :]
    return url_for(f"setup.{following[0].value}") if following else url_for("setup.end")


def keys_of(step: Step) -> list[Key]:
    """The settings that the step asks for."""
    return [KEYS[name] for name in ASKED.get(step, ())]
