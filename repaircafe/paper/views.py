"""`/poster`, `/flyer`, `/table-card`, `/door-sign`: sheets to print, each in the language that `?lang=` names."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup

from repaircafe.environment import Environment, is_loopback
from repaircafe.limits import MAX_WIFI_NAME_BYTES, MAX_WIFI_PASSWORD_CHARS, MIN_WIFI_PASSWORD_CHARS
from repaircafe.neighbours.lan import page_addresses
from repaircafe.neighbours.report import Text
from repaircafe.paper import codes, sheets
from repaircafe.paper.card import Card, Wifi, card
from repaircafe.paper.sheets import Dated, Kind
from repaircafe.parts import parts
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.errors import PageError, tell_program
from repaircafe.web.languages import LANGUAGES, language, locale_of

LONGEST = {"name": MAX_WIFI_NAME_BYTES, "password": MAX_WIFI_PASSWORD_CHARS}

blueprint = Blueprint("paper", __name__)


@blueprint.get("/poster")
def poster() -> Response:
    """A sheet to hang up."""
    return _about_the_date(Kind.POSTER)


@blueprint.get("/flyer")
def flyer() -> Response:
    """A small sheet to hand out."""
    return _about_the_date(Kind.FLYER)


@blueprint.get("/door-sign")
def door_sign() -> Response:
    """A sheet for the door, with the dates after the next one."""
    return _about_the_date(Kind.DOOR_SIGN)


@blueprint.get("/table-card")
def table_card() -> Response:
    """A card for the tables, which says how to ask the assistant."""
    return _table_card()


@blueprint.post("/table-card")
def draw_wifi() -> Response:
    """The same card with the code of a Wi-Fi. Its name and its password are in this response, and nowhere else."""
    wifi = Wifi(request.form.get("name", "").strip(), request.form.get("password", ""))
    faults = _faults(wifi)
    if faults:
        tell_program(422, faults)  # it gets no page that repeats the password
    return _table_card(wifi, faults)


@blueprint.get("/poster/qr.svg")
def code() -> Response:
    """The code of the poster as a file. Raises PageError if there is neither a date nor a public address."""
    settings = store().settings()
    content = codes.public_page(settings)
    if not content and settings.next_date and settings.occasion:
        content = sheets.code(settings, settings.occasion, _name(settings))
    if not content:
        raise PageError(
            404,
            _("The next repair café is not planned yet."),
            _("Check again later: the date will be on the home page."),
        )
    response = make_response(codes.as_file(content))
    response.mimetype = "image/svg+xml"
    return response


def _about_the_date(kind: Kind) -> Response:
    """The page of a sheet about the next date; without one it says so, and nothing is printed."""
    stored, chosen = store().stored(), _chosen()
    settings = stored.settings if stored else Settings()
    sheet = Markup()
    if settings.next_date and settings.occasion:
        with force_locale(locale_of(chosen)):
            drawn = sheets.dated(kind, settings, settings.occasion, _name(settings), has_logo=_has_logo())
            sheet = _drawn("paper/_dated.html", kind, chosen, drawn)
    return _page(kind, chosen, sheet, settings=settings, known=stored is not None)


def _table_card(wifi: Wifi | None = None, faults: Mapping[str, Text] | None = None) -> Response:
    """The page of the card; without an address that other machines can open it says so, and nothing is printed."""
    settings, chosen = store().settings(), _chosen()
    address, sheet = _address(settings), Markup()
    drawn_wifi = None if faults else wifi
    if address:
        with force_locale(locale_of(chosen)):
            drawn = card(settings, _name(settings), address, drawn_wifi, has_logo=_has_logo())
            sheet = _drawn("paper/_card.html", Kind.TABLE_CARD, chosen, drawn)
    form = {"typed": wifi, "wifi": drawn_wifi, "faults": faults or {}, "longest": LONGEST}
    return _page(Kind.TABLE_CARD, chosen, sheet, 422 if faults else 200, **form)


def _address(settings: Settings) -> str:
    """The home page's address for visitors in the building; empty if only this machine can open the pages."""
    if public := codes.public_page(settings):
        return public
    here = url_for("home.show", _external=True)
    if not is_loopback(urlsplit(here).hostname or ""):
        return here
    environment = parts()[Environment]
    found = page_addresses(environment.host, environment.port)
    return next((f"{one}/" for one in found if not is_loopback(urlsplit(one).hostname or "")), "")


def _faults(wifi: Wifi) -> dict[str, Text]:
    """What no Wi-Fi can have (IEEE 802.11: a name of 32 bytes, a password of 8 to 63 characters), by field."""
    faults: dict[str, Text] = {}
    if not wifi.name:
        faults["name"] = _("Type the name of the Wi-Fi.")
    elif len(wifi.name.encode()) > MAX_WIFI_NAME_BYTES:
        faults["name"] = _(
            "This name is too long. A Wi-Fi's name has at most %(most)d letters.", most=MAX_WIFI_NAME_BYTES
        )
    if wifi.password and not MIN_WIFI_PASSWORD_CHARS <= len(wifi.password) <= MAX_WIFI_PASSWORD_CHARS:
        faults["password"] = _(
            "A Wi-Fi's password has %(least)d to %(most)d characters. Check it.",
            least=MIN_WIFI_PASSWORD_CHARS,
            most=MAX_WIFI_PASSWORD_CHARS,
        )
    return faults


def _drawn(template: str, kind: Kind, chosen: str, sheet: Dated | Card) -> Markup:
    return Markup(render_template(template, kind=kind, lang=chosen, sheet=sheet))  # noqa: S704  ours  # nosec B704


def _page(kind: Kind, chosen: str, sheet: Markup, status: int = 200, **context: object) -> Response:
    labels = {
        Kind.POSTER: _("Poster"),
        Kind.FLYER: _("Flyer"),
        Kind.TABLE_CARD: _("Table card"),
        Kind.DOOR_SIGN: _("Door sign"),
    }
    page = render_template("paper/show.html", kind=kind, labels=labels, chosen=chosen, sheet=sheet, **context)
    return make_response(page, status)


def _name(settings: Settings) -> str:
    return settings.cafe_name or _("Repair Café")


def _has_logo() -> bool:
    return bool(store().last_logo_version())


def _chosen() -> str:
    asked = request.values.get("lang", "")
    return asked if asked in LANGUAGES else language()
