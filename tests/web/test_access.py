"""repaircafe.web.access: every view is closed by default, and every response has the same security headers."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from repaircafe.web.access import PUBLIC_ENDPOINTS
from repaircafe.web.application import HEADERS
from tests.conftest import MakeApp
from tests.harness.client import AUTH, HTML, HTMX, JSON, PASSWORD, csrf_token


def test_every_public_endpoint_exists(app: Flask) -> None:
    assert set(app.view_functions) > PUBLIC_ENDPOINTS


def test_every_other_route_refuses_a_visitor(make_app: MakeApp) -> None:
    app = make_app(operator_password=PASSWORD)
    client = app.test_client()
    refused = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC_ENDPOINTS:
            continue
        filled = {"neighbour": "llm", "download_id": uuid.UUID(int=1), "announcement": "post"}
        filled |= {"event_id": uuid.UUID(int=1), "thing_id": uuid.UUID(int=1), "text_id": uuid.UUID(int=1)}
        filled |= {"thread_id": uuid.UUID(int=1), "fetch_id": uuid.UUID(int=1)}
        built = rule.build({name: filled[name] for name in rule.arguments})
        assert built is not None
        path = built[1]
        for method in (rule.methods or set()) & {"GET", "POST"}:
            assert client.open(path, method=method, json={} if method == "POST" else None).status_code == 401
            refused += 1
    assert refused >= 3


@pytest.mark.parametrize(
    "path", ["/checklist", "/announcements/post", f"/config/models/{uuid.UUID(int=1)}", "/mail/arrived"]
)
def test_a_polling_fragment_shows_that_the_sign_in_has_ended_and_stops(make_app: MakeApp, path: str) -> None:
    """Status 286 stops htmx's polling (its documentation, 'Polling')."""
    answer = make_app(operator_password=PASSWORD).test_client().get(path, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (
        286,
        "#message",
        "innerHTML",
    )
    assert "You are no longer signed in." in answer.text
    assert ">Sign in</a>" in answer.text


@pytest.mark.parametrize("by_itself", [True, False])
def test_a_refused_text_is_said_to_be_here_still_and_when_it_will_be_saved(make_app: MakeApp, by_itself: bool) -> None:
    client = make_app(operator_password=PASSWORD).test_client()
    headers = {**HTMX, "X-Saves": "itself"} if by_itself else HTMX
    answer = client.post("/announcements/post/text", headers=headers)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (401, "#message")
    assert "What you typed is still here." in answer.text
    assert ("this page saves it by itself" in answer.text) == by_itself
    assert ("press the button again" in answer.text) != by_itself
    assert "reload" not in answer.text


@pytest.mark.parametrize("kept", [PASSWORD, generate_password_hash(PASSWORD)])
def test_the_password_may_be_stored_plain_or_hashed(make_app: MakeApp, kept: str) -> None:
    client = make_app(operator_password=kept).test_client()
    assert client.get("/config", auth=AUTH).status_code == 200
    assert client.get("/config", auth=("operator", kept[:-1])).status_code == 401
    assert client.get("/config", auth=("somebody", PASSWORD)).status_code == 401


def test_every_answer_has_the_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/config", "/health", "/nowhere"):
        headers = client.get(path, headers=HTML).headers
        assert {name: headers.getlist(name) for name in HEADERS} == {
            "Content-Security-Policy": [
                "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
            ],
            "X-Content-Type-Options": ["nosniff"],
            "Referrer-Policy": ["no-referrer"],
            "Permissions-Policy": ["camera=(), geolocation=(), microphone=()"],
        }


def test_responses_to_the_operator_are_not_cached(make_app: MakeApp) -> None:
    visitor = make_app(operator_password=PASSWORD).test_client()
    for path in ("/", "/poster", "/event.ics", "/openapi.json", "/sign-in"):
        assert visitor.get(path, headers=HTML, auth=AUTH).headers["Cache-Control"] == "no-store", path
    assert "Cache-Control" not in visitor.get("/poster", headers=HTML).headers


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9", "http://["])
def test_a_page_elsewhere_changes_nothing_by_what_carries_no_token(make_app: MakeApp, origin: str) -> None:
    """Even if the browser sent no preflight request, or ignored the response to it."""
    app = make_app(allowed_origins="https://Friend.example")
    client, headers = app.test_client(), {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    begun = client.post("/api/chat", json={"message": "Hi"}).get_json()["session_id"]
    for refused in (
        client.post("/config", json={"event_location": "x"}, headers=headers),
        client.post("/config/test/db", json={}, headers=headers),
        client.post("/api/chat", json={"message": "Hi", "session_id": begun}, headers=headers),
        client.delete(f"/api/chat/{begun}", headers=headers),
    ):
        assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert client.get("/config", headers=JSON).get_json()["settings"]["event_location"] == ""
    assert len(client.get(f"/api/chat/{begun}").get_json()["messages"]) == 2


def test_our_pages_and_allowed_origins_may_send_json(make_app: MakeApp) -> None:
    client = make_app(allowed_origins="https://Friend.example, https://other.example").test_client()
    for origin, saved in (("http://localhost", 200), ("https://friend.example", 403)):
        asked = client.post("/api/chat", json={"message": "Hi"}, headers={"Origin": origin})
        assert asked.status_code == 503, "there is no model"
        assert (
            client.delete(f"/api/chat/{asked.get_json()['session_id']}", headers={"Origin": origin}).status_code == 204
        )
        assert client.post("/config", json={}, headers={"Origin": origin}).status_code == saved


def test_a_form_of_another_site_changes_nothing(client: FlaskClient) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        response = client.post("/config", data=b'{"event_location": "x"}', content_type=kind, headers=HTML)
        assert response.status_code == 400
    stored = client.get("/config", headers=JSON).get_json()["settings"]
    assert set(stored.values()) == {""}


def test_a_form_is_accepted_behind_a_proxy_with_tls(client: FlaskClient) -> None:
    """Over https Flask-WTF would also require the Referer, which our Referrer-Policy makes browsers leave out."""
    page = client.get("/config", base_url="https://127.0.0.1", headers=HTML)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    form = {"csrf_token": csrf_token(page.text), "event_location": "Zaal 3"}
    assert client.post("/config", base_url="https://127.0.0.1", data=form).status_code == 303


def test_too_much_at_once_is_refused(client: FlaskClient) -> None:
    response = client.post("/config", data=b"{" + b" " * 300_000 + b"}", content_type="application/json")
    assert response.status_code == 413
    assert response.mimetype == "application/problem+json"
