"""repaircafe.environment.mailbox: one mailbox of one kind, complete, and never without encryption."""

from pathlib import Path

import pytest

from repaircafe.environment import ImapSecurity
from repaircafe.mail.imap_account import MICROSOFT, ImapAccount
from tests.environment.loading import faults, load

IMAP = {"IMAP_HOST": "imap.example.org", "IMAP_USER": "info@cafe.example", "IMAP_PASSWORD": "geheim-geheim"}
GMAIL = dict.fromkeys(("GMAIL_CLIENT_ID", "GMAIL_CLIENT_SECRET", "GMAIL_REFRESH_TOKEN"), "a-gmail-value")


def test_an_imap_mailbox_needs_three_values(tmp_path: Path) -> None:
    environment = load(tmp_path, **IMAP)
    account = ImapAccount.of(environment)
    assert account is not None
    assert (account.host, account.port, account.security) == ("imap.example.org", 993, ImapSecurity.TLS)
    assert environment.mail_retention_days == 30
    assert ImapAccount.of(load(tmp_path)) is None


@pytest.mark.parametrize("given", [IMAP.keys() - {missing} for missing in IMAP] + [{name} for name in IMAP])
def test_imap_is_all_or_none(tmp_path: Path, given: set[str]) -> None:
    found = faults(tmp_path, **{name: IMAP[name] for name in given})
    assert all(name in found["IMAP_PASSWORD"] for name in IMAP.keys() - given)


@pytest.mark.parametrize("of_imap", [IMAP, {"IMAP_HOST": "imap.example.org"}, {"IMAP_PASSWORD": "geheim-geheim"}])
@pytest.mark.parametrize("of_gmail", [GMAIL, {"GMAIL_CLIENT_ID": "a-gmail-value"}])
def test_two_kinds_of_mailbox_are_a_fault(tmp_path: Path, of_imap: dict[str, str], of_gmail: dict[str, str]) -> None:
    found = faults(tmp_path, **of_imap, **of_gmail)
    assert "IMAP_PASSWORD" in found
    assert "geheim" not in str(found)
    assert "GMAIL" in faults(tmp_path, **IMAP, **GMAIL)["IMAP_PASSWORD"]


@pytest.mark.parametrize("security", ["plain", "none", "ssl", "false", "starttls-if-available"])
def test_there_is_no_way_to_ask_for_no_encryption(tmp_path: Path, security: str) -> None:
    assert "IMAP_SECURITY" in faults(tmp_path, **IMAP, IMAP_SECURITY=security)
    assert load(tmp_path, **IMAP, IMAP_SECURITY="STARTTLS").imap_security is ImapSecurity.STARTTLS


@pytest.mark.parametrize(
    "host", ["imaps://imap.example.org", "imap.example.org:993", "imap.example.org/", "me@imap.example.org", "a b"]
)
def test_a_host_is_a_name_and_no_more(tmp_path: Path, host: str) -> None:
    assert "IMAP_HOST" in faults(tmp_path, **{**IMAP, "IMAP_HOST": host})


def test_an_ip_address_is_a_host(tmp_path: Path) -> None:
    for host in ("192.168.1.5", "fd00::5"):
        assert load(tmp_path, **{**IMAP, "IMAP_HOST": host}).imap_host == host


def test_the_file_of_a_certificate_has_an_absolute_path(tmp_path: Path) -> None:
    assert "IMAP_CA_FILE" in faults(tmp_path, **IMAP, IMAP_CA_FILE="cert.pem")


def test_the_password_is_a_secret_and_in_no_repr(tmp_path: Path) -> None:
    environment = load(tmp_path, **IMAP)
    account = ImapAccount.of(environment)
    assert "geheim-geheim" in environment.secret_values()
    assert "geheim" not in repr(environment) + repr(account)


def test_the_digest_tells_accounts_apart_and_contains_no_password(tmp_path: Path) -> None:
    def digest(**values: str) -> str:
        account = ImapAccount.of(load(tmp_path, **{**IMAP, **values}))
        assert account is not None
        return account.digest

    assert len({digest(), digest(IMAP_USER="a@b.example"), digest(IMAP_HOST="b.example"), digest(IMAP_PORT="143")}) == 4
    assert digest() == digest(IMAP_PASSWORD="another-password"), "a digest of a password can be guessed"


@pytest.mark.parametrize("host", [*MICROSOFT, "Outlook.Office365.com."])
def test_microsofts_servers_are_recognised(tmp_path: Path, host: str) -> None:
    account = ImapAccount.of(load(tmp_path, **{**IMAP, "IMAP_HOST": host}))
    assert account is not None
    assert account.is_microsoft
