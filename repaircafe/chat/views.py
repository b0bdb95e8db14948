"""`/chat`: asks, shows and deletes, with plain forms. With htmx a reply grows on the page while the model writes it."""

import uuid
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

from repaircafe.answers.topics import Topic
from repaircafe.answers.wording import QUESTIONS
from repaircafe.chat import conversation, export
from repaircafe.chat.conversation import (
    OPERATORS_BROWSER,
    Question,
    QueueFullError,
    RefusedMessageError,
    Turn,
    UnknownError,
)
from repaircafe.chat.models import Conversation, Reply
from repaircafe.chat.pages import back_to, conversation_page, fragment, removed, retention_days, view_of
from repaircafe.chat.schemas import Messages
from repaircafe.chat.writer import writer
from repaircafe.database.errors import UNWRITABLE, AwayError
from repaircafe.database.tables import db, without_nul
from repaircafe.limits import MAX_LISTED_COUNT, MAX_MESSAGE_CHARS, QUEUE_WAIT_S
from repaircafe.logs import polled
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Text
from repaircafe.web.authentication import author_id, is_operator, limit_questions
from repaircafe.web.errors import PageError, answer, expired_form
from repaircafe.web.negotiation import is_htmx, retargeted, uncached, wants_json
from repaircafe.web.throttle import TooOftenError, exceeded
from repaircafe.work import queue
from repaircafe.work.pages import news
from repaircafe.work.runner import runner
from repaircafe.writing.warm_up import warm_up

blueprint = Blueprint("chat", __name__)


@blueprint.get("/chat")
def show_last() -> Response:
    """The last conversation of this browser, or a new one."""
    last = None if _is_left_behind() else _uuid(session.get("conversation"))
    try:
        is_there = last is not None and db.session().get(Conversation, last) is not None
    except AwayError:
        return conversation_page(
            uuid.uuid4(), [], notice=_("Earlier messages appear again as soon as the database is back.")
        )
    if not is_there:
        return begin()
    return make_response(redirect(url_for("chat.show", session_id=last, _anchor="newest"), 303))


@blueprint.get("/chat/new")
def begin() -> Response:
    """A new conversation. It is stored with its first question."""
    warm_up().begin()
    return conversation_page(uuid.uuid4(), [])


@blueprint.get("/chat/<uuid:session_id>")
def show(session_id: uuid.UUID) -> Response:
    """The end of the conversation, or its part up to the question `until`: as much as fits on a page."""
    turns = conversation.turns(db.session(), session_id, runner().active_ids())
    warm_up().begin()
    return conversation_page(session_id, turns, until=request.args.get("until", type=int))


@blueprint.post("/chat/<uuid:session_id>")
@limit_questions
def ask(session_id: uuid.UUID) -> Response:
    """Stores a question and starts its reply. If anything fails, the page comes back with the typed text.

    The organiser's facts answer what a button asks: its `topic` is one of Topic.

    A program gets the same errors as from `/api/chat`.
    """
    topic, reply_id = request.form.get("topic", type=Topic), request.form.get("reply_id", uuid.uuid4(), type=uuid.UUID)
    text = request.form.get("message", "") if topic is None else str(QUESTIONS[topic])
    ours = db.session()
    try:
        _remember(session_id)
        asked_in = Conversation(id=session_id, browser_id=_uuid(session["browser"]))
        reply, _ended = writer().ask(ours, Question(asked_in, reply_id, text, author_id(ours), topic))
    except (RefusedMessageError, QueueFullError, AwayError) as error:
        if wants_json():
            raise
        return _not_taken(session_id, text, error, reply_id)
    if not is_htmx():
        return back_to(reply)
    turn = Turn(reply.question, (reply,))
    typed = request.form.get("message", "") if topic else ""  # what was being typed stays
    response = fragment("chat/_asked.html", session_id, turn=turn, live=True, typed=typed)
    here = url_for("chat.show", session_id=session_id)
    if urlsplit(request.headers.get("HX-Current-URL", "")).path != here:  # otherwise Back would lead here again
        response.headers["HX-Push-Url"] = here
    return response


