"""A conversation as HTML: as much of it as fits on a page, and the fragments that htmx requests."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import to_user_timezone
from flask_wtf.csrf import generate_csrf
from jinja2.utils import LRUCache
from markupsafe import Markup

from repaircafe.answers import wording
from repaircafe.chat import conversation
from repaircafe.chat.conversation import Turn
from repaircafe.chat.models import Reply
from repaircafe.database.tables import db
from repaircafe.environment import Environment
from repaircafe.health.banner import banner_version
from repaircafe.health.monitor import monitor
from repaircafe.limits import MAX_MESSAGE_CHARS, MAX_STRETCH_BYTES
from repaircafe.neighbours.report import Neighbour
from repaircafe.parts import parts
from repaircafe.settings.store import store
from repaircafe.web.kept import KeptPages
from repaircafe.web.languages import language
from repaircafe.web.negotiation import is_htmx, uncached
from repaircafe.work.models import RETRIABLE, State
from repaircafe.work.pages import JobView
from repaircafe.writing import endings, findings, markdown

NIGHTLY = timedelta(hours=3, minutes=40)
"""The earliest time at which the retention starts: OnCalendar= of deploy/systemd/repaircafe-retention.timer."""
MAX_KEPT_CHARS = 10_000
"""A longer turn is rendered each time."""
_RENDERED = LRUCache(256)
"""Turns as HTML, by language and replies: rendering one takes longer than reading it from the database."""
_PAGES = KeptPages(32, "stretch", "session_id", "fresh_id", "csrf_token")
_PAGE = ("stretch", "before", "until", "goes_on", "waiting", "newest", "report")
"""What a page has beside the context of all templates; one with more has something to say to this visitor alone."""


def back_to(reply: Reply) -> Response:
    """Redirects to the reply, on the page that shows it."""
    is_last = conversation.is_last(db.session(), reply)
    until = None if is_last else reply.question_id
    where = url_for("chat.show", session_id=reply.session_id, until=until, _anchor=f"reply-{reply.id}")
    return make_response(redirect(where, 303))


def removed(said_at: datetime) -> date:
    """The day in whose early morning, at the latest, the retention removes a message of that time."""
    outlived: datetime = to_user_timezone(said_at + timedelta(days=retention_days()) - NIGHTLY)
    return outlived.date() + timedelta(days=1)


def retention_days() -> int:
    """For how many days messages are kept."""
    return int(parts()[Environment].chat_retention_days)


def conversation_page(
    session_id: uuid.UUID,
    turns: list[Turn],
    reply_id: uuid.UUID | None = None,
    until: int | None = None,
    **context: object,
) -> Response:
    """A page with the end of the conversation, or its part up to the question `until`. htmx gets only this part."""
    shared = _context(session_id, reply_id)
    context |= shared
    told = [one for one in turns if until is None or one.question.id <= until]
    said = _newest(_turn(one, context) for one in reversed(told))
    shown = told[len(told) - len(said) :]
    context |= {
        "stretch": Markup("".join(said)),  # noqa: S704  from our own templates  # nosec B704
        "before": told[-len(said) - 1].question.id if len(said) < len(told) else None,
        "until": until,
        "goes_on": len(told) < len(turns),
        "waiting": next((one.reply for one in shown if one.reply and one.reply.is_under_way), None),
        "newest": max((one.newest for one in turns), default=None),
        "report": monitor().glance().report(Neighbour.LLM),
    }
    stretch_alone = until is not None and is_htmx()
    render = partial(render_template, "chat/_stretch.html" if stretch_alone else "chat/show.html", **context)
    is_usual = set(context) == {*shared, *_PAGE} and not any(context[name] for name in ("before", "until", "waiting"))
    return uncached(make_response(_kept(context, render) if is_usual else render()))


def _kept(context: dict[str, Any], render: Callable[[], str]) -> str:
    """The page around a conversation that fits on it and is not under way, which is most of them."""
    stored, report, newest = store().stored(), context["report"], context["newest"]
    key = (
        *(request.endpoint, language(), stored and stored.logo_version, context["days"]),
        *(store().settings(), banner_version(monitor().glance())),
        *(report.outside, report.is_trial, report.reason),
        newest and removed(newest),
    )
    values = {
        "stretch": context["stretch"],
        "session_id": str(context["session_id"]),
        "fresh_id": str(context["fresh_id"]),
        "csrf_token": generate_csrf(),
    }
    return _PAGES.page(key, render, values)


def fragment(template: str, session_id: uuid.UUID, reply_id: uuid.UUID | None = None, **context: object) -> Response:
    """A part of the page, for htmx. `reply_id` goes into the form of the next question; by default a new id."""
    return uncached(make_response(render_template(template, **_context(session_id, reply_id), **context)))


def view_of(reply: Reply) -> JobView:
    """A reply under way, as every page shows a job."""
    at = partial(url_for, session_id=reply.session_id, reply_id=reply.id)
    return JobView(reply, partial(at, "chat.grow"), at("chat.stop"), _("Stop"))


def _turn(turn: Turn, context: dict[str, Any]) -> str:
    """One turn as HTML, kept for the next page if it cannot change any more."""
    ended = turn.reply is not None and all(one.state is State.DONE for one in turn.replies)
    key = (language(), context["next_date"], *(one.id for one in turn.replies)) if ended else None
    kept: str | None = _RENDERED.get(key)
    if kept is not None:
        return kept
    rendered = _rendered(turn, context)
    if key is not None and len(rendered) <= MAX_KEPT_CHARS:
        _RENDERED[key] = rendered
    return rendered


def _rendered(turn: Turn, context: dict[str, Any]) -> str:
    """One turn as HTML. If all attempts at its reply do not fit on a page, only the newest ones."""
    whole = render_template("chat/_turn.html", turn=turn, **context)
    if len(whole.encode()) <= MAX_STRETCH_BYTES:
        return whole
    attempts = (render_template("chat/_reply.html", reply=one, **context) for one in reversed(turn.shown))
    fitting = replace(turn, replies=turn.shown[-len(_newest(attempts)) :])
    return render_template("chat/_turn.html", turn=fitting, is_cut=fitting.shown != turn.shown, **context)


def _newest(parts: Iterable[str]) -> list[str]:
    """As many of the newest parts as fit on a page, at least one. `parts` is newest first, the result oldest first."""
    found: list[str] = []
    size = 0
    for part in parts:
        size += len(part.encode())
        if found and size > MAX_STRETCH_BYTES:
            break
        found.append(part)
    return found[::-1]


def _context(session_id: uuid.UUID, reply_id: uuid.UUID | None) -> dict[str, Any]:
    """What the templates of a conversation need. `reply_id`: as for `fragment`."""
    return {
        "session_id": session_id,
        "RETRIABLE": RETRIABLE,
        "fresh_id": reply_id or uuid.uuid4(),
        "longest": MAX_MESSAGE_CHARS,
        "days": retention_days(),
        "view_of": view_of,
        "removed": removed,
        "ended": endings.ended,
        "finding_words": findings,
        "as_html": markdown.as_html,
        "as_speech": markdown.as_speech,
        "advice": endings.advice,
        "in_line": wording.in_line,
        "next_date": store().settings().next_date,
    }
