"""`/chat`: a conversation as a page, which works as plain forms; with htmx the replies grow as they are made."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import ngettext, to_user_timezone
from flask_wtf.csrf import CSRFError
from markupsafe import Markup

from repaircafe.chat import conversation, export, markdown
from repaircafe.chat.conversation import (
    OPERATORS_BROWSER,
    Question,
    QueueFullError,
    RefusedMessageError,
    Turn,
    UnknownError,
)
from repaircafe.chat.models import RETRIABLE, UNDER_WAY, Conversation, Reply
from repaircafe.chat.writer import writer
from repaircafe.database.errors import ERRORS, UNWRITABLE, is_away, translate
from repaircafe.database.tables import db, without_nul
from repaircafe.environment import Environment
from repaircafe.health.monitor import monitor
from repaircafe.limits import MAX_LISTED_COUNT, MAX_MESSAGE_CHARS, MAX_STRETCH_BYTES, QUEUE_WAIT_S
from repaircafe.logs import polled
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Service, Text
from repaircafe.parts import parts
from repaircafe.web.authentication import author_id, is_operator, limit_questions
from repaircafe.web.errors import PageError, answer, expired_form
from repaircafe.web.negotiation import is_htmx, retargeted, uncached
from repaircafe.web.throttle import TooOftenError, exceeded

blueprint = Blueprint("chat", __name__)

NIGHTLY = timedelta(hours=3, minutes=40)
"""When the retention begins at the earliest: OnCalendar= of deploy/systemd/repaircafe-retention.timer."""


@blueprint.get("/chat")
def show_last() -> Response:
    """The conversation that this browser was in, or a new one."""
    last = None if _is_left_behind() else _uuid(session.get("conversation"))
    try:
        is_there = last is not None and db.session().get(Conversation, last) is not None
    except ERRORS as error:
        if not is_away(error):
            raise
        db.session.rollback()
        return _page(uuid.uuid4(), [], notice=_("What was said before is shown again as soon as the database is back."))
    return make_response(redirect(url_for("chat.show", session_id=last), 303)) if is_there else begin()


@blueprint.get("/chat/new")
def begin() -> Response:
    """A new conversation; it is stored with its first question."""
    return _page(uuid.uuid4(), [], is_new=True)


@blueprint.get("/chat/<uuid:session_id>")
def show(session_id: uuid.UUID) -> Response:
    """The end of the conversation, or what was said until the question `until`: as much as a page takes."""
    turns = conversation.turns(db.session(), session_id, writer().active_ids())
    return _page(session_id, turns, until=request.args.get("until", type=int))


@blueprint.post("/chat/<uuid:session_id>")
@limit_questions
def ask(session_id: uuid.UUID) -> Response:
    """Stores a question and begins its reply. Whatever goes wrong, what was typed comes back."""
    text, reply_id = request.form.get("message", ""), request.form.get("reply_id", uuid.uuid4(), type=uuid.UUID)
    ours = db.session()
    try:
        _remember(session_id)
        asked_in = Conversation(id=session_id, browser_id=_uuid(session["browser"]))
        begun = writer().ask(ours, Question(asked_in, reply_id, text, author_id(ours)))
    except RefusedMessageError as error:
        return _not_asked(session_id, text, _refusal(error), 422)
    except QueueFullError:
        return _too_many(session_id, text, _("Not sent: too many questions are waiting already."), QUEUE_WAIT_S)
    except ERRORS as error:
        if not is_away(error):
            raise
        db.session.rollback()
        return _not_asked(session_id, text, _not_stored(error), 503, reply_id)
    if not is_htmx():
        return _back(begun.reply)
    turn = Turn(begun.reply.question, (begun.reply,))
    response = _fragment("chat/_asked.html", session_id, turn=turn, live=True)
    here = url_for("chat.show", session_id=session_id)
    if urlsplit(request.headers.get("HX-Current-URL", "")).path != here:  # else Back would lead here again
        response.headers["HX-Push-Url"] = here
    return response


@blueprint.get("/chat/<uuid:session_id>/replies/<uuid:reply_id>")
@polled
def grow(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """What a reply has grown by since the page's last look, or, once it has ended, the whole of it."""
    seen = request.args.get("from", 0, type=int)
    try:
        reply, live = _news(session_id, reply_id, seen)
    except UnknownError:
        if not is_htmx():
            raise
        return retargeted(_fragment("chat/_gone.html", session_id), "#log", "innerHTML")
    if not is_htmx():
        return _back(reply)
    if reply.state in UNDER_WAY:
        return _fragment("chat/_growth.html", session_id, reply=reply, seen=seen, live=live)
    return retargeted(_fragment("chat/_ended.html", session_id, reply=reply), f"#reply-{reply_id}")


