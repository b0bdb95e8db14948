"""repaircafe.mail.gmail_client: Google's pace, its refusals and its faults."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from repaircafe.limits import GMAIL_UNITS_PER_S, MAX_GMAIL_PAUSE_S, MAX_MAIL_ANSWER_BYTES
from repaircafe.mail.gmail_client import GmailClient, Pace
from repaircafe.mail.gmail_errors import GoneError, refusal_of
from repaircafe.mail.gmail_operations import ROOT
from repaircafe.neighbours.http import Answer
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError
from repaircafe.neighbours.sockets import StoppedError
from tests.fakes.gmail import Fault, Gmail
from tests.fakes.misbehaving import FAULTS, REASONS, Misbehaving
from tests.harness.conditions import until
from tests.mail.google_scene import Clock, credentials_of

PROFILE = f"{ROOT}profile"


def _reason(gmail: Gmail, clock: Clock | None = None, path: str = PROFILE) -> Reason:
    with GmailClient(credentials_of(gmail), clock or Clock()) as client, pytest.raises(NeighbourError) as caught:
        client.get(path)
    return caught.value.reason


def test_requests_keep_to_googles_pace() -> None:
    clock = Clock()
    with Gmail() as gmail, GmailClient(credentials_of(gmail), clock) as client:
        thread = gmail.add()
        for _ in range(20):
            client.get(f"{ROOT}threads/{thread}", [("format", "minimal")])
        assert clock.seconds == pytest.approx(19 * 40 / GMAIL_UNITS_PER_S)
        client.get(PROFILE)
        assert clock.seconds == pytest.approx(20 * 40 / GMAIL_UNITS_PER_S)
        clock.seconds += 60
        waits = len(clock.waited)
        client.get(PROFILE)
        assert len(clock.waited) == waits, "after a pause there is no debt"


@pytest.mark.parametrize(
    "fault", [("rateLimitExceeded", 429), ("userRateLimitExceeded", 403), ("rateLimitExceeded", 403)]
)
def test_too_many_requests_are_sent_again_after_growing_pauses(fault: tuple[str, int]) -> None:
    clock = Clock()
    with Gmail() as gmail, GmailClient(credentials_of(gmail), clock) as client:
        gmail.faults = [Fault(fault[0], times=5, status=fault[1])]
        assert client.get(PROFILE)["emailAddress"] == gmail.address
        assert [one for one in clock.waited if one >= 1] == [1, 2, 4, 8, 16]
        assert len(gmail.called) == 6


def test_after_five_more_tries_the_reason_is_told() -> None:
    with Gmail() as gmail:
        gmail.faults = [Fault("rateLimitExceeded", times=100)]
        assert _reason(gmail) is Reason.RATE_LIMIT
        assert len(gmail.called) == 6


@pytest.mark.parametrize(
    ("asked", "pause"), [("7", 7), ("0", 1), ("100000", MAX_GMAIL_PAUSE_S), ("soon", 1), ("-3", 1)]
)
def test_a_longer_pause_that_google_asks_for_is_kept(asked: str, pause: float) -> None:
    clock = Clock()
    with Gmail() as gmail, GmailClient(credentials_of(gmail), clock) as client:
        gmail.faults = [Fault("rateLimitExceeded", headers={"Retry-After": asked})]
        client.get(PROFILE)
    assert max(clock.waited) == pause


def test_a_pause_until_a_time_is_kept() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    for seconds, pause in ((30, 30), (-30, 0), (10**6, MAX_GMAIL_PAUSE_S)):
        asked = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
        assert refusal_of(Answer(429, b"", {"Retry-After": asked}), now).pause_s == pause


def test_the_jitter_comes_on_top() -> None:
    clock = Clock()
    clock.jitter = lambda: 0.5
    with Gmail() as gmail, GmailClient(credentials_of(gmail), clock) as client:
        gmail.faults = [Fault("rateLimitExceeded")]
        client.get(PROFILE)
    assert 1.5 in clock.waited


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("insufficientPermissions", Reason.SCOPE_MISSING),
        ("accessNotConfigured", Reason.API_OFF),
        ("domainPolicy", Reason.DOMAIN_POLICY),
        ("dailyLimitExceeded", Reason.DAILY_LIMIT),
        ("badRequest", Reason.HTTP_ERROR),
    ],
)
def test_what_another_try_cannot_mend_is_told_at_once(said: str, reason: Reason) -> None:
    with Gmail() as gmail:
        gmail.faults = [Fault(said, times=9)]
        assert _reason(gmail) is reason
        assert len(gmail.called) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":{"code":403,"details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}', Reason.SCOPE_MISSING),
        (b'{"error":{"code":403,"details":[{"reason":"SERVICE_DISABLED"}]}}', Reason.API_OFF),
        (b'{"error":{"code":403,"details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}', Reason.RATE_LIMIT),
        (b'{"error":{"code":403,"errors":[{"reason":7},3,{}],"details":{}}}', Reason.HTTP_ERROR),
        (b'{"error":"x"}', Reason.HTTP_ERROR),
        (b"[]", Reason.HTTP_ERROR),
        (b"<html>", Reason.HTTP_ERROR),
    ],
)
def test_googles_newer_errors_and_nonsense_have_reasons_too(body: bytes, reason: Reason) -> None:
    assert refusal_of(Answer(403, body, {})).error.reason is reason


def test_an_error_of_the_server_is_tried_again_and_what_is_created_is_not() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        gmail.faults = [Fault("backendError", times=2)]
        assert client.get(PROFILE)
        gmail.faults = [Fault("backendError", "drafts.create", times=9)]
        with pytest.raises(TemporaryError, match="HTTP 500"):
            client.request("POST", f"{ROOT}drafts", (), b"{}")
        assert gmail.called.count("gmail.users.drafts.create") == 1, "nobody knows whether it made a draft"
        gmail.faults = [Fault("rateLimitExceeded", "drafts.create", times=2), Fault("badRequest", "drafts.create")]
        with pytest.raises(PermanentError):
            client.request("POST", f"{ROOT}drafts", (), b"{}")
        assert gmail.called.count("gmail.users.drafts.create") == 4, "what was refused made none"


def test_what_google_does_not_know_is_gone() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client, pytest.raises(GoneError):
        client.get(f"{ROOT}messages/19a", [("format", "full")])


def test_an_access_token_that_ended_is_renewed_once() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        assert client.get(PROFILE)
        gmail.expire_access()
        assert client.get(PROFILE)
        assert [path for _, path, _ in gmail.asked].count("/token") == 2
        gmail.faults = [Fault("authError", times=2)]
        with pytest.raises(PermanentError) as caught:
            client.get(PROFILE)
        assert caught.value.reason is Reason.AUTH_EXPIRED
        assert [path for _, path, _ in gmail.asked].count("/token") == 3


def test_a_refresh_token_that_ended_meanwhile_is_told() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        assert client.get(PROFILE)
        gmail.expire_access()
        gmail.error = "invalid_grant"
        with pytest.raises(PermanentError) as caught:
            client.get(PROFILE)
    assert caught.value.reason is Reason.AUTH_EXPIRED


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_network_has_its_reason(fault: str) -> None:
    with Gmail() as gmail, Misbehaving(fault) as neighbour:
        known = credentials_of(gmail)
        broken = type(known)(known.client_id, known.client_secret, known.refresh_token, known.token_uri, neighbour.url)
        with GmailClient(broken, Clock(), 0.6) as client:
            client.sign_in()
            with pytest.raises(NeighbourError) as caught:
                client.get(PROFILE)
    assert caught.value.reason in REASONS[fault]


def test_an_answer_that_trickles_ends_at_the_limit() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock(), 0.6) as client:
        client.sign_in()
        gmail.trickles = True
        with pytest.raises(TemporaryError) as caught:
            client.get(PROFILE)
    assert caught.value.reason is Reason.TIMEOUT


def test_an_answer_of_more_than_eight_megabytes_is_not_read() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        long = gmail.add(b"Subject: x\r\n\r\n" + b"x" * MAX_MAIL_ANSWER_BYTES)
        with pytest.raises(PermanentError) as caught:
            client.get(f"{ROOT}messages/{long}", [("format", "full")])
        assert caught.value.reason is Reason.TOO_LARGE
        assert client.get(PROFILE), "the next request works"


def test_what_is_no_object_is_a_bad_answer() -> None:
    class Odd(Gmail):
        def answer(self, method: str, path: str, body: str) -> tuple[int, object]:
            return (200, ["x"]) if path.endswith("profile") else super().answer(method, path, body)

    with Odd() as gmail:
        assert _reason(gmail) is Reason.BAD_ANSWER


def test_stop_ends_a_request_that_is_under_way() -> None:
    with Gmail() as gmail, GmailClient(credentials_of(gmail), Clock()) as client:
        client.sign_in()
        gmail.trickles = True
        ended: list[BaseException] = []

        def ask() -> None:
            try:
                client.get(PROFILE)
            except BaseException as error:  # noqa: BLE001  it is looked at below
                ended.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert until(lambda: bool(gmail.called))
        client.stop()
        thread.join(5)
    assert isinstance(ended[0], StoppedError)


def test_stop_ends_a_pause() -> None:
    """The pause is a real one here: without the stop, the test would take a minute."""
    pace = Pace()
    with Gmail() as gmail, GmailClient(credentials_of(gmail), pace) as client:
        gmail.faults = [Fault("rateLimitExceeded", times=9, headers={"Retry-After": "60"})]

        def stop() -> None:
            assert until(lambda: bool(gmail.called))
            client.stop()

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(StoppedError):
            client.get(PROFILE)
        thread.join(5)
        with pytest.raises(StoppedError):
            client.get(PROFILE)


def test_a_client_that_is_not_patient_has_one_limit_for_everything() -> None:
    clock = Clock()
    with Gmail() as gmail, GmailClient(credentials_of(gmail), clock, 20, is_patient=False) as client:
        gmail.faults = [Fault("rateLimitExceeded")]
        with pytest.raises(TemporaryError):
            client.get(PROFILE)
        assert clock.waited == []
        assert client.get(PROFILE)
