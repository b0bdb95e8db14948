"""How the texts are shown: the whole page, a part of it for htmx, or the way back to it."""

import uuid

from flask import Response, make_response, redirect, render_template, request, url_for

from repaircafe.announcements.elsewhere import Elsewhere
from repaircafe.announcements.pages import Card, Desk, labels
from repaircafe.announcements.texts import MONTH, Format
from repaircafe.limits import MAX_ANNOUNCEMENT_CHARS, MAX_LINE_CHARS
from repaircafe.web.languages import LANGUAGES, language
from repaircafe.web.negotiation import uncached
from repaircafe.work.models import RETRIABLE
from repaircafe.writing import findings as finding_words


def asked_language() -> str:
    """The language of the texts, by its code in the address or the form; else the reader's. `language` is older."""
    asked = request.values.get("lang") or request.values.get("language", "")
    return asked if asked in LANGUAGES else language()


def back(chosen: str, anchor: str) -> Response:
    """A redirect to a place on the page."""
    look = uuid.uuid4().hex[:8]  # a new address: at the same one, a browser only scrolls to the anchor
    return make_response(redirect(url_for("announcements.show", lang=chosen, look=look, _anchor=anchor), 303))


def page(desk: Desk, changed: Card | None = None, status: int = 200) -> Response:
    """The whole page; `changed` is a card that shows more than what is stored."""
    cards = desk.cards()
    month = Card(desk, MONTH, desk.day) if desk.day else None
    if changed is not None and changed.format == MONTH:
        month = changed
    elif changed is not None:
        cards[Format(changed.format)] = changed
    return rendered("announcements/show.html", desk, cards=cards, month=month, told=Elsewhere(), status=status)


def rendered(template: str, desk: Desk, *, status: int = 200, **context: object) -> Response:
    """A template with what all of them need."""
    content = render_template(
        template,
        desk=desk,
        chosen=desk.language,
        labels=labels(),
        longest=MAX_ANNOUNCEMENT_CHARS,
        longest_line=MAX_LINE_CHARS,
        fresh_id=uuid.uuid4,
        finding_words=finding_words,
        RETRIABLE=RETRIABLE,
        **context,
    )
    return uncached(make_response(content, status))  # an old copy of the page would store its text over the newer one
