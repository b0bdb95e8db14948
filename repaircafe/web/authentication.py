"""Who asks: the organiser, signed in, by HTTP Basic or in a trial, or a visitor."""

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
from repaircafe.parts import parts
from repaircafe.web import throttle
from repaircafe.web.errors import PageError
from repaircafe.web.users import OPERATOR, operator, users

SIGN_IN = "_user_id"
"""What a session has the id of the sign-in under. Flask-Login called it so: an upgrade signs nobody out."""

PROCESS_KEY = secrets.token_bytes()
"""Under it a process keeps the digest of the password that was right, so that a script is not hashed for each time."""

_COUNTING = threading.Lock()
"""Between the look at the limit and the count."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
log = structlog.get_logger()


@dataclass(frozen=True)
class Operator:
    """The operator in a request. `sign_in` is what a browser was given; None by HTTP Basic and in a trial."""

    user_id: int | None
    sign_in: uuid.UUID | None = None


@dataclass
class RightPassword:
    """Of the password that was right, the digest under PROCESS_KEY; empty before there was one."""

    proof: bytes = b""


def current_operator() -> Operator | None:
    """The operator, if the request comes from them; looked up once for each request.

    Only a request that shows a cookie or a password is looked at, which one of a monitor or the watchdog does not.
    """
    if "operator" not in g:
        shown = request.cookies or request.authorization or is_trial()
        g.operator = (_by_session() or _by_request()) if shown else None
    return cast("Operator | None", g.operator)


def is_operator() -> bool:
    """Whether the request comes from the operator: signed in, by HTTP Basic, or in a trial."""
    return current_operator() is not None


def limit_questions(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """For a view by which visitors ask: on the page, again, or as a program, all count together."""

    @wraps(view)
    def limited(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        if not is_operator():
            throttle.count_question()
        return view(*arguments, **named)

    return limited


def sign_in(found: Operator) -> None:
    """From now on the session is the operator's."""
    session[SIGN_IN] = str(found.sign_in)
    g.operator = found


def sign_out() -> None:
    """From now on the session is nobody's, and empty."""
    session.clear()
    g.operator = None


def user_id() -> int | None:
    """The id of the operator's row; None for a visitor."""
    found = current_operator()
    return found.user_id if found else None


def author_id(session: Session) -> int | None:
    """The same, as the database has it now, for a row that names it. Raises the database's errors."""
    return operator(session) if is_operator() else None


def is_trial() -> bool:
    """Whether there is no password, so that this machine itself is the operator; in development alone."""
    environment = parts()[Environment]
    return environment.operator_password is None


def check_password(given: str, name: str = OPERATOR) -> bool:
    """Whether name and password are the operator's. Counts and logs wrong ones. Raises PageError after too many."""
    environment = parts()[Environment]
    secret = environment.operator_password
    kept = secret.get_secret_value() if secret is not None and name == OPERATOR else None
    with _COUNTING:
        if wait_s := throttle.sign_in_wait_s():
            _log_refused(unread=True)
            raise throttle.too_many(wait_s)
        if kept is not None and _is_known(given, kept):
            return True
        throttle.wrong_password()  # before the hash is made: else as many could guess at once as there are threads
    if kept is not None and kept.startswith(HASHES) and check_password_hash(kept, given):
        throttle.right_password()
        parts()[RightPassword].proof = _proof(given, kept)
        return True
    _log_refused()
    return False


def _log_refused(**more: bool) -> None:
    log.warning("Password refused", event_type=EventType.AUTH_FAILURE, remote=request.remote_addr, **more)


def _is_known(given: str, kept: str) -> bool:
    """Whether it is right, as far as that can be told without hashing; in constant time."""
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
    """The trial's machine, or HTTP Basic."""
    if is_trial():
        return Operator(users().operator_id()) if is_loopback(request.remote_addr or "") else None
    given = request.authorization
    if given is None or given.type != "basic" or not given.password:
        return None
    try:
        if check_password(given.password, given.username or ""):
            return Operator(users().operator_id())
    except PageError as error:
        g.throttled = error  # what is open to visitors stays open
    return None
