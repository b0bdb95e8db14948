"""A Gmail mailbox: the window by threads at the first look, and what came since by Gmail's history later."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from repaircafe.limits import (
    MAIL_REQUEST_LIMIT_S,
    MAX_FETCH_COUNT,
    MAX_GMAIL_PAGES_COUNT,
    MAX_GMAIL_THREADS_COUNT,
)
from repaircafe.mail.base import Fetched, Found
from repaircafe.mail.gmail_client import GmailClient, Pace
from repaircafe.mail.gmail_errors import GoneError
from repaircafe.mail.gmail_messages import FIELDS, fetched_of, is_mail
from repaircafe.mail.gmail_operations import ROOT, Query, is_id
from repaircafe.mail.google_token import GmailCredentials, Grant
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason

_THREADS_A_PAGE = 100
_CHANGES_A_PAGE = 500

Known = Callable[[Sequence[str]], Collection[str]]


@dataclass
class _Left:
    """How many messages may still be fetched, and whether older ones had to be left out.

    How many messages a thread has is not known before it is fetched.
    """

    messages: int = MAX_FETCH_COUNT
    has_more: bool = False


class Gmail:
    """A mailbox at Gmail (`base.Mailbox`). A context manager, which signs in.

    With `with` it raises NeighbourError: why the token is refused, or scope_missing if mail may not be read.
    """

    def __init__(
        self,
        credentials: GmailCredentials,
        pace: Pace | None = None,
        limit_s: float = MAIL_REQUEST_LIMIT_S,
        *,
        is_patient: bool = True,
    ) -> None:
        self._client = GmailClient(credentials, pace, limit_s, is_patient=is_patient)
        self._grant: Grant

    def __enter__(self) -> Self:
        self._client.__enter__()
        try:
            self._grant = self._client.sign_in()
            require_reading(self._grant)
        except BaseException as error:
            self._client.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.__exit__(kind, error, trace)

    @property
    def can_draft(self) -> bool:
        """Whether drafts may be saved. If not, replies are copied by hand."""
        return self._grant.may_draft

    def address(self) -> str:
        """The address that the mailbox belongs to."""
        return address_in(self._client.get(f"{ROOT}profile"))

    def stop(self) -> None:
        """Ends the request or the pause that is under way, from any thread."""
        self._client.stop()

    def look(self, since: datetime, cursor: str, known: Known) -> Found:
        """Finds what is new since the cursor, or since that time if the cursor is "" or too old."""
        now = _text(self._client.get(f"{ROOT}profile"), "historyId")  # before the look: what comes meanwhile is next
        if not now.isdigit():
            raise PermanentError(Reason.BAD_ANSWER)
        if cursor.isdigit():
            try:
                return self._since_cursor(cursor, since, now, known)
            except _TooOldError:
                pass
        return self._since_time(since, now, known)

    def _since_time(self, since: datetime, now: str, known: Known) -> Found:
        threads, has_more = self._threads(since)
        left = _Left(has_more=has_more)
        return Found(now, len(threads), lambda: left.has_more, self._whole_threads(threads, known, left))

    def _threads(self, since: datetime) -> tuple[list[str], bool]:
        """The newest threads of the window, the newest first, and whether there are more."""
        ids: list[str] = []
        following = ""
        while True:
            query = [("q", f"after:{max(int(since.timestamp()), 0)}"), ("maxResults", str(_THREADS_A_PAGE))]
            query += [("pageToken", following)] if following else []
            page = self._client.get(f"{ROOT}threads", [*query, ("fields", "threads(id),nextPageToken")])
            ids = list(dict.fromkeys([*ids, *_ids(page, "threads")]))
            before, following = following, _text(page, "nextPageToken")
            if len(ids) > MAX_GMAIL_THREADS_COUNT or (following and len(ids) == MAX_GMAIL_THREADS_COUNT):
                return ids[:MAX_GMAIL_THREADS_COUNT], True
            if not following or following == before:
                return ids, False

    def _whole_threads(self, ids: list[str], known: Known, left: _Left) -> Iterator[list[Fetched]]:
        for thread in ids:
            if left.messages <= 0:
                left.has_more = True
                return
            try:
                messages = self._thread(thread)
            except GoneError:  # deleted since the list was made
                continue
            ours = [one for one in messages if is_mail(one)]
            stored = set(known([_text(one, "id") for one in ours])) if ours else set()
            batch = self._newest_first([one for one in ours if _text(one, "id") not in stored], left)
            if batch:
                yield batch

    def _newest_first(self, messages: list[dict[str, Any]], left: _Left) -> list[Fetched]:
        batch = [one["fetched"] if "fetched" in one else fetched_of(one) for one in messages]
        batch.sort(key=lambda one: one.arrived_at, reverse=True)
        left.has_more = left.has_more or len(batch) > left.messages
        batch = batch[: left.messages]
        left.messages -= len(batch)
        return batch

    def _thread(self, thread: str) -> list[dict[str, Any]]:
        """The messages of a thread. If they are too long together, each is fetched alone."""
        path = f"{ROOT}threads/{thread}"
        try:
            return _objects(self._client.get(path, [("format", "full"), ("fields", f"messages({FIELDS})")]), "messages")
        except NeighbourError as error:
            _raise_unless_unreadable(error)
        few = self._client.get(path, [("format", "minimal"), ("fields", "messages(id,labelIds)")])
        return [one for message in _objects(few, "messages") for one in self._alone(message)]

    def _alone(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._message(_text(message, "id")) if is_mail(message) and is_id(_text(message, "id")) else None
        return [] if found is None else [{"id": found.remote_id, "fetched": found}]

    def _message(self, message: str) -> Fetched | None:
        """A message; without its text if that is too long; None if it was deleted, or is none that came or went."""
        path = f"{ROOT}messages/{message}"
        is_cut = False
        try:
            try:
                found = self._client.get(path, _full("full"))
            except NeighbourError as error:
                _raise_unless_unreadable(error)
                found, is_cut = self._client.get(path, _full("metadata")), True
        except GoneError:
            return None
        return fetched_of(found, is_cut=is_cut) if is_mail(found) else None

    def _since_cursor(self, cursor: str, since: datetime, now: str, known: Known) -> Found:
        added = self._added(cursor)
        stored = set(known(list(added))) if added else set()
        fresh = [one for one in added if one not in stored]
        left = _Left(has_more=len(fresh) > MAX_FETCH_COUNT)
        threads: dict[str, list[str]] = {}
        for message in fresh[:MAX_FETCH_COUNT]:
            threads.setdefault(added[message], []).append(message)
        return Found(now, len(threads), lambda: left.has_more, self._new_messages(list(threads.values()), since))

    def _added(self, cursor: str) -> dict[str, str]:
        """What was added since the cursor: the thread of each message, the newest first. Raises _TooOldError."""
        found: dict[str, str] = {}
        following = ""
        for _ in range(MAX_GMAIL_PAGES_COUNT):
            query = [("startHistoryId", cursor), ("historyTypes", "messageAdded"), ("maxResults", str(_CHANGES_A_PAGE))]
            query += [("pageToken", following)] if following else []
            fields = ("fields", "history(messagesAdded(message(id,threadId,labelIds))),nextPageToken")
            try:
                page = self._client.get(f"{ROOT}history", [*query, fields])
            except PermanentError as error:
                if error.reason is not Reason.HTTP_ERROR:  # 404, or 400 where it makes no sense to Google
                    raise
                raise _TooOldError from None
            for message in _added_messages(page):
                found[_text(message, "id")] = _text(message, "threadId")
            before, following = following, _text(page, "nextPageToken")
            if not following or following == before:
                return dict(reversed(found.items()))
        raise _TooOldError

    def _new_messages(self, threads: list[list[str]], since: datetime) -> Iterator[list[Fetched]]:
        for ids in threads:
            found = [one for one in map(self._message, ids) if one is not None]
            batch = [one for one in found if one.arrived_at >= since]  # somebody may have imported old mail
            if batch:
                yield sorted(batch, key=lambda one: one.arrived_at, reverse=True)


class _TooOldError(Exception):
    """Google no longer knows what happened since the cursor, or so much happened that a new look is quicker."""


def require_reading(grant: Grant) -> None:
    """Raises PermanentError(scope_missing) if mail may not be read."""
    if not grant.may_read:
        raise PermanentError(Reason.SCOPE_MISSING)


def address_in(profile: dict[str, Any]) -> str:
    """The mailbox's address. Raises PermanentError(bad_answer) if there is none."""
    address = _text(profile, "emailAddress")
    if "@" not in address:
        raise PermanentError(Reason.BAD_ANSWER)
    return address


