"""The closed list of what we ever ask of Gmail. Whatever is not in it, sending above all, is refused here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

Query = Sequence[tuple[str, str]]
"""The parameters of a request, in their order; a name may be repeated."""

ROOT = "gmail/v1/users/me/"
_ID = "[A-Za-z0-9_-]{1,128}"


def is_id(text: str) -> bool:
    """Whether Google may have given this id; nothing else gets into a path."""
    return re.fullmatch(_ID, text) is not None


class ForbiddenOperationError(Exception):
    """Our own code asked for something that is not in the list. Nothing was sent."""


@dataclass(frozen=True)
class Operation:
    """A method, a path below ROOT in which `{id}` is Google's id, and the parameters that it may have.

    `units`: what it costs of Google's quota ('Usage limits', for projects made since May 2026), or more than that.
    """

    method: str
    path: str
    parameters: frozenset[str]
    units: int

    @property
    def is_repeatable(self) -> bool:
        """Whether it changes nothing, so that it may be sent again if its answer was lost."""
        return self.method == "GET"

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is this operation."""
        pattern = re.escape(ROOT + self.path).replace(re.escape("{id}"), _ID)
        return method == self.method and re.fullmatch(pattern, path) is not None


_ONE = frozenset({"format", "fields", "metadataHeaders"})

OPERATIONS = {
    "profile": Operation("GET", "profile", frozenset({"fields"}), 5),
    "threads": Operation("GET", "threads", frozenset({"q", "maxResults", "pageToken", "fields"}), 10),
    "thread": Operation("GET", "threads/{id}", _ONE, 40),
    "message": Operation("GET", "messages/{id}", _ONE, 20),
    "history": Operation(
        "GET", "history", frozenset({"startHistoryId", "historyTypes", "maxResults", "pageToken", "fields"}), 10
    ),
    "drafts": Operation("GET", "drafts", frozenset({"q", "maxResults", "pageToken", "fields"}), 10),
    "draft": Operation("GET", "drafts/{id}", frozenset({"format", "fields"}), 15),
    "create": Operation("POST", "drafts", frozenset({"fields"}), 10),
    "update": Operation("PUT", "drafts/{id}", frozenset({"fields"}), 15),
}
"""Everything. A test compares it with all operations of Google's own description."""


def allowed(method: str, path: str, query: Query = (), *, has_body: bool = False) -> Operation:
    """The operation that a request is. Raises ForbiddenOperationError if it is none of the list."""
    for operation in OPERATIONS.values():
        if operation.matches(method, path):
            break
    else:
        raise ForbiddenOperationError("This operation is not in the list.")
    if not {name for name, _ in query} <= operation.parameters:
        raise ForbiddenOperationError("This operation may not have such a parameter.")
    if has_body is operation.is_repeatable:
        raise ForbiddenOperationError("A body belongs to what is created or changed, and to nothing else.")
    return operation


def address_of(root: str, path: str, query: Query = ()) -> str:
    """The whole address of an allowed request."""
    encoded = f"?{urlencode(query)}" if query else ""
    return f"{root.rstrip('/')}/{path}{encoded}"
