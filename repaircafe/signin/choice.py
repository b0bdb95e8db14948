"""A new password: the two fields in which the organiser types it, and what is refused."""

import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request
from flask_babel import gettext as _

from repaircafe.environment import Environment
from repaircafe.limits import MIN_DISTINCT_CHARS_COUNT, MIN_OPERATOR_PASSWORD_CHARS
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts
from repaircafe.settings.store import store
from repaircafe.web.users import OPERATOR

OBVIOUS = ("Repair Café", "Repaircafé", OPERATOR, "password", "passwort", "wachtwoord", "motdepasse")
"""What somebody who knows nothing about the café would try first."""
ABOUT_THE_CAFE = ("cafe_name", "cafe_town", "event_location")
"""The settings that every visitor knows."""


@dataclass(frozen=True)
class Choice:
    """A password as it was typed. `faults` says what is wrong, by field; without a fault it can be used."""

    password: str = field(repr=False)
    faults: Mapping[str, Text]


def typed() -> Choice:
    """The password in the form of this request."""
    password, again = request.form.get("new_password", ""), request.form.get("again", "")
    if fault := refusal(password):
        return Choice(password, {"new_password": fault})
    if password != again:
        return Choice(password, {"again": _("The two are not the same. Type the password again.")})
    return Choice(password, {})


def refusal(password: str) -> Text | None:
    """Why this password is refused, and what to choose instead; None if it can be used."""
    if len(password) < MIN_OPERATOR_PASSWORD_CHARS:
        return _("This is too short. Use at least %(least)d characters.", least=MIN_OPERATOR_PASSWORD_CHARS)
    code = parts()[Environment].setup_code
    if code is not None and hmac.compare_digest(password.encode(errors="replace"), code.get_secret_value().encode()):
        return _("This is the code itself. Choose a password of your own.")
    advice = _("Four words that have nothing to do with each other are a good password.")
    if len(set(password.casefold())) < MIN_DISTINCT_CHARS_COUNT:
        return _("This repeats too few characters.") + f" {advice}"
    values = store().known()
    names = {_bare(name) for name in (*OBVIOUS, *(values.get(key, "") for key in ABOUT_THE_CAFE))} - {""}
    if any(not _bare(password).replace(name, "") for name in names):  # once, or several times
        return _("This is easy to guess for anybody who knows the café.") + f" {advice}"
    return None


def _bare(text: str) -> str:
    """The letters alone, without case and accents; for "Repair-Café 2026!" it is "repaircafe"."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in plain if character.isalpha())
