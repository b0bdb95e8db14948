"""repaircafe.mail.gmail_operations: what is not in the list is refused before a byte is sent."""

import re

import pytest

from repaircafe.mail.gmail_client import GmailClient
from repaircafe.mail.gmail_operations import OPERATIONS, ROOT, ForbiddenOperationError, allowed, is_id
from tests.fakes.discovery import Method, methods
from tests.fakes.gmail import LISTED, Gmail
from tests.mail.google_scene import Clock, credentials_of

ALL = methods()


def _path(method: Method) -> str:
    """The path of an operation on our own mailbox, with ids that Google could have given."""
    return re.sub(r"\{\w+\}", "19a0000000000001", method.path.replace("{userId}", "me"))


def test_google_describes_seventy_nine_operations_and_we_list_nine() -> None:
    assert len(ALL) == 79
    assert len(OPERATIONS) == len(LISTED) == 9


@pytest.mark.parametrize("method", [one for one in ALL if one.id not in LISTED], ids=lambda one: one.id)
def test_every_other_operation_is_refused_before_a_byte_is_sent(method: Method) -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        for body in (None, b"{}"):
            for prefix in ("", "upload/", "/", "resumable/upload/"):
                with pytest.raises(ForbiddenOperationError):
                    client.request(method.verb, prefix + _path(method), (), body)
        assert gmail.asked == []


@pytest.mark.parametrize("method", [one for one in ALL if one.id in LISTED], ids=lambda one: one.id)
def test_each_listed_operation_is_as_google_describes_it(method: Method) -> None:
    has_body = method.verb != "GET"
    operation = allowed(method.verb, _path(method), (), has_body=has_body)
    assert [one for one in OPERATIONS.values() if one.matches(method.verb, _path(method))] == [operation]
    known = {name for name, one in method.parameters.items() if one["location"] == "query"}
    assert operation.parameters <= known | {"fields"}
    assert operation.is_repeatable is not has_body
    with pytest.raises(ForbiddenOperationError):
        allowed(method.verb, _path(method), (), has_body=not has_body)


@pytest.mark.parametrize(
    "path",
    [
        "threads/../messages/send",
        "threads/19a/modify",
        "threads/19a%2Fmodify",
        "threads/19a?alt=media",
        "threads/19a#x",
        "threads/",
        "messages/",
        f"threads/{'a' * 129}",
        "threads/19a\n",
        "Threads/19a",
        "history/1",
    ],
)
def test_no_id_leads_elsewhere(path: str) -> None:
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "get", "HEAD"):
        with pytest.raises(ForbiddenOperationError):
            allowed(verb, ROOT + path)


@pytest.mark.parametrize("user", ["somebody@example.org", "..", "me/..", ""])
def test_no_other_mailbox_is_opened(user: str) -> None:
    with pytest.raises(ForbiddenOperationError):
        allowed("GET", f"gmail/v1/users/{user}/profile")


@pytest.mark.parametrize(
    "name", ["alt", "key", "access_token", "callback", "uploadType", "includeSpamTrash", "$.xgafv", ""]
)
def test_no_other_parameter_is_sent(name: str) -> None:
    for operation in ("threads", "history", "threads/19a", "messages/19a", "profile", "drafts"):
        with pytest.raises(ForbiddenOperationError):
            allowed("GET", ROOT + operation, [(name, "1")])


def test_only_an_id_that_google_may_have_given_is_an_id() -> None:
    assert is_id("19a0000000000001")
    assert is_id("r-4611686018427387904")
    assert not any(is_id(one) for one in ("", "a/b", "a b", "é", "a.b", "a%2f", "x" * 129))