def newest(client: GmailClient) -> datetime | None:
    """When the newest mail came or went; None if there is none. Reads neither its text nor who wrote it."""
    page = client.get(f"{ROOT}threads", [("maxResults", "3"), ("fields", "threads(id)")])
    for thread in _ids(page, "threads"):
        query = [("format", "minimal"), ("fields", "messages(id,labelIds,internalDate)")]
        found = client.get(f"{ROOT}threads/{thread}", query)
        dates = [fetched_of(one).arrived_at for one in _objects(found, "messages") if is_mail(one)]
        if dates:  # else it is a draft
            return max(dates)
    return None


def _raise_unless_unreadable(error: NeighbourError) -> None:
    """Raises the error again, unless the text alone may be the cause: too long, or nothing that anybody can read."""
    about_text = (Reason.TOO_LARGE, Reason.BAD_ANSWER, Reason.HTTP_ERROR)
    if isinstance(error, GoneError) or not isinstance(error, PermanentError) or error.reason not in about_text:
        raise error


def _full(form: str) -> Query:
    return [("format", form), ("fields", FIELDS)]


def _added_messages(page: dict[str, Any]) -> list[dict[str, Any]]:
    changes = [one for record in _objects(page, "history") for one in _objects(record, "messagesAdded")]
    messages = [one["message"] for one in changes if isinstance(one.get("message"), dict)]
    return [one for one in messages if is_mail(one) and is_id(_text(one, "id"))]


def _objects(page: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list of that name; Google leaves it out if it is empty."""
    found = page.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _ids(page: dict[str, Any], key: str) -> list[str]:
    return [found for one in _objects(page, key) if is_id(found := _text(one, "id"))]


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
