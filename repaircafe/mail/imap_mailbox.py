"""A mailbox at an IMAP server: what is new in the inbox and among the sent mails, newest first."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from repaircafe.limits import (
    MAIL_BATCH_BYTES,
    MAIL_BATCH_COUNT,
    MAIL_LIMIT_S,
    MAIL_REQUEST_LIMIT_S,
    MAX_CANDIDATES_COUNT,
    MAX_FETCH_COUNT,
    MAX_MAIL_BYTES,
)
from repaircafe.mail import imap_answers, imap_names
from repaircafe.mail.base import Fetched, Found, Mail
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.mail.imap_answers import MONTHS, Folder, Piece, Seen
from repaircafe.mail.imap_commands import quoted
from repaircafe.neighbours.report import PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import BoundedSockets

if TYPE_CHECKING:
    from repaircafe.mail.imap import Connection

Read = TypeVar("Read")
MailOf: TypeAlias = Callable[[bytes, bool], Mail]
"""Reads a mail from its bytes, and whether it was cut. Never raises."""

_FACTS = "(UID FLAGS INTERNALDATE RFC822.SIZE)"
_CONTENT = f"(UID BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)"
_LEFT_OUT = frozenset({r"\deleted", r"\draft"})


@dataclass(frozen=True)
class State:
    """Which messages a folder has: the numbers of its UIDs count only together with `validity`."""

    validity: int
    next_uid: int


@dataclass(frozen=True)
class _Candidate:
    folder: Folder
    validity: int
    seen: Seen
    is_ours: bool
    arrived_at: datetime

    @property
    def remote_id(self) -> str:
        return f"{self.folder.name}/{self.validity}/{self.seen.uid}"


class Session:
    """A context in which a mailbox is open. `stop`, from any thread, also ends the attempt to open it."""

    def __init__(self, account: ImapAccount, mail_of: MailOf, limit_s: float = MAIL_LIMIT_S) -> None:
        self._account, self._mail_of, self._limit_s = account, mail_of, limit_s
        self._sockets = BoundedSockets()
        self._connection: Connection | None = None

    def __enter__(self) -> "ImapMailbox":
        """Connects and signs in. Raises NeighbourError and StoppedError."""
        try:
            self.connect()
            return self.sign_in()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> "Connection":
        """Connects and does not sign in yet: for a test of each step. Raises NeighbourError and StoppedError."""
        # Imported here: imaplib takes memory that a café without such a mailbox does not need to spend.
        from repaircafe.mail.imap import Connection  # noqa: PLC0415

        self._sockets.open(min(MAIL_REQUEST_LIMIT_S, self._limit_s))
        self._connection = Connection(self._account, self._sockets, self._limit_s)
        return self._connection

    def sign_in(self) -> "ImapMailbox":
        """Signs in, after `connect`. Raises NeighbourError and StoppedError."""
        assert self._connection is not None  # noqa: S101  # nosec B101
        self._connection.sign_in()
        return ImapMailbox(self._account, self._connection, self._mail_of, self.stop)

    def stop(self) -> None:
        """Ends the exchange immediately."""
        self._sockets.stop()

    def close(self) -> None:
        """Signs out and closes the connection; nothing is left over."""
        if self._connection is not None:
            self._connection.close_politely()
        self._sockets.close()


class ImapMailbox:
    """A mailbox in which the sign-in has succeeded: see Mailbox in base.py. One thread uses it; `stop` may be any."""

    def __init__(
        self, account: ImapAccount, connection: "Connection", mail_of: MailOf, stop: Callable[[], None]
    ) -> None:
        self._account, self._connection, self._mail_of, self._stop = account, connection, mail_of, stop
        self._opened = ("", 0)
        """The folder that is open, and its validity."""

    def address(self) -> str:
        """The name that signs in: at nearly every provider it is the address."""
        return self._account.user

    def stop(self) -> None:
        """Ends the exchange immediately, from any thread."""
        self._stop()

    def folders(self) -> list[Folder]:
        """All folders of the account."""
        capabilities = self._connection.capabilities
        marks = ["RETURN (SPECIAL-USE)"] if {"SPECIAL-USE", "LIST-EXTENDED"} <= set(capabilities) else []
        return self._read(imap_answers.folders, "LIST", "LIST", '""', '"*"', *marks)

    def drafts(self) -> Folder | None:
        """The folder for drafts, or None if none is recognisable."""
        return imap_names.drafts(self.folders(), self._account.drafts)

    def newest(self) -> datetime | None:
        """When the newest message of the inbox arrived; None if it has none."""
        inbox = Folder(imap_names.INBOX)
        state = self._open(inbox)
        seen = self._facts(self._found(f"UID {max(1, state.next_uid - 1)}:*")[-1:])
        return next((one.arrived_at for one in seen), None)

    def look(self, since: datetime, cursor: str, known: Callable[[Sequence[str]], Collection[str]]) -> Found:
        """What is new since the cursor, and within the window. See Mailbox in base.py."""
        sent = imap_names.sent(self.folders())
        read = [Folder(imap_names.INBOX), *([sent] if sent else [])]
        before, now = _read_cursor(cursor), {folder.name: self._state(folder) for folder in read}
        found: list[_Candidate] = []
        was_cut = False
        for folder in read:
            state, last = now[folder.name], before.get(folder.name)
            if last == state and state.next_uid:
                continue  # nothing has arrived
            first = max(1, last.next_uid) if last and last.validity == state.validity else 1
            uids = self._new(folder, state, first, since)
            was_cut = was_cut or len(uids) > MAX_CANDIDATES_COUNT
            found += self._candidates(folder, state, uids[-MAX_CANDIDATES_COUNT:], since, is_ours=folder is sent)
        found.sort(key=lambda one: (one.arrived_at, one.seen.uid), reverse=True)
        chosen = found[:MAX_FETCH_COUNT]
        stored = set(known([one.remote_id for one in chosen])) if chosen else set()
        wanted = [one for one in chosen if one.remote_id not in stored]
        has_more = was_cut or len(found) > len(chosen)
        return Found(_written_cursor(now), len(wanted), lambda: has_more, self._batches(wanted))

    def _new(self, folder: Folder, state: State, first: int, since: datetime) -> list[int]:
        """The UIDs from `first` on. `n:*` also finds the last message, even if its UID is less than n."""
        if state.next_uid and first >= state.next_uid:
            return []
        if self._open(folder).validity != state.validity:
            raise TemporaryError(Reason.RESET)  # the folder was made anew just now
        # SINCE compares days in the server's time zone, which nobody knows: a day more, and the dates decide.
        found = self._found(f"UID {first}:* SINCE {_day(since - timedelta(days=1))} UNDELETED UNDRAFT")
        return [uid for uid in found if uid >= first and (not state.next_uid or uid < state.next_uid)]

    def _candidates(
        self, folder: Folder, state: State, uids: Sequence[int], since: datetime, *, is_ours: bool
    ) -> list[_Candidate]:
        found = []
        for seen in self._facts(uids):
            arrived_at = seen.arrived_at or since
            if arrived_at >= since and not seen.flags & _LEFT_OUT:
                found.append(_Candidate(folder, state.validity, seen, is_ours, arrived_at))
        return found

    def _batches(self, wanted: Sequence[_Candidate]) -> Iterator[Sequence[Fetched]]:
        for batch in _batched(wanted):
            contents: dict[str, bytes] = {}
            by_folder = sorted(batch, key=lambda one: one.folder.name != self._opened[0])  # the open one first
            for _, group in groupby(by_folder, key=lambda one: one.folder.name):
                contents |= self._contents(list(group))
            yield [self._fetched(one, contents[one.remote_id]) for one in batch if one.remote_id in contents]

    def _contents(self, batch: Sequence[_Candidate]) -> dict[str, bytes]:
        """The contents of messages of one folder. A message that has gone meanwhile has none."""
        folder, validity = batch[0].folder, batch[0].validity
        if self._opened != (folder.name, validity) and self._open(folder).validity != validity:
            raise TemporaryError(Reason.RESET)
        wanted = {one.seen.uid: one.remote_id for one in batch}
        found: dict[int, bytes] = {}
        for one in self._seen(list(wanted)):
            # A server may also tell of a change of flags that nobody asked about.
            if one.uid in wanted and (one.content or one.uid not in found):
                found[one.uid] = one.content or b""
        empty = [uid for uid, content in found.items() if not content]
        gone = set(empty) - self._still_there(empty)
        return {wanted[uid]: content for uid, content in found.items() if uid not in gone}

    def _still_there(self, uids: Sequence[int]) -> set[int]:
        """Those that have not been deleted meanwhile; of such a message, servers send an empty content."""
        if not uids:
            return set()
        self._connection.ask("NOOP")  # now the server takes notice
        return set(self._found(f"UID {_set(uids)}"))

    def _seen(self, uids: Sequence[int]) -> list[Seen]:
        """The messages with their contents. If the server refuses, it is asked for each alone: one may be damaged."""
        try:
            return self._read(imap_answers.seen, "FETCH", "UID", "FETCH", _set(uids), _CONTENT)
        except PermanentError as error:
            if error.reason is not Reason.BAD_ANSWER:
                raise
        if len(uids) == 1:
            return [Seen(uids[0])]
        return [one for uid in uids for one in self._seen([uid])]

    def _fetched(self, one: _Candidate, content: bytes) -> Fetched:
        is_cut = not content or MAX_MAIL_BYTES <= len(content) < one.seen.size
        return Fetched(one.remote_id, "", one.arrived_at, one.is_ours, self._mail_of(content, is_cut))

    def _state(self, folder: Folder) -> State:
        numbers = self._read(imap_answers.status, "STATUS", "STATUS", _name(folder), "(UIDVALIDITY UIDNEXT)")
        return State(numbers.get("UIDVALIDITY", 0), numbers.get("UIDNEXT", 0))

    def _open(self, folder: Folder) -> State:
        self._opened = ("", 0)
        answers = self._connection.ask("EXAMINE", _name(folder))
        validity, next_uid = (_last_number(answers.get(name, ())) for name in ("UIDVALIDITY", "UIDNEXT"))
        self._opened = (folder.name, validity)
        return State(validity, next_uid)

    def _found(self, keys: str) -> list[int]:
        return sorted(set(self._read(imap_answers.uids, "SEARCH", "UID", "SEARCH", keys)))

    def _facts(self, uids: Sequence[int]) -> list[Seen]:
        """What the server says about the messages, some hundred at a time: servers limit the length of a command."""
        parts = [uids[at : at + MAX_FETCH_COUNT] for at in range(0, len(uids), MAX_FETCH_COUNT)]
        found = [
            one
            for part in parts
            for one in self._read(imap_answers.seen, "FETCH", "UID", "FETCH", _set(part), _FACTS)
            if one.uid in part
        ]
        return list({one.uid: one for one in found}.values())

    def _read(self, parse: Callable[[Sequence[Piece]], Read], answer: str, *command: str) -> Read:
        """Sends a command and reads the answers of this name. Raises NeighbourError."""
        pieces = self._connection.ask(*command).get(answer, [])
        try:
            return parse(pieces)
        except ValueError:
            raise PermanentError(Reason.BAD_ANSWER) from None


def _batched(wanted: Sequence[_Candidate]) -> Iterator[list[_Candidate]]:
    """The messages in parts that fit into memory and into one answer."""
    batch: list[_Candidate] = []
    size = 0
    for one in wanted:
        more = min(one.seen.size, MAX_MAIL_BYTES)
        if batch and (size + more > MAIL_BATCH_BYTES or len(batch) == MAIL_BATCH_COUNT):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += more
    if batch:
        yield batch


def _read_cursor(cursor: str) -> dict[str, State]:
    """Where the last fetch ended; nothing if it cannot be read."""
    try:
        return {str(name): State(int(validity), int(uid)) for name, (validity, uid) in json.loads(cursor).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _written_cursor(states: Mapping[str, State]) -> str:
    return json.dumps({name: [state.validity, state.next_uid] for name, state in states.items()})


def _name(folder: Folder) -> str:
    return quoted(folder.name)


def _day(at: datetime) -> str:
    """The day as IMAP writes it, whatever the locale."""
    return f"{at.day}-{MONTHS[at.month - 1]}-{at.year}"


def _set(uids: Sequence[int]) -> str:
    """The UIDs with ranges, such as 1:3,7."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][-1] + 1:
            runs[-1][1:] = [uid]
        else:
            runs.append([uid])
    return ",".join(":".join(map(str, run)) for run in runs)


def _last_number(pieces: Sequence[Piece]) -> int:
    found = [int(one) for one in pieces if isinstance(one, bytes) and one.isdigit()]
    return found[-1] if found else 0
