"""Who asks: a visitor, or the organiser, who is signed in, uses HTTP Basic or runs a trial."""

import hashlib
import hmac
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import g, request, session
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from repaircafe.environment import HASHES, Environment, is_loopback
from repaircafe.logs import EventType
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.errors import PageError, neighbour_away
from repaircafe.web.passwords import Hashing, Way, normal, passwords
from repaircafe.web.users import OPERATOR, operator, users

SIGN_IN = "_user_id"
"""The session's key for the id of the sign-in. Flask-Login used this name, so that an upgrade signs nobody out."""

PROCESS_KEY = secrets.token_bytes()
"""The key with which a process digests the right password. A script that sends the password with every request then
costs only one slow hash."""

_COUNTING = threading.Lock()
"""Held from the check of the limit to the count, so that no other thread comes between."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
log = structlog.get_logger()


@dataclass(frozen=True)
class Operator:
    """The organiser in a request. `sign_in`: the id in the browser's cookie; None with HTTP Basic and in a trial."""

    user_id: int | None
    sign_in: uuid.UUID | None = None


@dataclass
class RightPassword:
    """The digest of the right password, made with PROCESS_KEY; empty until somebody has sent that password."""

    proof: bytes = b""


def current_operator() -> Operator | None:
    """The organiser, if the request comes from them; looked up once for each request.

    Without a cookie, a password or a trial there is nothing to look up. A monitor and the watchdog send neither.
    """
    if "operator" not in g:
        sent = request.environ
        can_be_operator = "HTTP_COOKIE" in sent or "HTTP_AUTHORIZATION" in sent or is_trial()
        g.operator = (_by_session() or _by_request()) if can_be_operator else None
    return cast("Operator | None", g.operator)


def is_operator() -> bool:
    """Whether the request comes from the organiser: signed in, with HTTP Basic, or in a trial."""
    return current_operator() is not None


def limit_questions(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Counts a visitor's requests to this view as questions. All views marked like this count together.

    The view raises TooOftenError if that is one too many.
    """

    @wraps(view)
    def limited(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        if not is_operator():
            throttle.count_question()
        return view(*arguments, **named)

    return limited


def sign_in(found: Operator) -> None:
    """Makes the session the organiser's."""
    session[SIGN_IN] = str(found.sign_in)
    g.operator = found


def sign_out() -> None:
    """Empties the session, which belongs to nobody from now on."""
    session.clear()
    g.operator = None


def user_id() -> int | None:
    """The id of the organiser's row; None for a visitor."""
    found = current_operator()
    return found.user_id if found else None


def author_id(session: Session) -> int | None:
    """Like user_id(), but read from the database now, for a row that refers to it. Raises AwayError."""
    return operator(session) if is_operator() else None


def is_trial() -> bool:
    """Whether `.env` has no password and no code, so that this machine itself is the organiser. Only in development."""
    return not parts()[Environment].is_guarded


def check_password(given: str, name: str = OPERATOR) -> bool:
    """Whether name and password are the organiser's. Counts and logs wrong ones. Raises PageError after too many.

    Until a password is chosen, the code of `.env` counts as the password.
    """
    secret = passwords().secret()
    if secret.way is Way.UNKNOWN:
        raise neighbour_away(Neighbour.DB, Reason.TIMEOUT)
    given = normal(given) if secret.way is Way.CHOSEN else given
    kept = secret.text if secret.text and name == OPERATOR else None
    with _COUNTING:
        if wait_s := throttle.sign_in_wait_s():
            _log_refused(unread=True)
            raise throttle.too_many(wait_s)
        if kept is not None and _is_known(given, kept):
            return True
        throttle.wrong_password()  # before the slow hash: else every thread could guess once more
    if kept is not None and kept.startswith(HASHES) and _is_right(given, kept):
        throttle.right_password()
        parts()[RightPassword].proof = _proof(given, kept)
        return True
    _log_refused()
    return False


def _is_right(given: str, kept: str) -> bool:
    """Whether the password fits the hash. Raises PageError without a look if too many passwords come at once."""
    try:
        with parts()[Hashing].turn():
            return _is_known(given, kept) or check_password_hash(kept, given)  # known: a program's request just before
    except PageError:
        throttle.right_password()
        raise


def _log_refused(**more: bool) -> None:
    log.warning("Password refused", event_type=EventType.AUTH_FAILURE, remote=request.remote_addr, **more)


def _is_known(given: str, kept: str) -> bool:
    """Whether the password is right, as far as that is known without the slow hash; in constant time."""
    if not kept.startswith(HASHES):
        return hmac.compare_digest(given.encode(errors="surrogateescape"), kept.encode())
    return hmac.compare_digest(_proof(given, kept), parts()[RightPassword].proof)


def _proof(given: str, kept: str) -> bytes:
    text = given.encode(errors="surrogateescape")
    return hmac.digest(PROCESS_KEY, hashlib.sha256(kept.encode()).digest() + text, "sha256")


def _by_session() -> Operator | None:
    try:
        kept = uuid.UUID(session.get(SIGN_IN))
    except (TypeError, ValueError, AttributeError):
        return None
    known = users().find(kept)
    return Operator(known.user_id, kept) if known else None


def _by_request() -> Operator | None:
    """The organiser on the trial's own machine, or with HTTP Basic."""
    if is_trial():
        return Operator(users().operator_id()) if is_loopback(request.remote_addr or "") else None
    given = request.authorization
    if given is None or given.type != "basic" or not given.password:
        return None
    try:
        if check_password(given.password, given.username or ""):
            return Operator(users().operator_id())
    except PageError as error:
        g.throttled = error  # pages for visitors stay open
    return None
