"""repaircafe.mail.imap: a server that does what no good server does; each fault ends in time with its reason."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from repaircafe.environment import ImapSecurity
from repaircafe.limits import MAX_MAIL_ANSWER_BYTES
from repaircafe.mail.imap_mailbox import Session
from repaircafe.neighbours import sockets
from repaircafe.neighbours.report import NeighbourError, Reason
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.imap import BREAK, MAIL, Answer, ImapServer
from tests.harness.certificates import Certificate, make_certificate
from tests.harness.conditions import until
from tests.mail.imap_scene import LONG_AGO, fetched_from, mail_of, none_known


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert until(lambda: set(threading.enumerate()) <= before)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """One for localhost."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def reason_of(server: ImapServer, limit_s: float = 20.0, **values: str) -> Reason:
    """Why a fetch fails."""
    with server, pytest.raises(NeighbourError) as caught:
        fetched_from(server.account(**values), limit_s=limit_s)
    assert "geheim" not in repr(caught.value)
    return caught.value.reason


def test_the_fake_is_a_good_server_if_nothing_else_is_scripted(certificate: Certificate) -> None:
    for tls in (True, False):
        with ImapServer(certificate, tls=tls) as server:
            fetched, cursor = fetched_from(server.account())
        assert [one.mail.body.content for one in fetched] == [b"", MAIL], "newest first; NIL is a mail without bytes"
        assert [one.remote_id for one in fetched] == ["INBOX/7/2", "INBOX/7/1"]
        assert cursor == '{"INBOX": [7, 3]}'


