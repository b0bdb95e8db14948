"""repaircafe.mail.imap_check: the test of a mailbox goes step by step, and says how far it came."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from repaircafe.app import register_words
from repaircafe.environment import ImapSecurity
from repaircafe.health.monitor import monitor
from repaircafe.mail import imap_check, imap_explanations
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.neighbours.checks import Check, run
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report, Status, StepName
from tests.conftest import MakeApp
from tests.fakes.imap import ImapServer
from tests.harness.certificates import Certificate, make_certificate
from tests.harness.conditions import until

ALL = [
    StepName.CREDENTIALS,
    StepName.NAME,
    StepName.ENCRYPTION,
    StepName.SIGN_IN,
    StepName.CAPABILITIES,
    StepName.NEWEST,
    StepName.DRAFTS,
]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert until(lambda: set(threading.enumerate()) <= before)
    register_words()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One for localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def checked(account: ImapAccount) -> Report:
    """The report of a test."""
    return run(Check(Neighbour.MAIL), imap_check.steps(account))


def test_a_good_mailbox_passes_every_step(app: Flask, certificate: Certificate) -> None:
    for tls in (True, False):
        with ImapServer(certificate, tls=tls) as server:
            report = checked(server.account())
        assert ([step.name for step in report.steps], report.reason) == (ALL, None)
        with app.test_request_context(headers={"Accept-Language": "en"}):
            details = [str(step.detail) for step in report.steps]
        assert "valid until" in details[2]
        assert details[4] == "IMAP4rev1, UIDPLUS"
        assert "2026" in details[5]
        assert details[6] == "Drafts"
        assert server.asked[-1] == "LOGOUT"


def test_a_missing_drafts_folder_is_told_last(certificate: Certificate) -> None:
    for answers, drafts in (({"LIST": b'* LIST () "/" INBOX\r\nTAG OK done\r\n'}, ""), ({}, "Nowhere")):
        with ImapServer(certificate, answers=answers) as server:
            report = checked(server.account(drafts=drafts))
        assert [step.name for step in report.steps] == ALL
        assert (report.reason, report.status) == (Reason.NO_DRAFTS, Status.DEGRADED)


def test_an_empty_inbox_is_no_fault(certificate: Certificate) -> None:
    with ImapServer(certificate, answers={"UID SEARCH": b"* SEARCH\r\nTAG OK done\r\n"}) as server:
        assert checked(server.account()).reason is None


@pytest.mark.parametrize(
    ("command", "answer", "step", "reason"),
    [
        ("CAPABILITY", b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n", StepName.ENCRYPTION, Reason.NO_TLS),
        ("LOGIN", b"TAG NO [AUTHENTICATIONFAILED] no\r\n", StepName.SIGN_IN, Reason.AUTH_REFUSED),
        ("LOGIN", b"TAG NO [ALERT] Application-specific password required\r\n", StepName.SIGN_IN, Reason.APP_PASSWORD),
        ("EXAMINE", b"TAG NO no\r\n", StepName.NEWEST, Reason.BAD_ANSWER),
        ("LIST", b"", StepName.DRAFTS, Reason.TIMEOUT),
    ],
)
def test_each_step_may_fail(
    command: str, answer: bytes, step: StepName, reason: Reason, certificate: Certificate
) -> None:
    with ImapServer(certificate, tls=False, answers={command: answer}) as server:
        report = checked(server.account())
    assert report.failed is not None
    assert (report.failed.name, report.reason) == (step, reason)
    assert report.latency_ms < 4_500


def test_microsofts_servers_are_not_even_asked() -> None:
    account = ImapAccount("outlook.office365.com", 993, ImapSecurity.TLS, "info@cafe.example", "geheim-geheim")
    report = checked(account)
    assert ([step.name for step in report.steps], report.reason) == ([StepName.CREDENTIALS], Reason.OAUTH_ONLY)


def test_every_reason_has_a_sentence_for_a_mail_server_and_none_names_google(app: Flask) -> None:
    register_words(imap_explanations.WORDS)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        for reason in Reason:
            found = explain(Neighbour.MAIL, reason)
            assert str(found.sentence).endswith(".")
            assert "Google" not in f"{found.sentence} {found.cure}"
            assert found.endpoint is None or found.endpoint in app.view_functions


def test_health_never_contacts_the_server_and_the_button_does(make_app: MakeApp, certificate: Certificate) -> None:
    with ImapServer(certificate) as server:
        account = server.account()
        app = make_app(
            imap_host=account.host,
            imap_port=account.port,
            imap_user=account.user,
            imap_password=account.password,
            imap_ca_file=account.ca_file,
        )
        client = app.test_client()
        assert client.get("/health").json["services"][2]["reason"] == "not_tested"  # type: ignore[index]
        assert server.asked == []
        answer = client.post("/config/test/mail", json={})
        assert answer.status_code == 200
        assert server.asked
        with app.app_context():
            assert monitor().health().report(Neighbour.MAIL).reason is None
        page = client.post("/config/test/mail", data={"csrf_token": ""}, headers={"HX-Request": "true"})
        assert "geheim" not in page.text + answer.text


def test_the_account_of_another_port_is_another_account(certificate: Certificate) -> None:
    with ImapServer(certificate) as server:
        account = server.account()
    assert replace(account, port=1).digest != account.digest
