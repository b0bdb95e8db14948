"""`/api/chat`: the conversations for programs, and for pages of the origins in ALLOWED_ORIGINS."""

import threading
import uuid

from flask import Blueprint, Flask, Response, make_response, request, url_for
from flask_babel import gettext as _
from flask_cors import CORS
from pydantic import ValidationError

from repaircafe.answers.topics import Topic
from repaircafe.answers.wording import QUESTIONS
from repaircafe.chat import conversation, schemas
from repaircafe.chat.conversation import Question, QueueFullError, RefusedMessageError, UnknownError
from repaircafe.chat.models import Conversation, Reply
from repaircafe.chat.schemas import Answer, Messages, Unanswered
from repaircafe.chat.writer import writer
from repaircafe.database.tables import db, set_conversation
from repaircafe.environment import Environment, comma_list
from repaircafe.limits import MAX_MESSAGE_CHARS, QUEUE_WAIT_S, RETRY_AFTER_S
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.web.authentication import author_id, limit_questions
from repaircafe.web.errors import PageError, Problem, answer, neighbour_away
from repaircafe.web.negotiation import uncached
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response, read_json
from repaircafe.web.throttle import too_many
from repaircafe.work.models import State
from repaircafe.work.runner import runner
from repaircafe.writing.endings import ENDINGS

blueprint = Blueprint("chat_api", __name__, url_prefix="/api/chat")

STATUS_CODES = {Reason.INTERNAL: 500, Reason.TOO_LONG: 422}
"""The status code for each reason why there is no reply; 503 for any other reason."""


def init_app(app: Flask) -> None:
    """Lets the pages of ALLOWED_ORIGINS use the API (CORS)."""
    environment = parts(app)[Environment]
    if origins := comma_list(environment.allowed_origins):
        CORS(
            app,
            resources={r"/api/*": {"origins": origins}},
            methods=["GET", "POST", "DELETE"],
            allow_headers=["Content-Type", "Prefer"],
            expose_headers=["Location", "Retry-After", "X-Request-ID"],
            max_age=600,
        )


@blueprint.post("")
@limit_questions
@documented(
    Operation(
        answers={200: Answer, 202: Answer, 404: Problem, 429: Problem, **dict.fromkeys((422, 500, 503), Unanswered)},
        takes=schemas.Question,
        headers={"Prefer": "respond-async"},
        links=("chat_api.show", "chat_api.forget"),
    )
)
def ask() -> Response:
    """Asks a question, in a new conversation or a known one, and answers with the whole reply.

    A question for when, where or what the repair café is, or what it costs, is answered from the organiser's facts if
    no model answers it, and always if it has a `topic`.

    Answers 202 with the conversation's URL in `Location` if the client prefers not to wait (RFC 7240, respond-async),
    or if too many requests wait already.
    """
    asked = _question(read_json())
    session_id = asked.session_id or uuid.uuid4()
    set_conversation(session_id)
    session = db.session()
    if asked.session_id is not None and session.get(Conversation, asked.session_id) is None:
        raise UnknownError(asked.session_id)
    text = asked.message or str(QUESTIONS[asked.topic] if asked.topic else "")
    question = Question(Conversation(id=session_id), uuid.uuid4(), text, author_id(session), asked.topic)
    reply, ended = writer().ask(session, question)
    if not reply.is_under_way:  # the facts have answered
        return _answered(reply)
    if "respond-async" not in request.headers.get("Prefer", ""):
        with runner().place_to_wait() as is_free:
            if is_free:
                return _answered(_awaited(reply, ended))
    response = json_response(Answer, Answer.of(reply), 202)
    response.headers["Location"] = url_for("chat_api.show", session_id=reply.session_id)
    return response


@blueprint.get("/<uuid:session_id>")
@documented(Operation(answers={200: Messages}, path={"session_id": uuid.UUID}))
def show(session_id: uuid.UUID) -> Response:
    """The conversation with all its messages."""
    turns = conversation.turns(db.session(), session_id, runner().active_ids())
    return uncached(json_response(Messages, Messages.of(session_id, turns)))


@blueprint.delete("/<uuid:session_id>")
@documented(Operation(answers={204: None}, path={"session_id": uuid.UUID}))
def forget(session_id: uuid.UUID) -> Response:
    """Deletes the conversation now."""
    conversation.forget(db.session(), session_id)
    return make_response("", 204)


@blueprint.errorhandler(UnknownError)
def unknown(_error: UnknownError) -> Response:
    """404: the conversation does not exist, or no longer exists."""
    return answer(PageError(404, _("There is no such conversation."), _("Leave session_id out to start a new one.")))


@blueprint.app_errorhandler(RefusedMessageError)
def refused(error: RefusedMessageError) -> Response:
    """422: the message is empty or too long. A program that sends the page's form gets this answer too."""
    title = _("The message is too long.") if error.length else _("The message is empty.")
    cure = _("Send 1 to %(most)d characters.", most=MAX_MESSAGE_CHARS)
    return answer(PageError(422, title, cure, length=error.length, most=MAX_MESSAGE_CHARS))


@blueprint.app_errorhandler(QueueFullError)
def full(_error: QueueFullError) -> Response:
    """429: the queue is full and nothing was stored. A retry on the page gets this answer too."""
    return answer(too_many(QUEUE_WAIT_S))


def _question(body: object) -> schemas.Question:
    """The body as a question. Raises UnknownError, RefusedMessageError or PageError for the first fault in it."""
    try:
        return schemas.Question.model_validate(body)
    except ValidationError as error:
        fault = error.errors()[0]
    name, value = (*fault["loc"], "")[0], fault["input"]
    if name == "session_id":
        raise UnknownError(value)
    if name == "topic":
        raise PageError(422, _("There is no such topic."), _("Known: %(names)s", names=", ".join(Topic)))
    if name == "message" and isinstance(value, str):
        raise RefusedMessageError(len(value) if fault["type"] == "string_too_long" else 0)
    if fault["type"] == "extra_forbidden":
        known = ", ".join(schemas.Question.model_fields)
        raise PageError(422, _("One field is not known."), _("Known: %(names)s", names=known))
    raise PageError(
        422, _("The message is missing."), _('Send {"message": "…"}; add "session_id" to continue a conversation.')
    )


def _awaited(reply: Reply, ended: threading.Event | None) -> Reply:
    """The reply once it has ended. Gives the database connection back first, because the wait may take minutes."""
    db.session.remove()
    if ended is not None:
        ended.wait()
    return conversation.reply_of(db.session(), reply.session_id, reply.id)


def _answered(reply: Reply) -> Response:
    if reply.state in (State.DONE, State.STOPPED):
        return json_response(Answer, Answer.of(reply))
    if reply.reason is None:  # the model did not fail
        ending = ENDINGS.get(reply.state, ENDINGS[State.BROKEN])  # the next start will mark it so
        error = PageError(503, ending, _("Ask again."))
        error.headers["Retry-After"] = str(RETRY_AFTER_S)
    else:
        error = neighbour_away(Neighbour.LLM, reply.reason)
        error.status = STATUS_CODES.get(reply.reason, 503)
        if error.status != 503:
            del error.headers["Retry-After"]  # waiting does not help
    error.extra.update(Answer.of(reply).model_dump(mode="json"))
    return answer(error)