@blueprint.get("/chat/<uuid:session_id>/replies/<uuid:reply_id>")
@polled
def grow(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """The new part of a reply since the page's last poll or, once the reply has ended, the whole reply."""
    seen = request.args.get("from", 0, type=int)
    try:
        reply, live = _news(session_id, reply_id, seen)
    except UnknownError:
        if not is_htmx():
            raise
        return retargeted(fragment("chat/_gone.html", session_id), "#log", "innerHTML")
    if not is_htmx():
        return back_to(reply)
    if reply.is_under_way:
        return news(view_of(reply), live=live)
    return retargeted(fragment("chat/_ended.html", session_id, reply=reply), f"#reply-{reply_id}")


@blueprint.post("/chat/<uuid:session_id>/replies/<uuid:reply_id>/stop")
def stop(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """Stops the model; the text so far stays."""
    ours = db.session()
    writer().stop(ours, session_id, reply_id)
    return make_response("", 204) if is_htmx() else back_to(conversation.reply_of(ours, session_id, reply_id))


@blueprint.post("/chat/<uuid:session_id>/replies/<uuid:reply_id>/retry")
@limit_questions
def retry(session_id: uuid.UUID, reply_id: uuid.UUID) -> Response:
    """Asks the same question again."""
    ours = db.session()
    reply, _ended = writer().retry(ours, session_id, reply_id, author_id(ours))
    if not is_htmx():
        return back_to(reply)
    before = conversation.reply_of(ours, session_id, reply_id)
    return fragment("chat/_retried.html", session_id, reply=reply, before=before, live=True)


@blueprint.post("/chat/<uuid:session_id>/forget")
def forget(session_id: uuid.UUID) -> Response:
    """Deletes the conversation immediately, for every browser and every host."""
    conversation.forget(db.session(), session_id)
    if session.get("conversation") == str(session_id):
        del session["conversation"]
    flash(_("The conversation has been deleted."))
    return make_response(redirect(url_for("chat.begin"), 303))


@blueprint.get("/chat/earlier")
def earlier() -> Response:
    """The conversations of this browser, or those that contain the words."""
    words = without_nul(request.args.get("q", "")).strip()[:200]
    browser = None if _is_left_behind() else _uuid(session.get("browser"))
    found = conversation.listed(db.session(), browser, words, MAX_LISTED_COUNT + 1) if browser else []
    page = render_template(
        "chat/earlier.html",
        found=found[:MAX_LISTED_COUNT],
        more=len(found) > MAX_LISTED_COUNT,
        words=words,
        removed=removed,
    )
    return uncached(make_response(page))


@blueprint.get("/chat/<uuid:session_id>.<any(md, json):form>")
def save(session_id: uuid.UUID, form: str) -> Response:
    """The conversation as a file to keep."""
    turns = conversation.turns(db.session(), session_id, runner().active_ids())
    if form == "json":
        response = jsonify(Messages.of(session_id, turns).model_dump(mode="json"))
    else:
        response = make_response(export.as_markdown(turns))
        response.mimetype = "text/markdown"
    day = f"-{to_user_timezone(turns[0].question.created_at):%Y-%m-%d}" if turns else ""
    response.headers["Content-Disposition"] = f'attachment; filename="repair-cafe{day}.{form}"'
    return uncached(response)


@blueprint.errorhandler(UnknownError)
def gone(_error: UnknownError) -> Response:
    """404: the conversation was deleted, or never existed."""
    days = retention_days()
    return answer(
        PageError(
            404,
            _("This conversation no longer exists."),
            ngettext(
                "It was deleted, or it is older than %(num)d day. Start a new one.",
                "It was deleted, or it is older than %(num)d days. Start a new one.",
                days,
            ),
        )
    )


@blueprint.errorhandler(CSRFError)
def expired(error: CSRFError) -> Response:
    """The page was open while the app restarted. Shows the typed text again, ready to be sent."""
    session_id = (request.view_args or {}).get("session_id")
    if request.endpoint != "chat.ask" or session_id is None or wants_json():
        return expired_form(error)
    problem = _("This page was open for too long. Nothing has been sent yet: press Send again.")
    return _not_asked(session_id, request.form.get("message", ""), problem, 400)


@blueprint.errorhandler(TooOftenError)
def too_often(error: TooOftenError) -> Response:
    """Too many questions in a short time. The page comes back with the typed text."""
    if request.endpoint != "chat.ask" or wants_json():
        return exceeded(error)
    session_id, wait_s = (request.view_args or {})["session_id"], error.wait_s
    return _too_many(session_id, request.form.get("message", ""), _("Not sent: too many attempts."), wait_s)


def _news(session_id: uuid.UUID, reply_id: uuid.UUID, seen: int) -> tuple[Reply, bool]:
    """The reply, once it has more than `seen` characters, and whether the page may poll again immediately.

    Waits at most GROWTH_WAIT_S, so that the phase and the time on the page are never older. Raises UnknownError.
    """
    active_ids = runner().active_ids()
    if reply_id not in active_ids:
        queue.settle_abandoned(db.session(), active_ids)
        db.session().commit()  # no connection is held during the wait
    live = runner().await_change(reply_id, seen)
    return conversation.reply_of(db.session(), session_id, reply_id), live


def _remember(session_id: uuid.UUID) -> None:
    """Stores the browser's id and its current conversation in its session cookie, to find them again later."""
    session.permanent = True
    if _is_left_behind():
        del session["browser"]
    session.setdefault("browser", str(uuid.uuid4()))
    session["conversation"] = str(session_id)


def _is_left_behind() -> bool:
    """Whether the browser's conversations are the organiser's, whose sign-in has expired: they stay hidden then."""
    return session.get("browser") == str(OPERATORS_BROWSER) and not is_operator()


def _not_taken(
    session_id: uuid.UUID, text: str, error: RefusedMessageError | QueueFullError | AwayError, reply_id: uuid.UUID
) -> Response:
    match error:
        case RefusedMessageError():
            return _not_asked(session_id, text, _refusal(error), 422)
        case QueueFullError():
            return _too_many(session_id, text, _("Not sent: too many questions are waiting already."), QUEUE_WAIT_S)
    db.session.rollback()  # the page reads the earlier messages
    return _not_asked(session_id, text, _not_stored(error), 503, reply_id)


def _refusal(error: RefusedMessageError) -> Text:
    if not error.length:
        return _("Type a question first.")
    return _(
        "This is too long: %(length)d characters; at most %(most)d are allowed. Shorten it, or send it in parts.",
        length=error.length,
        most=MAX_MESSAGE_CHARS,
    )


def _not_stored(error: AwayError) -> Text:
    if error.reason in UNWRITABLE:
        why = explain(Neighbour.DB, error.reason).sentence
        return _("Not sent. %(why)s What you typed is still here.", why=why)
    return _("Not sent: the database is not reachable. What you typed is still here.")


def _not_asked(
    session_id: uuid.UUID, text: str, problem: Text, status: int, reply_id: uuid.UUID | None = None
) -> Response:
    """The page with the typed text. Give `reply_id` if the question may be stored: it makes a repetition known."""
    if is_htmx():
        response = fragment("chat/_ask.html", session_id, reply_id, typed=text, problem=problem)
        response.status_code = status
        return retargeted(response, "#ask")
    try:
        turns = conversation.turns(db.session(), session_id, runner().active_ids())
    except (UnknownError, AwayError):
        turns = []
    response = conversation_page(session_id, turns, reply_id, typed=text, problem=problem)
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


def hand_over_to_operator() -> dict[str, str]:
    """At a sign-in: makes this browser's conversations the organiser's, in the caller's transaction.

    Returns the values for the organiser's session.
    """
    if before := session.get("browser"):
        conversation.hand_over(db.session(), uuid.UUID(before), OPERATORS_BROWSER)
    carried = {"browser": str(OPERATORS_BROWSER)}
    if talk := session.get("conversation"):
        carried["conversation"] = talk
    return carried


def _uuid(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text)) if text else None
    except ValueError:
        return None
