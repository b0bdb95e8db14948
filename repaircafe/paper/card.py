"""What stands on the card for the tables, which a sheet folded in the middle shows on both sides."""

from dataclasses import dataclass

from flask_babel import gettext as _
from markupsafe import Markup

from repaircafe.paper import codes
from repaircafe.paper.fitting import Box, Fitted, Paragraphs, fitted
from repaircafe.paper.sheets import PLAIN, named
from repaircafe.settings.definitions import Settings

HEAD, CALL, ABOUT = Box(90, 8), Box(76, 11), Box(90, 5.5)
STEPS, GAP, PADDING = Box(90, 30), 2, 1
"""The place of all steps, which lie one above the other, and the space between them and inside each."""
LINES = Paragraphs(gap=0.3)


@dataclass(frozen=True)
class Wifi:
    """The building's Wi-Fi, as it was typed for one card. It is stored nowhere."""

    name: str
    password: str


@dataclass(frozen=True)
class Step:
    """What a visitor does: the words, and perhaps a code that does it. All but the first text are to be typed."""

    told: Fitted
    code: Markup | None


@dataclass(frozen=True)
class Card:
    """The card. The first of two steps joins the Wi-Fi; the last one opens the page."""

    name: Fitted
    call: Fitted
    about: Fitted
    steps: tuple[Step, ...]


def card(settings: Settings, name: str, address: str, wifi: Wifi | None, *, has_logo: bool) -> Card:
    """The card of a café called `name`. `address`: of the home page, for visitors in the building."""
    contents = [*([_joining(wifi)] if wifi else []), _opening(settings, address, is_joined=wifi is not None)]
    height = (STEPS.height - GAP * (len(contents) - 1)) / len(contents) - 2 * PADDING
    return Card(
        name=named(name, HEAD, has_logo=has_logo),
        call=fitted([_("Ask our assistant")], CALL, 9.2),
        about=fitted([_("Questions about the repair café? It answers on your telephone.")], ABOUT, 3, PLAIN),
        steps=tuple(_step(texts, content, height) for texts, content in contents),
    )


def _joining(wifi: Wifi) -> tuple[tuple[str, ...], str]:
    """The texts of the step that joins the Wi-Fi, and what its code says."""
    secret = _("Password: %(password)s", password=wifi.password) if wifi.password else _("Without a password")
    return (_("The code joins this Wi-Fi:"), wifi.name, secret), codes.wifi(wifi.name, wifi.password)


def _opening(settings: Settings, address: str, *, is_joined: bool) -> tuple[tuple[str, ...], str]:
    """The same of the step that opens the page. Only a public address has a code."""
    public = codes.public_page(settings)
    told = _("Open this page:") if is_joined else _("Join the Wi-Fi of this building, and open this page:")
    return (
        _("The code opens this page:") if public else told,
        address.removeprefix("https://").removesuffix("/"),
    ), public


def _step(texts: tuple[str, ...], content: str, height: float) -> Step:
    """A step in a row of that height; its code is a square beside the text."""
    width = STEPS.width - 2 * PADDING - (height + GAP if content else GAP)
    told = fitted(texts, Box(width, height), 5.3, LINES)
    return Step(told, codes.inline(content) if content else None)
