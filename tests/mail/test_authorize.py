"""`flask mail-authorize`: a browser's address becomes a line for `.env`, and every wrong paste is explained."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from repaircafe.mail.authorize import AUTHORIZE_URI, REDIRECT_URI, Authorization, Client, PasteError
from repaircafe.mail.google_cli import MAX_PASTES_COUNT
from repaircafe.neighbours.report import NeighbourError, Reason
from tests.conftest import MakeApp
from tests.fakes.gmail import DRAFT, READ, Gmail
from tests.fakes.misbehaving import FAULTS, REASONS, Misbehaving
from tests.fakes.scripted import GMAIL, Google

NEW = "1//a-new-token-of-google"


@pytest.fixture
def gmail() -> Iterator[Gmail]:
    """An account that gives a new token."""
    with Gmail() as gmail:
        gmail.refresh_token = NEW
        yield gmail


def begun(gmail: Gmail) -> Authorization:
    """An attempt to make a token for this account."""
    return Authorization(Client(GMAIL["gmail_client_id"], GMAIL["gmail_client_secret"], gmail.token_uri))


def test_the_address_asks_for_what_we_need_and_for_no_more(gmail: Gmail) -> None:
    one, two = (begun(gmail).address() for _ in range(2))
    asked, other = (dict(parse_qsl(urlsplit(address).query)) for address in (one, two))
    assert one.startswith(f"{AUTHORIZE_URI}?")
    assert asked["scope"].split() == [READ, DRAFT]
    assert (asked["redirect_uri"], asked["client_id"]) == (REDIRECT_URI, GMAIL["gmail_client_id"])
    assert (asked["code_challenge_method"], asked["access_type"], asked["prompt"]) == ("S256", "offline", "consent")
    assert re.fullmatch("[A-Za-z0-9_-]{43}", asked["code_challenge"])
    assert all(asked[name] != other[name] for name in ("state", "code_challenge")), "each attempt has its own"
    assert GMAIL["gmail_client_secret"] not in one


def test_a_pasted_address_becomes_a_token(gmail: Gmail) -> None:
    attempt = begun(gmail)
    address = gmail.consent(attempt.address())
    token = attempt.token(attempt.code(f"  {address[:40]}\n{address[40:]} \r\n"))  # a terminal broke it
    assert (token.refresh_token, token.lasts) == (NEW, None)
    assert token.grant.may_draft
    sent = parse_qs(gmail.asked[-1][2])
    assert 43 <= len(sent["code_verifier"][0]) <= 128
    assert NEW not in repr(token)
    assert GMAIL["gmail_client_secret"] not in repr(attempt._client)


PASTES: dict[str, tuple[Callable[[Gmail, Authorization], str], str]] = {
    "nothing": (lambda _gmail, _attempt: " ", "There is no code in it"),
    "another page": (lambda _gmail, _attempt: "https://myaccount.google.com/?code_=x", "There is no code in it"),
    "a broken address": (lambda _gmail, _attempt: "http://[::1", "There is no code in it"),
    "without the code": (lambda _gmail, _attempt: f"{REDIRECT_URI}?state=x", "There is no code in it"),
    "only the code": (lambda _gmail, _attempt: "4/0AX4XfWh-abc_def", "only the code"),
    "only a code of another form": (lambda _gmail, _attempt: "AX4XfWhabcdef", "only the code"),
    "the first address": (lambda _gmail, attempt: attempt.address(), "the address to open"),
    "Google's page in between": (
        lambda _gmail, _attempt: "https://accounts.google.com/signin/oauth/consent?as=S1&part=x",
        "the address to open",
    ),
    "another attempt": (lambda gmail, _attempt: gmail.consent(begun(gmail).address()), "another attempt"),
    "no state": (lambda _gmail, _attempt: f"{REDIRECT_URI}?code=4/0A", "another attempt"),
    "Cancel": (lambda gmail, attempt: gmail.consent(attempt.address(), error="access_denied"), "pressed Cancel"),
    "another error": (
        lambda gmail, attempt: gmail.consent(attempt.address(), error="<x>invalid_scope"),
        "(xinvalid_scope)",
    ),
    "no box ticked": (lambda gmail, attempt: gmail.consent(attempt.address(), scopes=""), "was not ticked"),
    "only the box for drafts": (
        lambda gmail, attempt: gmail.consent(attempt.address(), scopes=DRAFT),
        "was not ticked",
    ),
    "a code that Google does not know": (
        lambda gmail, attempt: re.sub("code=[^&]*", "code=4/0Aold", gmail.consent(attempt.address())),
        "no longer accepts this code",
    ),
}


@pytest.mark.parametrize("paste", PASTES)
def test_every_wrong_paste_is_explained(gmail: Gmail, paste: str) -> None:
    attempt = begun(gmail)
    make, said = PASTES[paste]
    with pytest.raises(PasteError) as caught:
        attempt.token(attempt.code(make(gmail, attempt)))
    assert said in str(caught.value)
    assert attempt.token(attempt.code(gmail.consent(attempt.address()))).refresh_token == NEW, "the next one works"


def test_a_code_works_once(gmail: Gmail) -> None:
    attempt = begun(gmail)
    code = attempt.code(gmail.consent(attempt.address()))
    attempt.token(code)
    with pytest.raises(PasteError, match="used before"):
        attempt.token(code)


def test_the_code_of_another_attempt_is_useless_without_its_verifier(gmail: Gmail) -> None:
    stolen = dict(parse_qsl(urlsplit(gmail.consent(begun(gmail).address())).query))["code"]
    with pytest.raises(PasteError):
        begun(gmail).token(stolen)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [("invalid_client", 401, Reason.AUTH_REFUSED), ("nonsense", 400, Reason.BAD_ANSWER), ("x", 503, Reason.HTTP_ERROR)],
)
def test_what_another_paste_cannot_mend_has_its_reason(gmail: Gmail, error: str, status: int, reason: Reason) -> None:
    gmail.error, gmail.error_status = error, status
    with pytest.raises(NeighbourError) as caught:
        begun(gmail).token("4/0A")
    assert caught.value.reason is reason


def test_a_client_for_a_web_page_is_told(gmail: Gmail) -> None:
    gmail.error = "redirect_uri_mismatch"
    with pytest.raises(PasteError, match="Desktop app"):
        begun(gmail).token("4/0A")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"access_token": "ya29", "scope": READ}, "no refresh token"),
        ({"access_token": "ya29", "scope": READ, "refresh_token": ""}, "no refresh token"),
        ({"scope": READ, "refresh_token": NEW}, "bad_answer"),
        (["x"], "bad_answer"),
    ],
)
def test_an_answer_without_a_token_is_told(answer: object, said: str) -> None:
    class Odd(Google):
        def answer(self, method: str, path: str, body: str) -> tuple[int, object]:
            assert (method, path, "code=4" in body) == ("POST", "/token", True)
            return 200, answer

    with Odd() as google, pytest.raises((PasteError, NeighbourError), match=said):
        Authorization(Client("id", "secret", google.token_uri)).token("4/0A")


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_network_has_its_reason(fault: str) -> None:
    with Misbehaving(fault) as neighbour, pytest.raises(NeighbourError) as caught:
        Authorization(Client("id", "secret", neighbour.url)).token("4/0A", 0.6)
    assert caught.value.reason in REASONS[fault]


def test_a_token_of_a_consent_screen_in_testing_names_its_end(gmail: Gmail) -> None:
    gmail.is_testing = True
    attempt = begun(gmail)
    assert attempt.token(attempt.code(gmail.consent(attempt.address()))).lasts == timedelta(seconds=604_799)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt has the same secrets, so that a test knows the address before the command prints it."""
    monkeypatch.setattr("repaircafe.mail.authorize.secrets.token_urlsafe", lambda count: "s" * count)