def endless(piece: bytes) -> Answer:
    """An answer without an end."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return pieces


def trickle(answer: bytes) -> Answer:
    """One byte every tenth of a second."""

    def pieces() -> Iterator[bytes]:
        for number in range(len(answer)):
            time.sleep(0.1)
            yield answer[number : number + 1]

    return pieces


TOO_MUCH: dict[str, Answer] = {
    "a literal of 4 GB": b"* 1 FETCH (UID 1 BODY[]<0> {4000000000}\r\n",
    "a literal of more than the limit": b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n" % MAX_MAIL_ANSWER_BYTES,
    "endless literals": endless(b"* 1 FETCH (UID 1 BODY[]<0> {100000}\r\n" + b"x" * 100_000 + b")\r\n"),
    "endless lines": endless(b"* 1 EXISTS\r\n" * 1_000),
    "endless continuations": endless(b"+ go on\r\n" * 1_000),
    "an endless line": endless(b"x" * 10_000),
}


@pytest.mark.parametrize("what", TOO_MUCH)
@pytest.mark.parametrize("command", ["LIST", "UID FETCH", "LOGIN"])
def test_an_answer_without_end_is_refused_before_it_fills_the_memory(
    what: str, command: str, certificate: Certificate
) -> None:
    answers = {"UID FETCH 1:2 (UID FLAGS": TOO_MUCH[what]} if command == "UID FETCH" else {command: TOO_MUCH[what]}
    assert reason_of(ImapServer(certificate, answers=answers)) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "command", ["CAPABILITY", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH 1:2 (UID FLAGS"]
)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.TIMEOUT),
        (b"* OK half" + BREAK, Reason.RESET),
        (BREAK, Reason.RESET),
        (b"* BYE I must go\r\n" + BREAK, Reason.RESET),
        (b"TAG BAD what?\r\n", Reason.BAD_ANSWER),
        (b"\x00\xff\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 400 Bad Request\r\n", Reason.BAD_ANSWER),
    ],
)
def test_every_answer_may_be_wrong(command: str, answer: bytes, reason: Reason, certificate: Certificate) -> None:
    found = reason_of(ImapServer(certificate, answers={command: answer}), limit_s=20 if answer else 0.5)
    others = {("LOGIN", Reason.BAD_ANSWER, b"TAG"): Reason.AUTH_REFUSED}
    others[("CAPABILITY", Reason.RESET, b"* B")] = Reason.SERVER_BUSY  # it is a part of the greeting
    assert found is others.get((command, reason, answer[:3]), reason)


def test_a_trickle_ends_at_the_deadline(certificate: Certificate) -> None:
    began = time.monotonic()
    server = ImapServer(certificate, answers={"LIST": trickle(b"* LIST () NIL x\r\n" * 100)})
    assert reason_of(server, limit_s=0.7) is Reason.TIMEOUT
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"NO [AUTHENTICATIONFAILED] Authentication failed.", Reason.AUTH_REFUSED),
        (b"NO LOGIN failed", Reason.AUTH_REFUSED),
        (b"NO [ALERT] Application-specific password required: https://example.org", Reason.APP_PASSWORD),
        (b"NO [AUTHENTICATIONFAILED] please use an app password", Reason.APP_PASSWORD),
        (b"NO [ALERT] Your account is not enabled for IMAP use. Please visit your settings", Reason.IMAP_OFF),
        (b"NO [AUTHENTICATIONFAILED] IMAP access is disabled", Reason.IMAP_OFF),
        (b"NO [ALERT] You are yet to enable IMAP for your account.", Reason.IMAP_OFF),
        (b"NO [UNAVAILABLE] Temporary authentication failure.", Reason.SERVER_BUSY),
        (b"NO [LIMIT] Too many simultaneous connections", Reason.SERVER_BUSY),
        (b"NO [REFERRAL imap://other.example/] moved", Reason.REDIRECTED),
        (b"NO BasicAuthBlocked", Reason.OAUTH_ONLY),
        (b"BAD Invalid credentials", Reason.AUTH_REFUSED),
    ],
)
def test_each_refusal_of_the_sign_in_has_its_reason(said: bytes, reason: Reason, certificate: Certificate) -> None:
    assert reason_of(ImapServer(certificate, answers={"LOGIN": b"TAG " + said + b"\r\n"})) is reason


def test_a_greeting_that_turns_us_away_means_busy(certificate: Certificate) -> None:
    server = ImapServer(certificate, greeting=b"* BYE Too many connections from your address\r\n")
    assert reason_of(server) is Reason.SERVER_BUSY


def sent_before_tls(server: ImapServer) -> Reason:
    """The reason, if nothing but questions about the server were sent."""
    reason = reason_of(server)
    assert {command.split()[0] for command in server.asked} <= {"CAPABILITY", "STARTTLS", "LOGOUT"}
    return reason


PLAIN: dict[str, bytes] = {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"}


def test_without_encryption_the_password_is_not_sent(certificate: Certificate) -> None:
    assert sent_before_tls(ImapServer(certificate, tls=False, answers=PLAIN)) is Reason.NO_TLS, "stripped"
    for said in (b"TAG NO not now\r\n", b"TAG BAD what?\r\n"):
        assert sent_before_tls(ImapServer(certificate, tls=False, answers={"STARTTLS": said})) is Reason.NO_TLS


def test_a_server_that_claims_to_know_us_before_encryption_is_refused(certificate: Certificate) -> None:
    assert sent_before_tls(ImapServer(certificate, tls=False, greeting=b"* PREAUTH hello\r\n")) is Reason.NO_TLS
    assert sent_before_tls(ImapServer(certificate, greeting=b"* PREAUTH hello\r\n")) is Reason.BAD_ANSWER


def test_what_was_sent_before_encryption_does_not_count_after_it(certificate: Certificate) -> None:
    injected = b"TAG OK begin\r\n* OK [CAPABILITY IMAP4rev1 INJECTED] hello\r\n"
    assert sent_before_tls(ImapServer(certificate, tls=False, answers={"STARTTLS": injected})) is Reason.NO_TLS
    greeting = b"* OK [CAPABILITY IMAP4rev1 STARTTLS BEFORE] hello\r\n"
    with ImapServer(certificate, tls=False, greeting=greeting) as server:
        session = Session(server.account(), mail_of)
        connection = session.connect()
        assert "BEFORE" in connection.capabilities
        connection.secure()
        assert connection.capabilities == ("IMAP4REV1", "STARTTLS")
        assert server.asked == ["STARTTLS", "CAPABILITY"], "anew after TLS"
        session.close()


def test_a_server_without_tls_at_the_port_of_tls_is_told_from_others(certificate: Certificate) -> None:
    with ImapServer(certificate, tls=False) as server, pytest.raises(NeighbourError) as caught:
        fetched_from(replace(server.account(), security=ImapSecurity.TLS))
    assert caught.value.reason is Reason.NO_TLS
    assert "LOGIN" not in str(server.asked)


def test_a_server_that_wants_no_password_is_not_given_it(certificate: Certificate) -> None:
    without = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nTAG OK done\r\n"}
    server = ImapServer(certificate, answers=without)
    assert sent_before_tls(server) is Reason.OAUTH_ONLY


def test_certificates(certificate: Certificate, tmp_path: Path) -> None:
    cases = {
        Reason.CERTIFICATE_NAME: make_certificate(tmp_path, "mail.example", "127.0.0.9"),
        Reason.CERTIFICATE_EXPIRED: make_certificate(tmp_path / "old", ends_in=-timedelta(days=1)),
    }
    for reason, wrong in cases.items():
        server = ImapServer(wrong)
        assert reason_of(server) is reason
        assert server.asked == []
    assert reason_of(ImapServer(certificate), ca_file="") is Reason.CERTIFICATE_UNKNOWN
    assert reason_of(ImapServer(certificate), ca_file=str(tmp_path / "none.pem")) is Reason.CA_FILE
    (tmp_path / "nonsense.pem").write_text("nonsense")
    assert reason_of(ImapServer(certificate), ca_file=str(tmp_path / "nonsense.pem")) is Reason.CA_FILE
    with ImapServer(certificate) as server:
        assert fetched_from(server.account(host="127.0.0.1"))[0], "an address in the certificate"


def test_the_address_of_cloud_credentials_is_refused(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "is_metadata", lambda _peer: True)
    server = ImapServer(certificate)
    assert reason_of(server) is Reason.BAD_ADDRESS
    assert server.asked == []


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "LIST", "UID FETCH 1:2 (UID BODY"])
def test_stop_ends_every_exchange_at_once(command: str, certificate: Certificate) -> None:
    with ImapServer(certificate, answers={command: b""}) as server:
        session = Session(server.account(), mail_of)

        def stop() -> None:
            until(lambda: any(one.startswith(command) for one in server.asked))
            session.stop()

        stopper = threading.Thread(target=stop)
        stopper.start()
        began = time.monotonic()
        with pytest.raises(StoppedError):
            _fetch_all(session)
        stopper.join()
        assert time.monotonic() - began < 10


def _fetch_all(session: Session) -> None:
    with session as mailbox:
        list(mailbox.look(LONG_AGO, "", none_known).batches)


def test_a_stop_before_the_connection_counts(certificate: Certificate) -> None:
    with ImapServer(certificate) as server:
        session = Session(server.account(), mail_of)
        session.stop()
        with pytest.raises(StoppedError), session:
            pass
        assert server.asked == []


def test_a_message_that_the_server_cannot_read_does_not_stop_the_fetch(certificate: Certificate) -> None:
    answers = {
        "UID FETCH 1:2 (UID BODY": b"TAG NO [SERVERBUG-NOT] cannot read\r\n",
        "UID FETCH 1 (UID BODY": b"* 1 FETCH (UID 1 BODY[]<0> {22}\r\n%b)\r\nTAG OK done\r\n" % MAIL,
        "UID FETCH 2 (UID BODY": b"TAG NO cannot read\r\n",
        "UID SEARCH UID 2": b"* SEARCH 2\r\nTAG OK done\r\n",
    }
    with ImapServer(certificate, answers=answers) as server:
        fetched, _ = fetched_from(server.account())
    assert [(one.remote_id, one.mail.body.content, one.mail.cut) for one in fetched] == [
        ("INBOX/7/2", b"", True),
        ("INBOX/7/1", MAIL, False),
    ]


def test_a_message_that_has_gone_meanwhile_is_left_out(certificate: Certificate) -> None:
    answers = {
        "UID FETCH 1:2 (UID BODY": b"* 1 FETCH (UID 1 BODY[]<0> {22}\r\n%b)\r\nTAG OK done\r\n" % MAIL,
    }
    with ImapServer(certificate, answers=answers) as server:
        assert [one.remote_id for one in fetched_from(server.account())[0]] == ["INBOX/7/1"]


def test_a_folder_made_anew_during_the_fetch_is_not_mixed_with_the_old_one(certificate: Certificate) -> None:
    answers = {"EXAMINE": b"* OK [UIDVALIDITY 8] valid\r\n* OK [UIDNEXT 3] next\r\nTAG OK done\r\n"}
    assert reason_of(ImapServer(certificate, answers=answers)) is Reason.RESET


def test_changes_of_flags_that_nobody_asked_about_are_no_messages(certificate: Certificate) -> None:
    news = b"* 2 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n"
    news += b"* 9 FETCH (UID 9 FLAGS ())\r\n* 3 EXISTS\r\n"
    body = b'* 1 FETCH (UID 1 BODY[]<0> {22}\r\n%b)\r\n* 2 FETCH (UID 2 BODY[]<0> "x")\r\n' % MAIL
    for answer in (news + body, body + news):
        with ImapServer(certificate, answers={"UID FETCH 1:2 (UID BODY": answer + b"TAG OK done\r\n"}) as server:
            fetched, _ = fetched_from(server.account())
        assert [(one.remote_id, one.mail.body.content) for one in fetched] == [("INBOX/7/2", b"x"), ("INBOX/7/1", MAIL)]
