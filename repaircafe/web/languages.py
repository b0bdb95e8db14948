"""The languages of the pages: chosen by the reader, or else by the browser."""

import re
from collections.abc import Callable
from datetime import date, tzinfo
from functools import cache

from babel import Locale
from babel.dates import format_skeleton, get_timezone
from babel.support import NullTranslations
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
from flask_babel import Babel, format_date, get_locale, get_translations
from markupsafe import Markup

from repaircafe.web.access import safe_next_path

LANGUAGES = {"nl": "Nederlands", "de": "Deutsch", "fr": "Français", "en": "English"}
"""The name of each language in that language: a reader may know no other."""
LOCALES = {"en": "en_GB"}
"""The locale of a language whose plain code writes dates in a way that the cafés' countries do not use."""
ENGLISH = "en"
BRIEF = "brief"
"""The form of a date with the weekday and without the year: Sat 12 Dec."""
CHOSEN = "language"
"""The session's key for the reader's choice."""

blueprint = Blueprint("languages", __name__)


@blueprint.post("/language")
def choose() -> Response:
    """Stores the reader's choice in this browser, and shows the page again."""
    wanted = request.form.get("language")
    if wanted in LANGUAGES:
        session[CHOSEN] = wanted
        session.permanent = True
    return make_response(redirect(safe_next_path(request.form.get("back", ""), "/"), 303))


def here() -> str:
    """The address of this page, for coming back to it; the home page's if only a form can open this one."""
    if request.method != "GET" and not current_app.url_map.bind("").test(request.path, "GET"):
        return "/"
    return request.full_path.rstrip("?")


def language() -> str:
    """The reader's choice, else the first of the browser's languages that we have, else English."""
    chosen = session.get(CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    asked = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((tag for tag in asked if tag in LANGUAGES), ENGLISH)


def readers_language() -> str:
    """The language of this request, or of a command. A program that names none gets English without a look further."""
    if not has_request_context():
        return ENGLISH
    sent = request.environ
    return language() if "HTTP_ACCEPT_LANGUAGE" in sent or "HTTP_COOKIE" in sent else ENGLISH


def init_app(app: Flask, zone: Callable[[], str]) -> None:
    """Sets up language() and the time zone `zone` for every page. A command has no request and uses English."""
    Babel(app, locale_selector=_locale, timezone_selector=lambda: _zone_of(zone()))
    app.jinja_env.filters["dateformat"] = in_words
    app.jinja_env.globals["_"] = _translated
    app.jinja_env.globals.update(languages=LANGUAGES, language=language, here=here)


def in_words(day: date, form: str) -> str:
    """The day as the reader's language writes it; `form` is one of Babel's formats (full, long, medium), or BRIEF.

    French writes the first of a month as an ordinal, which the patterns of Unicode's CLDR leave out.
    """
    text = str(format_skeleton("MMMEd", day, locale=get_locale()) if form == BRIEF else format_date(day, form))
    return re.sub(r"\b1(?= )", "1er", text) if str(get_locale()) == "fr" else text


@cache
def locale_of(tag: str) -> Locale:
    """Babel's locale for a language; cached, because Flask-Babel would parse the name again for every request."""
    return Locale.parse(LOCALES.get(tag, tag))


@cache
def _zone_of(name: str) -> tzinfo | None:
    """The time zone in pytz's form, which Flask-Babel needs; None, which means UTC, if pytz does not know it yet."""
    try:
        return get_timezone(name)
    except LookupError:
        return None


_CATALOGUES: dict[Locale, NullTranslations] = {}


def _translated(text: str, **variables: object) -> Markup:
    """What `_` of Jinja's extension says in a template, in a third of the time: a page has some thirty texts.

    Flask-Babel looks the catalogue up by a name that it makes at each text, and the extension goes through four calls.
    """
    locale = get_locale()
    found = _CATALOGUES.get(locale)
    if found is None:
        found = _CATALOGUES.setdefault(locale, get_translations())
    return Markup(found.ugettext(text)) % variables  # noqa: S704  the texts are ours  # nosec B704


def _locale() -> Locale:
    return locale_of(language() if has_request_context() else ENGLISH)
