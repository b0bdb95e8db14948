"""`/api/chat`: the conversations for programs, and for pages of the origins in ALLOWED_ORIGINS."""

import uuid
from typing import Any

from flask import Blueprint, Flask, Response, make_response, request, url_for
from flask_babel import gettext as _
from flask_cors import CORS
from pydantic import ValidationError

from repaircafe.chat import bodies, conversation, export
from repaircafe.chat.bodies import Answer, Messages, Unanswered
from repaircafe.chat.conversation import Question, QueueFullError, RefusedMessageError, UnknownError
from repaircafe.chat.models import Conversation, Reply, State
from repaircafe.chat.writer import Started, writer
from repaircafe.database.tables import db, set_conversation
from repaircafe.environment import Environment, comma_list
from repaircafe.limits import MAX_MESSAGE_CHARS, QUEUE_WAIT_S, RETRY_AFTER_S
from repaircafe.neighbours.report import Reason, Service
from repaircafe.parts import parts
from repaircafe.web.authentication import author_id, limit_questions
from repaircafe.web.errors import PageError, Problem, answer, neighbour_away
from repaircafe.web.negotiation import uncached
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response, read_json
from repaircafe.web.throttle import too_many

blueprint = Blueprint("chat_api", __name__, url_prefix="/api/chat")

STATUS_CODES = {Reason.INTERNAL: 500, Reason.TOO_LONG: 422}
"""For a reply that did not come; 503 for any other reason."""


def init_app(app: Flask) -> None:
    """Lets the pages of ALLOWED_ORIGINS ask."""
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
        takes=bodies.Question,
        headers={"Prefer": "respond-async"},
        links=("chat_api.show", "chat_api.forget"),
    )
)
def ask() -> Response:
    """Asks a question, in a new conversation or a known one, and answers with the whole reply.

    202 with the place to look at where the client prefers not to wait (RFC 7240, respond-async) or too many do.
    """
    asked = _question(read_json())
    session_id = asked.session_id or uuid.uuid4()
    set_conversation(session_id)
    session = db.session()
    if asked.session_id is not None and session.get(Conversation, asked.session_id) is None:
        raise UnknownError(asked.session_id)
    question = Question(Conversation(id=session_id), uuid.uuid4(), asked.message, author_id(session))
    begun = writer().ask(session, question)
    if "respond-async" not in request.headers.get("Prefer", ""):
        with writer().place_to_wait() as is_free:
            if is_free:
                return _answered(_awaited(begun))
    response = json_response(Answer, _body(begun.reply), 202)
    response.headers["Location"] = url_for("chat_api.show", session_id=begun.reply.session_id)
    return response


@blueprint.get("/<uuid:session_id>")
@documented(Operation(answers={200: Messages}, path={"session_id": uuid.UUID}))
def show(session_id: uuid.UUID) -> Response:
    """The conversation with all its messages."""
    turns = conversation.turns(db.session(), session_id, writer().active_ids())
    return uncached(json_response(Messages, export.as_dict(session_id, turns)))


@blueprint.delete("/<uuid:session_id>")
@documented(Operation(answers={204: None}, path={"session_id": uuid.UUID}))
def forget(session_id: uuid.UUID) -> Response:
    """Deletes the conversation now."""
    conversation.forget(db.session(), session_id)
    return make_response("", 204)


@blueprint.errorhandler(UnknownError)
def unknown(_error: UnknownError) -> Response:
    """A conversation that is not there, or not there any more."""
    return answer(PageError(404, _("There is no such conversation."), _("Leave session_id out to begin a new one.")))


@blueprint.errorhandler(RefusedMessageError)
def refused(error: RefusedMessageError) -> Response:
    """A message that is empty or too long."""
    title = _("The message is too long.") if error.length else _("The message is empty.")
    cure = _("Send 1 to %(most)d characters.", most=MAX_MESSAGE_CHARS)
    return answer(PageError(422, title, cure, length=error.length, most=MAX_MESSAGE_CHARS))


@blueprint.app_errorhandler(QueueFullError)
def full(_error: QueueFullError) -> Response:
    """Nothing was stored or begun; for the page as well, where a reply is asked for again."""
    return answer(too_many(QUEUE_WAIT_S))


def _question(body: object) -> bodies.Question:
    """The body as a question. Raises for its first fault what a question that cannot be asked is answered with."""
    try:
        return bodies.Question.model_validate(body)
    except ValidationError as error:
        fault = error.errors()[0]
    name, value = (*fault["loc"], "")[0], fault["input"]
    if name == "session_id":
        raise UnknownError(value)
    if name == "message" and isinstance(value, str):
        raise RefusedMessageError(len(value) if fault["type"] == "string_too_long" else 0)
    if fault["type"] == "extra_forbidden":
        known = ", ".join(bodies.Question.model_fields)
        raise PageError(422, _("There is a field that is not known."), _("Known: %(names)s", names=known))
    raise PageError(422, _("There is no message."), _('Send {"message": "…"}, and "session_id" to go on.'))


def _awaited(begun: Started) -> Reply:
    """The reply once it has ended. It gives the database's connection back first: this may take minutes."""
    session_id, reply_id = begun.reply.session_id, begun.reply.id
    db.session.remove()
    if begun.ended is not None:
        begun.ended.wait()
    return conversation.reply_of(db.session(), session_id, reply_id)


def _answered(reply: Reply) -> Response:
    if reply.state in (State.DONE, State.STOPPED):
        return json_response(Answer, _body(reply))
    if reply.reason is None:  # it is no fault of the model's
        ending = export.ENDINGS.get(reply.state, export.ENDINGS[State.BROKEN])  # as the next start will find it
        error = PageError(503, ending, _("Ask again."))
        error.headers["Retry-After"] = str(RETRY_AFTER_S)
    else:
        error = neighbour_away(Service.LLM, reply.reason)
        error.status = STATUS_CODES.get(reply.reason, 503)
        if error.status != 503:
            del error.headers["Retry-After"]  # waiting changes nothing
    error.extra.update(_body(reply))
    return answer(error)


def _body(reply: Reply) -> dict[str, Any]:
    return {
        "session_id": str(reply.session_id),
        "user_message": export.question_as_dict(reply.question),
        "assistant_message": export.reply_as_dict(reply),
    }
