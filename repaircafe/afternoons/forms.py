"""What the forms of the pages send: each is valid as a whole, or names every fault."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from flask_babel import gettext as _

from repaircafe.afternoons.countries import codes
from repaircafe.afternoons.kinds import KINDS, OF_PRESETS, kind_called
from repaircafe.afternoons.models import CORRECTABLE, Barrier, Result, Thing
from repaircafe.afternoons.records import OF_LIST, Numbers
from repaircafe.limits import MAX_COUNTED, MAX_LINE_CHARS, MAX_WORD_CHARS, OLDEST_THING_YEAR
from repaircafe.neighbours.report import Text
from repaircafe.settings.offerings import ONE_OF

PREFIX = re.compile(r"[a-z]{2,40}")
Value = TypeVar("Value")


class InvalidFormError(Exception):
    """At least one field was refused, and nothing was stored. `faults` says what is wrong with each."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(", ".join(faults))
        self.faults = dict(faults)


class _Reading:
    """Reads the fields of one form and collects their faults."""

    def __init__(self, sent: Mapping[str, str]) -> None:
        self._sent = sent
        self.faults: dict[str, Text] = {}

    def line(self, name: str, longest: int) -> str:
        """The field as one line."""
        plain = "".join(" " if unicodedata.category(one) in ("Cc", "Cs") else one for one in self._sent.get(name, ""))
        text = " ".join(plain.split())
        if len(text) > longest:
            self.faults[name] = _("This is too long. At most %(most)d characters.", most=longest)
        return text

    def read(self, name: str, pattern: str, made: Callable[[str], Value], fault: Text) -> Value | None:
        """The field as what it is; None if it is empty."""
        text = self.line(name, MAX_LINE_CHARS)
        if not text:
            return None
        value = made(text) if re.fullmatch(pattern, text, re.ASCII) else None
        if value is None:
            self.faults[name] = fault
        return value

    def number(self, name: str) -> int | None:
        """A number of visitors or things."""
        fault = _("This must be a whole number from 0 to %(most)d.", most=MAX_COUNTED)
        return self.read(name, r"0*[0-9]{1,4}", int, fault)

    def check(self) -> None:
        """Raises InvalidFormError if there is a fault."""
        if self.faults:
            raise InvalidFormError(self.faults)


def numbers(sent: Mapping[str, str]) -> Numbers:
    """The numbers of a date, as typed. Raises InvalidFormError."""
    form = _Reading(sent)
    counted = {name: form.number(name) for name in ("visitors", *OF_LIST)}
    found = Numbers(**counted, sentence=form.line("sentence", MAX_LINE_CHARS))
    form.check()
    return found


def thing(sent: Mapping[str, str], today: date, known: Thing | None = None) -> dict[str, Any]:
    """A thing, by the names of its columns. Raises InvalidFormError.

    `quick` is a preset or other words of the settings, instead of `what` or beside it. `known` is the thing that is
    corrected: if its name was not changed, it stays what was tapped, in every language.
    """
    form = _Reading(sent)
    quick, kind = form.line("quick", MAX_WORD_CHARS), sent.get("kind", "")
    what, preset = _what(form, quick, known)
    if kind and kind not in KINDS:
        form.faults["kind"] = _("Choose one of the list.")
    found = {
        "what": what,
        "preset": preset,
        "kind": kind or ("" if preset else kind_called(what)) or OF_PRESETS.get(preset or quick, ""),
        "brand": form.line("brand", MAX_WORD_CHARS),
        "problem": form.line("problem", MAX_LINE_CHARS),
        **_age(form, today),
        **_ending(form, sent),
    }
    form.check()
    return found


def begins_thing(sent: Mapping[str, str]) -> bool:
    """Whether anything about a thing was typed or chosen."""
    return any(sent.get(name, "").strip() for name in ("what", "quick", *CORRECTABLE))


def hand_in(sent: Mapping[str, str]) -> dict[str, str]:
    """What an export says about the café. Raises InvalidFormError."""
    form = _Reading(sent)
    found = {name: form.line(name, MAX_WORD_CHARS) for name in ("prefix", "group_identifier", "data_provider")}
    found["country"] = sent.get("country", "")
    if not PREFIX.fullmatch(found["prefix"]):
        form.faults["prefix"] = _("Small letters from a to z alone, 2 to 40 of them.")
    if found["country"] not in codes():
        form.faults["country"] = _("Choose one of the list.")
    if not found["group_identifier"]:
        form.faults.setdefault("group_identifier", _("Type the café's name or a code."))
    form.check()
    return found


def _what(form: _Reading, quick: str, known: Thing | None) -> tuple[str, str]:
    """Its words and its preset, if it is one. A preset has words for the version before, which knows only words."""
    typed = form.line("what", MAX_WORD_CHARS)
    if known is not None and typed == str(known.name):
        return known.what, known.preset
    if typed or quick not in ONE_OF:
        if not (typed or quick):
            form.faults["what"] = _("What is it? Type a word, or choose one.")
        return typed or quick, ""
    return str(ONE_OF[quick]), quick


def _age(form: _Reading, today: date) -> dict[str, Any]:
    year = _("Expected: a year, such as 1998")
    found = {
        "made_in": form.read("made_in", r"[0-9]{4}", int, year),
        "age": form.read("age", r"[0-9]{1,3}(?:[.,][0-9])?", _decimal, _("Expected: a number, such as 12 or 2.5")),
    }
    if found["made_in"] is not None and not OLDEST_THING_YEAR <= found["made_in"] <= today.year:
        form.faults["made_in"] = year
    return found


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _ending(form: _Reading, sent: Mapping[str, str]) -> dict[str, Any]:
    result, barrier = _word(Result, sent.get("result", "")), _word(Barrier, sent.get("barrier", ""))
    if result is None:
        form.faults["result"] = _("How did it end? Press one of the four.")
    if barrier is None and sent.get("barrier"):
        form.faults["barrier"] = _("Choose one of the list.")
    if barrier is not None and result is not Result.NOT:
        form.faults["barrier"] = _("Only what is not mended has a reason. Choose none, or “Not mended”.")
    return {"result": result, "barrier": barrier}


def _word(words: Callable[[str], Value], text: str) -> Value | None:
    try:
        return words(text)
    except ValueError:
        return None
