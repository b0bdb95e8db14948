"""The languages of the pages: chosen by the browser, or by whoever reads."""

import re
from collections.abc import Callable
from datetime import date, tzinfo
from functools import cache

from babel import Locale
from babel.dates import get_timezone
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    has_request_context,
    make_response,
    redirect,
    request,
    session,
)
from flask_babel import Babel, format_date, get_locale

from repaircafe.web.access import safe_next_path

LANGUAGES = {"nl": "Nederlands", "de": "Deutsch", "fr": "Français", "en": "English"}
"""Each in its own words, since whoever looks for it may read no other."""
LOCALES = {"en": "en_GB"}
"""Where the language alone would write dates as nobody does in the cafés' countries."""
ENGLISH = "en"
CHOSEN = "language"
"""What the session keeps it under."""

blueprint = Blueprint("languages", __name__)


@blueprint.post("/language")
def choose() -> Response:
    """Keeps the reader's choice in this browser, and shows the page again."""
    wanted = request.form.get("language")
    if wanted in LANGUAGES:
        session[CHOSEN] = wanted
        session.permanent = True
    return make_response(redirect(safe_next_path(request.form.get("back", ""), "/"), 303))


def here() -> str:
    """What leads back to the page that is shown; to the home page from one that a form alone leads to."""
    if request.method != "GET" and not current_app.url_map.bind("").test(request.path, "GET"):
        return "/"
    return request.full_path.rstrip("?")


def language() -> str:
    """The reader's choice, else the first that the browser asks for, else English."""
    kept = session.get(CHOSEN)
    if kept in LANGUAGES:
        return str(kept)
    asked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in asked if tag in LANGUAGES), ENGLISH)


def init_app(app: Flask, zone: Callable[[], str]) -> None:
    """Every page speaks it, and tells the time of that zone; a command, which has no request, speaks English."""
    Babel(app, locale_selector=_locale, timezone_selector=lambda: _zone_of(zone()))
    app.jinja_env.filters["dateformat"] = in_words
    app.jinja_env.globals.update(languages=LANGUAGES, language=language, here=here)


def in_words(day: date, form: str) -> str:
    """The day as the reader's language writes it; `form` as Babel's: full, long, medium.

    The first of a month is an ordinal in French, which the patterns of Unicode's CLDR leave out.
    """
    said = str(format_date(day, form))
    return re.sub(r"\b1(?= )", "1er", said) if str(get_locale()) == "fr" else said


@cache
def locale_of(found: str) -> Locale:
    """What Babel knows of it, read once: a name would be taken apart again for every request."""
    return Locale.parse(LOCALES.get(found, found))


@cache
def _zone_of(name: str) -> tzinfo | None:
    """In the form that Flask-Babel takes, which is pytz's; None, for UTC, where pytz does not know it yet."""
    try:
        return get_timezone(name)
    except LookupError:
        return None


def _locale() -> Locale:
    return locale_of(language() if has_request_context() else ENGLISH)
