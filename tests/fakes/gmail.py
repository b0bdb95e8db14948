"""A Gmail account on one loopback port: the token endpoint of `google_account.py`, and the mailbox.

Its routes are the paths of Google's own description, and every request and answer is compared with it
(`discovery.py`). It fails its test if anybody asks for an operation that is not in LISTED, or in a way that Google does
not describe. Empty lists are left out of its answers, as Google leaves them out.

It leaves out: TLS, batches, drafts, labels beyond those of a message, attachments, and of searches everything but
`after:` a number. Its threads are those that the test names. Its history has only added messages, and it knows no
quota: the test says when there were too many requests.
"""

import json
import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.parser import BytesParser
from email.policy import compat32
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.discovery import Method, faults_of, methods
from tests.fakes.gmail_answers import mask_of, masked, payload_of
from tests.fakes.google_account import DRAFT, FIRST, READ, GoogleAccount
from tests.fakes.scripted import GMAIL

LISTED = frozenset(
    f"gmail.users.{name}"
    for name in (
        *("getProfile", "threads.list", "threads.get", "messages.get", "history.list"),
        *("drafts.list", "drafts.get", "drafts.create", "drafts.update"),
    )
)
"""Every operation that our client may ask for."""


_SAID = {
    "authError": (401, "global", "Invalid Credentials", "UNAUTHENTICATED"),
    "rateLimitExceeded": (429, "usageLimits", "Rate Limit Exceeded", "RESOURCE_EXHAUSTED"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded", "PERMISSION_DENIED"),
    "dailyLimitExceeded": (403, "usageLimits", "Daily Limit Exceeded", "PERMISSION_DENIED"),
    "insufficientPermissions": (403, "global", "Insufficient Permission", "PERMISSION_DENIED"),
    "accessNotConfigured": (403, "usageLimits", "Gmail API has not been used in project 7", "PERMISSION_DENIED"),
    "domainPolicy": (403, "global", "The domain administrators have disabled Gmail apps.", "PERMISSION_DENIED"),
    "notFound": (404, "global", "Requested entity was not found.", "NOT_FOUND"),
    "backendError": (500, "global", "Backend Error", "INTERNAL"),
    "badRequest": (400, "global", "Bad Request", "INVALID_ARGUMENT"),
}
"""Google's errors: status, domain, message and status of 'Resolve errors'."""


__all__ = ["DRAFT", "FIRST", "LISTED", "READ", "Fault", "Gmail"]


@dataclass
class Fault:
    """An answer instead of the right one: so many `times`, to an operation whose id ends like this."""

    reason: str
    operation: str = ""
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class Gmail(GoogleAccount):
    """A Gmail account on a free loopback port, while in its context.

    `add` puts a mail into the mailbox, `delete` removes it for good. `faults` are answered first, one after the other.
    `forget_history` makes every cursor so far too old. While `trickles`, answers of the API come one byte at a time.
    """

    def __init__(self, address: str = "info@klinker.example") -> None:
        super().__init__()
        self.address = address
        self.messages: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.trickles = False
        self.page_size = 100
        self.called: list[str] = []
        """The ids of all operations of the mailbox that were asked for."""
        self.violations: list[str] = []
        self._ended = threading.Event()
        self._added: list[tuple[int, str]] = []
        self._history = 1_000
        self._oldest = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        super().__exit__(kind, error, trace)
        assert self.violations == [], "what Google does not describe, or we never ask for"

    @property
    def variables(self) -> dict[str, str]:
        """The variables of an app that uses this account."""
        return {**GMAIL, "gmail_token_uri": self.token_uri, "gmail_api_uri": f"{self.url}/"}

    def add(
        self,
        raw: bytes = b"From: An <an@example.org>\r\nSubject: A lamp\r\n\r\nCan you mend it?\r\n",
        *,
        thread: str = "",
        labels: tuple[str, ...] = ("INBOX", "UNREAD"),
        at: datetime | None = None,
    ) -> str:
        """Puts a mail into the mailbox and returns its id. Without `thread`, it begins a thread with the same id."""
        self._history += 10
        name = f"19a{len(self._added) + 1:013x}"
        arrived = at or FIRST + timedelta(hours=len(self._added))
        self.messages[name] = {
            "id": name,
            "threadId": thread or name,
            **({"labelIds": list(labels)} if labels else {}),
            "snippet": "…",
            "historyId": str(self._history),
            "internalDate": str(int(arrived.timestamp() * 1000)),
            "sizeEstimate": len(raw),
            "payload": payload_of(BytesParser(policy=compat32).parsebytes(raw)),
        }
        self._added.append((self._history, name))
        return name

    def delete(self, message: str) -> None:
        """Removes a message for good; its history stays."""
        del self.messages[message]

    def forget_history(self) -> None:
        """Makes every cursor so far too old."""
        self._history += 10
        self._oldest = self._history

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any]:
        """Status and body for one request."""
        try:
            return self._of_google(method, path, body)
        except Exception as error:
            self.violations.append(repr(error))
            raise

    def _of_google(self, method: str, path: str, body: str) -> tuple[int, Any]:
        self.headers = {}
        if path == "/token":
            return super().answer(method, path, body)
        split = urlsplit(path)
        for one in methods():
            ids = one.ids(method, split.path.lstrip("/"))
            if ids is not None:
                return self._answer(one, ids, parse_qsl(split.query, keep_blank_values=True), body)
        self.violations.append(f"{method} {path}")
        return self._error("notFound")

    def _answer(self, method: Method, ids: dict[str, str], query: list[tuple[str, str]], body: str) -> tuple[int, Any]:
        self.called.append(method.id)
        if method.id not in LISTED:
            self.violations.append(method.id)
        wrong = method.faults(query) + (faults_of(method.request, json.loads(body)) if method.request else [])
        if wrong:
            self.violations += wrong
            return self._error("badRequest")
        if (fault := self._fault(method)) is not None:
            self.headers = fault.headers
            return self._error(fault.reason, fault.status)
        if self.keys[-1].removeprefix("Bearer ") not in self.access:
            return self._error("authError")
        if not method.scopes & set(self.scopes.split()):
            return self._error("insufficientPermissions")
        found = self._found(method, ids, query)
        if found is None:
            return self._error("notFound")
        self.violations += faults_of(method.response, found)
        fields = dict(query).get("fields")
        sent = masked(found, mask_of(fields)) if fields else found
        return 200, self._slowly(json.dumps(sent)) if self.trickles else sent

    def _fault(self, method: Method) -> Fault | None:
        for fault in self.faults:
            if fault.times and method.id.endswith(fault.operation):
                fault.times -= 1
                return fault
        return None

    def _error(self, reason: str, status: int = 0) -> tuple[int, Any]:
        usual, domain, message, name = _SAID[reason]
        error = {"message": message, "domain": domain, "reason": reason}
        return status or usual, {
            "error": {"code": status or usual, "message": message, "errors": [error], "status": name}
        }

    def _slowly(self, text: str) -> Generator[bytes, None, None]:
        for character in text:
            yield character.encode()
            if self._ended.wait(0.05):
                return

    def _found(self, method: Method, ids: dict[str, str], query: list[tuple[str, str]]) -> dict[str, Any] | None:
        given = dict(query)
        match method.id.removeprefix("gmail.users."):
            case "getProfile":
                threads = {one["threadId"] for one in self.messages.values()}
                totals = {"messagesTotal": len(self.messages), "threadsTotal": len(threads)}
                return {"emailAddress": self.address, "historyId": str(self._history), **totals}
            case "threads.list":
                return self._threads(given)
            case "threads.get":
                inside = [one for one in self.messages.values() if one["threadId"] == ids["id"]]
                shown = [self._in_format(one, query) for one in inside]
                return {"id": ids["id"], "historyId": str(self._history), "messages": shown} if inside else None
            case "messages.get":
                message = self.messages.get(ids["id"])
                return self._in_format(message, query) if message else None
            case "history.list":
                return self._changes(given)
        self.violations.append(f"{method.id} is left out")
        return None

    def _threads(self, given: dict[str, str]) -> dict[str, Any]:
        found = re.fullmatch(r"after:(\d+)", given.get("q", "after:0"))
        if found is None:
            self.violations.append(f"{given['q']} is left out")
            return {}
        newest: dict[str, int] = {}
        for one in self.messages.values():
            at = int(one["internalDate"])
            if at >= int(found[1]) * 1000 and not {"SPAM", "TRASH"} & set(one.get("labelIds", ())):
                newest[one["threadId"]] = max(at, newest.get(one["threadId"], 0))
        ids = sorted(newest, key=lambda thread: newest[thread], reverse=True)
        listed = [{"id": one, "snippet": "…", "historyId": str(self._history)} for one in ids]
        return {**self._page("threads", listed, given), "resultSizeEstimate": len(ids)}

    def _changes(self, given: dict[str, str]) -> dict[str, Any] | None:
        start = int(given["startHistoryId"])
        if start < self._oldest or start > self._history:
            return None
        listed = []
        for number, name in self._added:
            if number > start:
                known = self.messages.get(name, {"id": name, "threadId": name})
                message = {key: known[key] for key in ("id", "threadId", "labelIds") if key in known}
                listed.append({"id": str(number), "messages": [message], "messagesAdded": [{"message": message}]})
        return {**self._page("history", listed, given), "historyId": str(self._history)}

    def _page(self, name: str, listed: list[dict[str, Any]], given: dict[str, str]) -> dict[str, Any]:
        begin = int(given.get("pageToken", "0"))
        end = begin + min(int(given.get("maxResults", "100")), self.page_size)
        page: dict[str, Any] = {name: listed[begin:end]} if listed[begin:end] else {}
        return page | ({"nextPageToken": str(end)} if end < len(listed) else {})

    def _in_format(self, message: dict[str, Any], query: list[tuple[str, str]]) -> dict[str, Any]:
        given = dict(query)
        match given.get("format", "full"):
            case "minimal":
                return {name: value for name, value in message.items() if name != "payload"}
            case "metadata":
                wanted = {value.lower() for name, value in query if name == "metadataHeaders"}
                headers = message["payload"]["headers"]
                kept = [one for one in headers if not wanted or one["name"].lower() in wanted]
                return message | {"payload": {"mimeType": message["payload"]["mimeType"], "headers": kept}}
        return message