@pytest.mark.usefixtures("held")
def test_the_command_prints_the_line_for_env_and_nothing_else_on_stdout(make_app: MakeApp, gmail: Gmail) -> None:
    runner = make_app(**gmail.variables).test_cli_runner()
    address = begun(gmail).address()
    wrong = f"{REDIRECT_URI}?{urlencode({'error': 'access_denied', 'state': 'x'})}"
    done = runner.invoke(args=["mail-authorize"], input=f"4/0Aonly\n{wrong}\n{gmail.consent(address)}\n")
    assert done.exit_code == 0
    assert done.stdout == f"GMAIL_REFRESH_TOKEN={NEW}\n"
    assert address in done.stderr
    assert [said in done.stderr for said in ("only the code", "pressed Cancel", "reload repaircafe")] == [True] * 3
    assert [said in done.stderr for said in ("“Testing”", "not ticked", NEW)] == [False] * 3


@pytest.mark.usefixtures("held")
def test_without_a_client_in_env_the_command_asks_for_it_and_prints_three_lines(
    make_app: MakeApp, gmail: Gmail, caplog: pytest.LogCaptureFixture
) -> None:
    gmail.is_testing = True
    runner = make_app(gmail_token_uri=gmail.token_uri, log_level="DEBUG").test_cli_runner()
    pasted = gmail.consent(begun(gmail).address(), scopes=READ)
    typed = f"{GMAIL['gmail_client_id']}\n{GMAIL['gmail_client_secret']}\n{pasted}\n"
    done = runner.invoke(args=["mail-authorize"], input=typed)
    assert done.exit_code == 0
    expected = {**GMAIL, "gmail_refresh_token": NEW}
    assert done.stdout == "".join(f"{name.upper()}={value}\n" for name, value in expected.items())
    assert "ends after 6 days" in done.stderr
    assert "mail can only be read" in done.stderr
    assert not [one for one in (NEW, "4/0A", GMAIL["gmail_client_secret"], "ya29") if one in caplog.text]


def test_the_command_ends_after_five_wrong_pastes(make_app: MakeApp, gmail: Gmail) -> None:
    runner = make_app(**gmail.variables).test_cli_runner()
    done = runner.invoke(args=["mail-authorize"], input="x\n" * (MAX_PASTES_COUNT + 3))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("only the code") == MAX_PASTES_COUNT
    assert "No token was made" in done.stderr


@pytest.mark.usefixtures("held")
def test_a_client_that_google_refuses_ends_the_command_with_the_cure(make_app: MakeApp, gmail: Gmail) -> None:
    gmail.error, gmail.error_status = "invalid_client", 401
    runner = make_app(**gmail.variables).test_cli_runner()
    done = runner.invoke(args=["mail-authorize"], input=gmail.consent(begun(gmail).address()) + "\n")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "[auth_refused]" in done.stderr
    assert "GMAIL_CLIENT_ID" in done.stderr


def test_the_command_can_be_left(make_app: MakeApp, gmail: Gmail) -> None:
    done = make_app(**gmail.variables).test_cli_runner().invoke(args=["mail-authorize"], input="")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