@blueprint.post("/chat/<uuid:session_id>/replies/<uuid:reply_id>/stop")
def stop(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """Stops the model; what it has said so far stays."""
    ours = db.session()
    writer().stop(ours, session_id, reply_id)
    return make_response("", 204) if is_htmx() else _back(conversation.reply_of(ours, session_id, reply_id))


@blueprint.post("/chat/<uuid:session_id>/replies/<uuid:reply_id>/retry")
@limit_questions
def retry(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """Asks the same question again."""
    ours = db.session()
    begun = writer().retry(ours, session_id, reply_id, author_id(ours))
    if not is_htmx():
        return _back(begun.reply)
    before = conversation.reply_of(ours, session_id, reply_id)
    return _fragment("chat/_retried.html", session_id, reply=begun.reply, before=before, live=True)


@blueprint.post("/chat/<uuid:session_id>/forget")
def forget(session_id: uuid.UUID) -> Response:
    """Deletes the conversation now, on every machine and for everybody."""
    conversation.forget(db.session(), session_id)
    if session.get("conversation") == str(session_id):
        del session["conversation"]
    flash(_("The conversation has been forgotten."))
    return make_response(redirect(url_for("chat.begin"), 303))


@blueprint.get("/chat/earlier")
def earlier() -> Response:
    """The conversations of this browser, or those in which the words turn up."""
    words = without_nul(request.args.get("q", "")).strip()[:200]
    browser = None if _is_left_behind() else _uuid(session.get("browser"))
    found = conversation.listed(db.session(), browser, words, MAX_LISTED_COUNT + 1) if browser else []
    page = render_template(
        "chat/earlier.html",
        found=found[:MAX_LISTED_COUNT],
        more=len(found) > MAX_LISTED_COUNT,
        words=words,
        removed=_removed,
    )
    return uncached(make_response(page))


@blueprint.get("/chat/<uuid:session_id>.<any(md, json):form>")
def save(session_id: uuid.UUID, form: str) -> Response:
    """The conversation as a file to keep."""
    turns = conversation.turns(db.session(), session_id, writer().active_ids())
    if form == "json":
        response = jsonify(export.as_dict(session_id, turns))
    else:
        response = make_response(export.as_markdown(turns))
        response.mimetype = "text/markdown"
    day = f"-{to_user_timezone(turns[0].question.created_at):%Y-%m-%d}" if turns else ""
    response.headers["Content-Disposition"] = f'attachment; filename="repair-cafe{day}.{form}"'
    return uncached(response)


@blueprint.errorhandler(UnknownError)
def gone(_error: UnknownError) -> Response:
    """An old link, or one that was never ours."""
    days = _retention_days()
    return answer(
        PageError(
            404,
            _("This conversation is not there any more."),
            ngettext(
                "It was forgotten, or it is older than %(num)d day. Begin a new one.",
                "It was forgotten, or it is older than %(num)d days. Begin a new one.",
                days,
            ),
        )
    )


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open across a restart: what was typed is shown again, to be sent again."""
    session_id = (request.view_args or {}).get("session_id")
    if request.endpoint != "chat.ask" or session_id is None:
        return expired_form(error)
    problem = _("This page was open for too long. Nothing was sent yet: press Send again.")
    return _not_asked(session_id, request.form.get("message", ""), problem, 400)


@blueprint.errorhandler(TooOftenError)
def too_often(error: TooOftenError) -> Response:
    """Too many questions in a short time: what was typed comes back."""
    if request.endpoint != "chat.ask":
        return exceeded(error)
    session_id, wait_s = (request.view_args or {})["session_id"], error.wait_s
    return _too_many(session_id, request.form.get("message", ""), _("Not sent: that was too often."), wait_s)


def _news(session_id: uuid.UUID, reply_id: uuid.UUID, seen: int) -> tuple[Reply, bool]:
    """The reply, as soon as more than `seen` has been said; and whether it may be asked for again at once.

    Waits GROWTH_WAIT_S at most, so that phase and time are never older. Raises UnknownError.
    """
    active_ids = writer().active_ids()
    if reply_id not in active_ids:
        conversation.settle_abandoned(db.session(), active_ids)
    live = writer().await_change(reply_id, seen)
    return conversation.reply_of(db.session(), session_id, reply_id), live


def _remember(session_id: uuid.UUID) -> None:
    """Makes this browser known to itself for as long as its conversations are kept."""
    session.permanent = True
    if _is_left_behind():
        del session["browser"]
    session.setdefault("browser", str(uuid.uuid4()))
    session["conversation"] = str(session_id)


def _is_left_behind() -> bool:
    """Whether what this browser holds is an operator's whose sign-in has ended by itself: it is not shown any more."""
    return session.get("browser") == str(OPERATORS_BROWSER) and not is_operator()


def _refusal(error: RefusedMessageError) -> Text:
    if not error.length:
        return _("Type a question first.")
    return _(
        "This is too long: %(length)d characters, and %(most)d at most. Shorten it, or send it in parts.",
        length=error.length,
        most=MAX_MESSAGE_CHARS,
    )


def _not_stored(error: Exception) -> Text:
    reason = translate(error).reason
    if reason in UNWRITABLE:
        why = explain(Service.DB, reason).sentence
        return _("Not sent. %(why)s What you typed is still here.", why=why)
    return _("Not sent: the database is away. What you typed is still here.")


def _not_asked(
    session_id: uuid.UUID, text: str, problem: Text, status: int, reply_id: uuid.UUID | None = None
) -> Response:
    """`reply_id`: where it may have been stored all the same, so that sending it again does not store it twice."""
    if is_htmx():
        response = _fragment("chat/_ask.html", session_id, reply_id, typed=text, problem=problem)
        response.status_code = status
        return retargeted(response, "#ask")
    try:
        turns = conversation.turns(db.session(), session_id, writer().active_ids())
    except (UnknownError, *ERRORS):
        turns = []
    response = _page(session_id, turns, reply_id, typed=text, problem=problem)
    response.status_code = status
    return response


def _too_many(session_id: uuid.UUID, text: str, problem: Text, wait_s: int) -> Response:
    again = ngettext(
        "What you typed is still here. Try again in %(num)d second.",
        "What you typed is still here. Try again in %(num)d seconds.",
        wait_s,
    )
    response = _not_asked(session_id, text, f"{problem} {again}", 429)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _page(
    session_id: uuid.UUID,
    turns: list[Turn],
    reply_id: uuid.UUID | None = None,
    until: int | None = None,
    **context: object,
) -> Response:
    """A stretch of the conversation: its end, or what was said until the question `until`; for htmx that alone."""
    context |= _context(session_id, reply_id)
    told = [one for one in turns if until is None or one.question.id <= until]
    said = _newest(_turn(one, context) for one in reversed(told))
    shown = told[len(told) - len(said) :]
    page = render_template(
        "chat/_stretch.html" if until is not None and is_htmx() else "chat/show.html",
        stretch=Markup("".join(said)),  # noqa: S704  of our own templates  # nosec B704
        before=told[-len(said) - 1].question.id if len(said) < len(told) else None,
        until=until,
        goes_on=len(told) < len(turns),
        waiting=next((one.reply for one in shown if one.reply and one.reply.state in UNDER_WAY), None),
        newest=max((one.newest for one in turns), default=None),
        report=monitor().glance().report(Service.LLM),
        **context,
    )
    return uncached(make_response(page))


def _turn(turn: Turn, context: dict[str, Any]) -> str:
    """One turn; of many attempts at a reply, which may be more than a page takes, the newest."""
    whole = render_template("chat/_turn.html", turn=turn, **context)
    if len(whole.encode()) <= MAX_STRETCH_BYTES:
        return whole
    attempts = (render_template("chat/_reply.html", reply=one, **context) for one in reversed(turn.shown))
    fitting = replace(turn, replies=turn.shown[-len(_newest(attempts)) :])
    return render_template("chat/_turn.html", turn=fitting, is_cut=fitting.shown != turn.shown, **context)


def _newest(parts: Iterable[str]) -> list[str]:
    """Of parts that come newest first as many as a page takes, one in any case; in their order."""
    found: list[str] = []
    size = 0
    for part in parts:
        size += len(part.encode())
        if found and size > MAX_STRETCH_BYTES:
            break
        found.append(part)
    return found[::-1]


def _fragment(template: str, session_id: uuid.UUID, reply_id: uuid.UUID | None = None, **context: object) -> Response:
    return uncached(make_response(render_template(template, **_context(session_id, reply_id), **context)))


def _context(session_id: uuid.UUID, reply_id: uuid.UUID | None) -> dict[str, Any]:
    """What the templates of a conversation need. `reply_id`: of the question in the form; new where there is none."""
    return {
        "session_id": session_id,
        "UNDER_WAY": UNDER_WAY,
        "RETRIABLE": RETRIABLE,
        "fresh_id": reply_id or uuid.uuid4(),
        "longest": MAX_MESSAGE_CHARS,
        "days": _retention_days(),
        "ahead": lambda reply: conversation.ahead(db.session(), reply),
        "passed": conversation.passed,
        "removed": _removed,
        "ended": export.ended,
        "as_html": markdown.as_html,
        "as_speech": markdown.as_speech,
        "advice": export.advice,
    }


def hand_over_to_operator() -> dict[str, str]:
    """At a sign-in: this browser's conversations become the operator's, in the caller's transaction.

    Answers what the operator's session has to know of them.
    """
    if before := session.get("browser"):
        conversation.hand_over(db.session(), uuid.UUID(before), OPERATORS_BROWSER)
    carried = {"browser": str(OPERATORS_BROWSER)}
    if talk := session.get("conversation"):
        carried["conversation"] = talk
    return carried


def _removed(said_at: datetime) -> date:
    """The day that begins, at the latest, with the night in which what was said then is removed."""
    outlived: datetime = to_user_timezone(said_at + timedelta(days=_retention_days()) - NIGHTLY)
    return outlived.date() + timedelta(days=1)


def _retention_days() -> int:
    environment = parts()[Environment]
    return environment.chat_retention_days


def _back(reply: Reply) -> Response:
    """To the reply, on the page that has it."""
    is_last = conversation.is_last(db.session(), reply)
    until = None if is_last else reply.question_id
    page = url_for("chat.show", session_id=reply.session_id, until=until, _anchor=f"reply-{reply.id}")
    return make_response(redirect(page, 303))


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text)) if text else None
    except ValueError:
        return None
