"""repaircafe.mail.check: what a test of Gmail says, step by step, on the page and at the prompt."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from repaircafe.mail.check import steps
from repaircafe.mail.google_token import TokenUse
from repaircafe.neighbours.checks import Check, run
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report
from tests.config.scene import submit
from tests.conftest import MakeApp
from tests.fakes.gmail import DRAFT, READ, Fault, Gmail
from tests.harness.checking import told
from tests.harness.client import AUTH, PASSWORD
from tests.mail.google_scene import credentials_of


def report_on(gmail: Gmail, use: TokenUse | None = None) -> Report:
    """The report of one test of this account."""
    return run(Check(Neighbour.MAIL), steps(credentials_of(gmail), lambda: use or TokenUse()))


def test_each_step_says_what_was_found(app: Flask) -> None:
    with Gmail() as gmail, app.app_context():
        gmail.add(at=datetime(2026, 11, 28, 9, 5, tzinfo=UTC))
        newest = gmail.add(at=datetime(2026, 11, 29, 9, 5, tzinfo=UTC), labels=("SENT",))
        gmail.add(thread=newest, labels=("DRAFT",), at=datetime(2026, 11, 30, 9, 5, tzinfo=UTC))
        gmail.add(labels=("DRAFT",), at=datetime(2026, 12, 1, tzinfo=UTC))
        found = told(report_on(gmail))
        assert [one.removeprefix("gmail.users.") for one in gmail.called] == [
            "getProfile",
            "threads.list",
            "threads.get",
            "threads.get",
        ]
        assert all("format=minimal" in path for _, path, _ in gmail.asked if "/threads/" in path), "no mail is read"
    assert found == [
        ("credentials", "All three are in .env", None),
        ("name", "127.0.0.1", None),
        ("token", "Google accepts it", None),
        ("scopes", "Read mail and save drafts", None),
        ("mailbox", "info@klinker.example", None),
        ("newest", "29 Nov 2026, 10:05", None),
    ]


@pytest.mark.parametrize(
    ("scopes", "said", "reason"),
    [
        (READ, "Only read mail. You copy replies into your mail program by hand", None),
        (
            "https://mail.google.com/",
            "More than needed. repaircafe mail-authorize makes a token that allows less",
            None,
        ),
        (DRAFT, "", Reason.SCOPE_MISSING),
        ("", "", Reason.SCOPE_MISSING),
    ],
)
def test_the_permissions_are_told(app: Flask, scopes: str, said: str, reason: Reason | None) -> None:
    with Gmail() as gmail, app.app_context():
        gmail.scopes = scopes
        found = told(report_on(gmail))
    assert ("scopes", said, reason) in found
    assert (found[-1][0] == "scopes") is (reason is not None)


@pytest.mark.parametrize(
    ("fault", "step", "reason"),
    [
        (Fault("accessNotConfigured"), "mailbox", Reason.API_OFF),
        (Fault("domainPolicy"), "mailbox", Reason.DOMAIN_POLICY),
        (Fault("dailyLimitExceeded"), "mailbox", Reason.DAILY_LIMIT),
        (Fault("rateLimitExceeded"), "mailbox", Reason.RATE_LIMIT),
        (Fault("insufficientPermissions", "threads.list"), "newest", Reason.SCOPE_MISSING),
        (Fault("backendError", "threads.get"), "newest", Reason.HTTP_ERROR),
        (Fault("authError", times=2), "mailbox", Reason.AUTH_EXPIRED),
    ],
)
def test_what_google_refuses_is_told_at_its_step(app: Flask, fault: Fault, step: str, reason: Reason) -> None:
    with Gmail() as gmail, app.app_context():
        gmail.add()
        gmail.faults = [fault]
        report = report_on(gmail)
        assert (told(report)[-1][0], report.reason) == (step, reason)
        assert "Google" in str(explain(Neighbour.MAIL, reason).sentence)


def test_a_token_that_died_in_its_first_week_is_explained(app: Flask) -> None:
    now = datetime.now(UTC)
    with Gmail() as gmail, app.app_context():
        gmail.error = "invalid_grant"
        assert report_on(gmail).reason is Reason.AUTH_EXPIRED
        report = report_on(gmail, TokenUse(now - timedelta(days=7), now - timedelta(days=1)))
        assert (told(report)[-1][0], report.reason) == ("token", Reason.TOKEN_WEEK)
        assert "“Testing”" in str(explain(Neighbour.MAIL, Reason.TOKEN_WEEK).sentence)
        assert report_on(gmail, TokenUse(now - timedelta(days=300))).reason is Reason.TOKEN_UNUSED


def test_an_api_that_says_nothing_ends_within_the_promise(app: Flask) -> None:
    with Gmail() as gmail, app.app_context():
        gmail.trickles = True
        report = report_on(gmail)
    assert report.reason is Reason.TIMEOUT
    assert report.latency_ms < 4_500


def test_without_credentials_there_is_one_step(app: Flask) -> None:
    with app.app_context():
        assert told(run(Check(Neighbour.MAIL), steps(None))) == [("credentials", "", Reason.NOT_SET)]


def test_the_page_and_the_command_say_the_same(make_app: MakeApp) -> None:
    with Gmail() as gmail:
        gmail.add()
        app = make_app(**gmail.variables)
        page = submit(app.test_client(), "/config/test/mail").text
        done = app.test_cli_runner().invoke(args=["config-test", "mail"])
    assert done.exit_code == 0
    for said in (
        "Permissions",
        "Read mail and save drafts",
        "Mailbox",
        "info@klinker.example",
        "Newest mail",
        "20 Nov 2026",
    ):
        assert said in done.stdout
        assert said in page


def test_visitors_read_neither_the_address_nor_when_mail_came(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    with Gmail() as gmail:
        gmail.add()
        app = make_app(operator_password=PASSWORD, **gmail.variables)
        assert app.test_client().post("/config/test/mail", json={}, auth=AUTH).status_code == 200
        later = make_app(operator_password=PASSWORD, **gmail.variables)
        for one in (app, later):
            said = json.dumps(one.test_client().get("/health").get_json())
            assert "Read mail and save drafts" in said
            assert not [found for found in ("klinker.example", "2026, ") if found in said + caplog.text]
