"""repaircafe.config.api: the JSON API of the settings."""

from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.database.errors import AwayError
from repaircafe.database.migrations import head_revision
from repaircafe.neighbours.report import Reason
from repaircafe.settings.keys import KEYS
from repaircafe.settings.store import _log_ignored
from tests.config.scene import settings
from tests.conftest import MakeApp
from tests.harness.logged import lines_of


def test_json_changes_some_settings_and_leaves_the_others(client: FlaskClient) -> None:
    client.post("/config", json={"event_location": "Dorpsstraat 1", "event_offerings": ["bikes", "clothes"]})
    assert settings(client)["event_offerings"] == "bikes, clothes"
    response = client.post("/config", json={"event_date": "2026-12-05", "event_offerings": None})
    assert (response.status_code, response.get_json()["current"]) == (200, True)
    assert response.get_json()["settings"]["event_location"] == "Dorpsstraat 1"
    assert settings(client)["event_date"] == "2026-12-05"
    assert settings(client)["event_offerings"] == ""


def test_a_day_that_has_passed_is_saved_and_named_in_a_warning(client: FlaskClient) -> None:
    saved = client.post("/config", json={"event_date": "2020-01-04"})
    assert (saved.status_code, [*saved.get_json()["warnings"]]) == (200, ["event_date"])
    assert client.post("/config", json={"event_date": "2099-01-03"}).get_json()["warnings"] == {}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"event_date": "x", "event_location": "y"}, 422, "event_date"),
        ({"event_dat": "2026-12-05"}, 422, "event_dat"),
        ({"DATABASE_URL": "postgresql://x"}, 422, "DATABASE_URL"),
        ({"secret_key": "x"}, 422, "secret_key"),
        ({"event_date": 5}, 422, "event_date"),
        ({"event_location": "a\x00b"}, 422, "event_location"),
        ({"event_date": "2026 -12-05"}, 422, "event_date"),
        ([], 400, None),
        ("text", 400, None),
    ],
)
def test_invalid_json_is_refused_with_a_problem(client: FlaskClient, body: Any, status: int, field: str | None) -> None:
    response = client.post("/config", json=body)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    found = response.get_json()
    assert found["request_id"] == response.headers["X-Request-ID"]
    assert field is None or field in found["errors"]
    assert set(settings(client).values()) == {""}


def test_a_credential_is_not_stored_under_any_name(make_app: MakeApp) -> None:
    client = make_app(
        gmail_client_id="an-id.example", gmail_client_secret="c-secret-7", gmail_refresh_token="1//r-token"
    ).test_client()
    response = client.post("/config", json={"event_location": "at 1//r-token street"})
    assert response.status_code == 422
    assert "1//r-token" not in response.text
    said = "This contains a secret from .env, which must not be stored in the database."
    assert response.get_json()["errors"] == {"event_location": said}


def test_the_test_of_the_database_shows_its_version_and_tables(client: FlaskClient) -> None:
    report = client.post("/config/test/db", json={}).get_json()
    assert report["status"] == "ok"
    details = {step["step"]: step["detail"] for step in report["steps"]}
    assert details["server"].startswith("PostgreSQL 18.")
    assert details["tables"] == f"Migration {head_revision()}"


def test_an_unknown_service_is_not_found(client: FlaskClient) -> None:
    response = client.post("/config/test/coffee", json={})
    assert response.status_code == 404
    assert response.get_json()["title"] == "There is no such service."
    assert response.get_json()["detail"] == "Known: db, llm, mail"


