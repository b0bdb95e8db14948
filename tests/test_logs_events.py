"""The log's events about access and changes: one line each, with the request and the user, and without free text."""

import re

import pytest
from flask import Flask

from tests.harness.client import HTML, PASSWORD, csrf_token, sign_in
from tests.harness.logged import lines_of

WORDS = "Nobody else's business"


def test_each_event_is_one_line_with_its_user_and_request(guarded: Flask, caplog: pytest.LogCaptureFixture) -> None:
    browser = guarded.test_client()
    browser.get("/config", headers=HTML)
    (refused,) = lines_of(caplog, "authz_failure")
    assert refused["user_id"] is None
    sign_in(browser, "wrong-password")
    (failed,) = lines_of(caplog, "auth_failure")
    assert failed["remote"] == "127.0.0.1"
    sign_in(browser)
    (begun,) = lines_of(caplog, "sign_in")
    form = csrf_token(browser.get("/config", headers=HTML).text)
    browser.post("/config", data={"csrf_token": form, "event_date": WORDS, "was.event_date": ""}, headers=HTML)
    (invalid,) = lines_of(caplog, "validation_error")
    assert (invalid["fields"], invalid["status"]) == (["event_date"], 422)
    saved = {"csrf_token": form, "event_location": WORDS, "was.event_location": ""}
    assert browser.post("/config", data=saved, headers=HTML).status_code == 303
    (changed,) = lines_of(caplog, "config_changed")
    assert "event_location" in changed["keys"]
    assert begun["user_id"] == invalid["user_id"] == changed["user_id"] is not None
    for line in (refused, failed, begun, invalid, changed):
        assert re.fullmatch(r"[0-9a-f]{16}", line["request_id"])
        assert WORDS not in str(line)
        assert PASSWORD not in str(line)
    assert len({line["request_id"] for line in (refused, failed, begun, invalid, changed)}) == 5


def test_a_password_that_is_refused_without_a_check_is_logged_as_well(
    guarded: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    browser = guarded.test_client()
    for _ in range(7):
        sign_in(browser, "wrong-password")
    browser.get("/config", auth=("operator", "wrong-password"))
    assert [line.get("unread", False) for line in lines_of(caplog, "auth_failure")] == [False] * 5 + [True] * 3
