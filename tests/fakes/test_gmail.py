"""tests.fakes.gmail: the fake itself keeps to Google's description, and fails a test that does not."""

from typing import Any

import pytest
import requests

from tests.fakes.discovery import faults_of, methods
from tests.fakes.gmail import LISTED, Gmail
from tests.fakes.scripted import GMAIL


def _access(gmail: Gmail) -> dict[str, str]:
    form = dict(zip(("client_id", "client_secret", "refresh_token"), GMAIL.values(), strict=True))
    answer = requests.post(gmail.token_uri, data={**form, "grant_type": "refresh_token"}, timeout=10)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _violations(method: str, path: str, **more: Any) -> list[str]:
    """What the fake finds wrong with a request."""
    with Gmail() as gmail:
        gmail.add()
        requests.request(method, f"{gmail.url}/gmail/v1/users/me/{path}", headers=_access(gmail), timeout=10, **more)
        found, gmail.violations = gmail.violations, []
    return found


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "messages/send", "gmail.users.messages.send"),
        ("POST", "drafts/send", "gmail.users.drafts.send"),
        ("DELETE", "threads/19a", "gmail.users.threads.delete"),
        ("GET", "labels", "gmail.users.labels.list"),
        ("GET", "threads?nonsense=1", "nonsense is no parameter"),
        ("GET", "threads?maxResults=many", "maxResults cannot be many"),
        ("GET", "threads?q=a&q=b", "q is twice"),
        ("GET", "threads?q=from:somebody", "from:somebody is left out"),
        ("GET", "threads/19a?format=raw", "format cannot be raw"),
        ("GET", "history?startHistoryId=x1", "startHistoryId cannot be x1"),
        ("GET", "history?startHistoryId=1&historyTypes=messagesAdded", "historyTypes cannot be messagesAdded"),
        ("GET", "nowhere", "GET /gmail/v1/users/me/nowhere"),
        ("GET", "drafts", "gmail.users.drafts.list is left out"),
    ],
)
def test_what_google_does_not_describe_or_we_do_not_list_is_a_violation(method: str, path: str, said: str) -> None:
    found = _violations(method, path, json={})
    assert any(said in one for one in found), found


def test_a_violation_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="never ask"), Gmail() as gmail:
        requests.post(f"{gmail.url}/gmail/v1/users/me/messages/send", json={}, timeout=10)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("Message", {"thread_id": "1"}),
        ("Message", {"historyId": 7}),
        ("Message", {"internalDate": "soon"}),
        ("Message", {"payload": {"body": {"data": "a+b/"}}}),
        ("Message", {"payload": {"body": {"size": "7"}}}),
        ("Message", {"labelIds": "INBOX"}),
        ("Draft", {"message": {"raw": "a/b"}}),
        ("ListThreadsResponse", {"threads": None}),
        ("ListHistoryResponse", {"history": [{"messageAdded": []}]}),
    ],
)
def test_the_schemas_are_strict(name: str, body: dict[str, Any]) -> None:
    assert faults_of(name, body)


def test_sparse_answers_are_right_answers() -> None:
    for name in ("Message", "Thread", "ListThreadsResponse", "ListHistoryResponse", "Profile", "Draft"):
        assert faults_of(name, {}) == []


def test_the_list_names_operations_that_exist() -> None:
    assert {one.id for one in methods()} >= LISTED


def test_fields_let_through_what_they_name() -> None:
    with Gmail() as gmail:
        name = gmail.add()
        url = f"{gmail.url}/gmail/v1/users/me/threads"
        headers = _access(gmail)

        def asked(path: str, fields: str) -> Any:
            return requests.get(url + path, params={"fields": fields}, headers=headers, timeout=10).json()

        assert asked("", "threads(id),nextPageToken") == {"threads": [{"id": name}]}
        assert asked(f"/{name}", "messages(id,payload(body))")["messages"][0].keys() == {"id", "payload"}
        assert asked("", "nextPageToken") == {}