def test_a_save_that_cannot_be_read_back_is_rolled_back(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the page would say that nothing was saved, although it was."""

    def broken(_: object) -> dict[str, str]:
        raise AwayError(Reason.RESET)

    with monkeypatch.context() as patched:
        patched.setattr("repaircafe.settings.store.read", broken)
        assert client.post("/config", json={"event_location": "Dorpsstraat 1"}).status_code == 503
    assert settings(client)["event_location"] == ""


def test_an_address_outside_the_network_is_saved_only_with_save_anyway(client: FlaskClient) -> None:
    change = {"llm_endpoint": "https://8.8.8.8", "event_location": "De Hoek"}
    refused = client.post("/config", json=change)
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert "would leave the building" in refused.get_json()["title"]
    assert set(settings(client).values()) == {""}
    assert client.post("/config?save_anyway=1", json=change).status_code == 200
    assert settings(client)["llm_endpoint"] == "https://8.8.8.8"
    assert client.post("/config", json={"llm_endpoint": "http://192.168.1.9:11434"}).status_code == 200


def test_an_invalid_address_that_was_stored_by_hand_is_not_used(
    client: FlaskClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO settings (key, value) VALUES ('llm_endpoint', 'http://169.254.169.254')")
    _log_ignored.cache_clear()
    for _ in range(3):
        client.post("/config", json={"event_location": "De Hoek"})  # makes the app read the settings again
        assert settings(client)["llm_endpoint"] == ""
    (line,) = [one for one in lines_of(caplog, "validation_error") if one["message"] == "Setting ignored"]
    assert line["resource_id"] == "llm_endpoint"
    assert "169.254" not in str(line)


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("event_start", " 14:00 ", "14:00"),
        ("event_date", "2027-12-15\n", "2027-12-15"),
        ("llm_temperature", " 0.25 ", "0.25"),
        ("llm_model", "smollm2\u00a0", "smollm2"),
        ("llm_endpoint", "\u00a0http://127.0.0.1:11434\u200d", "http://127.0.0.1:11434"),
        ("event_location", "\u00a0De Hoek ", "De Hoek"),
    ],
)
def test_blanks_around_a_value_do_not_count(client: FlaskClient, name: str, sent: str, stored: str) -> None:
    response = client.post("/config", json={name: sent})
    assert response.status_code == 200, response.text
    assert response.get_json()["settings"][name] == stored


def test_an_entry_of_the_maximum_length_is_accepted_after_a_space(client: FlaskClient) -> None:
    offerings = f"bicycles, {'x' * 60}"
    assert client.post("/config", json={"event_offerings": offerings}).status_code == 200
    assert settings(client)["event_offerings"] == offerings


def test_the_error_says_what_is_wrong_with_each_value(client: FlaskClient) -> None:
    offered = KEYS["event_offerings"].example
    for name, value, said in (
        ("event_date", "x", "This is not a date. Expected: YYYY-MM-DD, such as 2026-12-05"),
        ("event_date", 5, "Expected a text."),
        ("event_date", ["2026-12-05"], "Expected a text."),
        ("event_start", "2 pm", "This is not a time. Expected: HH:MM, such as 14:00"),
        ("event_start", "9:00", "This does not have the expected form, such as: 14:00"),
        ("event_offerings", ["bikes", 5], "Expected a text."),
        ("event_offerings", ["x" * 61], "An entry is too long. At most 60 characters between commas."),
        ("event_offerings", [f"{n:058}" for n in range(41)], "This list is too long. At most 40 entries."),
        ("event_offerings", ["x" * 60, "a,b"], f"This does not have the expected form, such as: {offered}"),
        ("event_dat", "x", "There is no such setting. Did you mean event_date?"),
        ("SECRET_KEY", "x", "SECRET_KEY belongs in .env, never in the database."),
        ("zzz", "x", f"There is no such setting. Known: {', '.join(KEYS)}"),
    ):
        found = client.post("/config", json={name: value}).get_json()
        assert found["errors"] == {name: said}
        assert found["title"] == "Nothing was saved: at least one value is wrong."
        assert found["detail"] == "Correct the values and send them again."
    half = client.post("/config", data=rb'{"\ud800": "x"}', content_type="application/json")
    assert (half.status_code, list(half.get_json()["errors"])) == (422, [""]), "a lone surrogate is not a name"


def test_a_name_that_is_no_setting_is_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A person may have typed it, so it may be anything."""
    client.post("/config", json={"my neighbour's name": "x", "event_date": "x"})
    (line,) = lines_of(caplog, "validation_error")
    assert line["fields"] == ["(unknown)", "event_date"]
    assert "neighbour" not in str(line)


def test_the_error_for_a_body_that_is_no_object_shows_an_example(client: FlaskClient) -> None:
    found = client.post("/config", json=[]).get_json()
    assert found["title"] == "The body is not a JSON object."
    assert '{"event_date": "2026-12-05"}' in found["detail"]


def test_a_removed_setting_has_no_row_and_a_changed_one_has_a_new_time(client: FlaskClient, database_url: str) -> None:
    client.post("/config", json={"event_location": "De Hoek", "event_date": "2026-12-05"})
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE settings SET updated_at = '2020-01-01'")
        client.post("/config", json={"event_location": "De Kern", "event_date": ""})
        rows = connection.execute("SELECT key, value, updated_at > now() - interval '1 hour' FROM settings").fetchall()
    assert rows == [("event_location", "De Kern", True)]
