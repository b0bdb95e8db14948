"""`/api/mail`: the café's mail for programs that sign in as the organiser."""

import uuid
from typing import Literal

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from repaircafe.database.tables import db
from repaircafe.mail import inbox
from repaircafe.mail.fetcher import fetcher
from repaircafe.mail.models import Fetch, Thread, ThreadState
from repaircafe.mail.schemas import FetchRow, NoValues, ThreadRow, Threads, WholeThread
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.web.errors import PageError, Problem
from repaircafe.web.openapi import Operation, documented
from repaircafe.web.schemas import json_response, read_json

blueprint = Blueprint("mail_api", __name__, url_prefix="/api/mail")


@blueprint.get("/threads")
@documented(
    Operation(answers={200: Threads, 422: Problem}, query={"state": Literal["", "open", "done"], "q": "toaster"})
)
def threads() -> Response:
    """The threads in that state, or all of them, in which the words of `q` occur; the last word may be unfinished."""
    state = _state(request.args.get("state", ""))
    box = fetcher().box(db.session())
    found = inbox.every_thread(db.session(), box.id, state, request.args.get("q", "")) if box else []
    return json_response(Threads, Threads(threads=[ThreadRow.model_validate(one) for one in found]))


@blueprint.get("/threads/<uuid:thread_id>")
@documented(Operation(answers={200: WholeThread}, path={"thread_id": uuid.UUID}))
def thread(thread_id: uuid.UUID) -> Response:
    """A thread with its mails. It stays unread."""
    return json_response(WholeThread, WholeThread.model_validate(_found(thread_id)))


@blueprint.post("/threads/<uuid:thread_id>/done")
@documented(Operation(answers={200: ThreadRow}, takes=NoValues, path={"thread_id": uuid.UUID}))
def done(thread_id: uuid.UUID) -> Response:
    """Says that nothing waits in the thread any more. A newer mail opens it again."""
    _take_nothing()
    inbox.set_state(db.session(), thread_id, ThreadState.DONE)
    return json_response(ThreadRow, ThreadRow.model_validate(_found(thread_id)))


@blueprint.post("/fetch")
@documented(Operation(answers={202: FetchRow, 409: Problem}, takes=NoValues))
def fetch() -> Response:
    """Starts to fetch new mail and does not wait for it. If a fetch is under way, answers with that one.

    Answers 409 if no mailbox is set up.
    """
    _take_nothing()
    if fetcher().source is None:
        explanation = explain(Neighbour.MAIL, Reason.NOT_SET)
        raise PageError(409, explanation.sentence, explanation.cure, reason=Reason.NOT_SET.value)
    begun, _is_new = fetcher().start(db.session())
    return _fetch(begun, 202)


@blueprint.get("/fetch")
@documented(Operation(answers={200: FetchRow, 404: Problem}))
def progress() -> Response:
    """The fetch that was started last, as it is now. Answers 404 if there was none."""
    newest = fetcher().newest(db.session())
    if newest is None:
        raise PageError(404, _("Nothing was fetched yet."), _("Send a POST to this address."))
    return _fetch(newest)


def _fetch(found: Fetch, status: int = 200) -> Response:
    response = json_response(FetchRow, FetchRow.model_validate(found), status)
    response.headers["Location"] = url_for("mail_api.progress")
    return response


def _found(thread_id: uuid.UUID) -> Thread:
    found = inbox.thread(db.session(), thread_id)
    if found is None:
        raise PageError(404, _("There is no such thread."), _("GET /api/mail/threads shows all of them."))
    return found


def _state(asked: str) -> ThreadState | None:
    try:
        return ThreadState(asked) if asked else None
    except ValueError:
        known = _("Known: %(names)s", names=", ".join(ThreadState))
        raise PageError(422, _("There is no such state."), known) from None


def _take_nothing() -> None:
    """Reads the body, which has to be an empty object."""
    body = read_json()
    if not isinstance(body, dict):
        raise PageError(400, _("The body is not a JSON object."), _("Send {}."))
    if body:
        raise PageError(422, _("This address takes no values."), _("Send {}."))
