"""repaircafe.environment.values: which values are accepted, and which are refused."""

from pathlib import Path

import pytest

from tests.environment.loading import GOOD, faults, load


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:p@h/d",
        "postgres://u:p@h/d",
        "sqlite:///x.db",
        "postgresql://h",
        "postgresql:///d",
        "postgresql://h:x/d",
        "postgresql://pi:pi@h/d",
        "postgresql://pi@h/d?password=pi",
        "postgresql://u:half%of-it@h/d",
        "postgresql://u:a pass word@h/d",
        "postgresql://u:password@h/d?nonsense=1",
        "x",
    ],
)
def test_a_database_url_must_be_a_complete_postgresql_url(tmp_path: Path, url: str) -> None:
    assert "DATABASE_URL" in faults(tmp_path, DATABASE_URL=url)


@pytest.mark.parametrize("hosts", ["h", "h:5433", "[::1]:5433", "h1,h2", "h1:5432,h2:5433"])
def test_each_of_several_hosts_may_have_a_port(tmp_path: Path, hosts: str) -> None:
    """The manual of libpq, 'Connection URIs'."""
    url = f"postgresql://u:password@{hosts}/d?target_session_attrs=read-write"
    found = load(tmp_path, DATABASE_URL=url).database_url
    assert found is not None
    assert found.get_secret_value() == url


def test_the_password_is_inserted_and_escaped_for_a_url(tmp_path: Path) -> None:
    found = load(tmp_path, **GOOD).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://cafe:p%40ss%2Fw%C3%B6rd%3A%2541@127.0.0.1:5432/cafe"


def test_the_password_is_inserted_from_the_process_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    found = load(tmp_path).database_url
    assert found is not None
    assert "p%40ss%2Fw%C3%B6rd%3A%2541@" in found.get_secret_value()


def test_a_url_that_uses_a_password_that_is_not_set_is_a_fault(tmp_path: Path) -> None:
    assert "DATABASE_URL" in faults(tmp_path, DATABASE_URL="postgresql://u:${POSTGRES_PASSWORD}@h/d")


def test_the_password_of_the_process_overrides_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "from-the-process")
    found = load(
        tmp_path, POSTGRES_PASSWORD="from-the-file", DATABASE_URL="postgresql://u:${POSTGRES_PASSWORD}@h/d"
    ).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://u:from-the-process@h/d"


@pytest.mark.parametrize("url", ["postgresql://u:m%40rker-secret@h/d", "postgresql://u@h/d?password=m%40rker-secret"])
def test_the_unescaped_password_of_the_url_is_a_secret(tmp_path: Path, url: str) -> None:
    assert "m@rker-secret" in load(tmp_path, DATABASE_URL=url).secret_values()


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.168.1.5", False),
        ("cafe", False),
    ],
)
def test_without_a_password_host_must_be_loopback(tmp_path: Path, host: str, good: bool) -> None:
    if good:
        assert load(tmp_path, HOST=host).host == host
    else:
        problem = faults(tmp_path, HOST=host)["HOST"]
        assert host == "cafe" or ("OPERATOR_PASSWORD" in problem and "SETUP_CODE" in problem)


def test_with_a_password_host_may_be_any_address(tmp_path: Path) -> None:
    assert load(tmp_path, HOST="0.0.0.0", OPERATOR_PASSWORD="twelve chars").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("uri", "good"), [("https://x.example/t", True), ("http://127.0.0.1:9/t", True), ("http://x.example/t", False)]
)
@pytest.mark.parametrize("name", ["GMAIL_TOKEN_URI", "GMAIL_API_URI"])
def test_a_token_is_only_sent_encrypted_or_to_this_machine(tmp_path: Path, name: str, uri: str, good: bool) -> None:
    if good:
        assert getattr(load(tmp_path, **{name: uri}), name.lower()) == uri
    else:
        assert name in faults(tmp_path, **{name: uri})


@pytest.mark.parametrize("origin", ["*", "cafe.example", "https://*.example", "https://cafe.example/path", "ftp://x"])
def test_an_origin_is_one_site(tmp_path: Path, origin: str) -> None:
    assert "ALLOWED_ORIGINS" in faults(tmp_path, ALLOWED_ORIGINS=f"https://good.example, {origin}")


def test_the_backup_folder_must_be_an_absolute_path(tmp_path: Path) -> None:
    """The service and the command run in different folders."""
    assert list(faults(tmp_path, BACKUP_FOLDER="backups")) == ["BACKUP_FOLDER"]
    assert load(tmp_path, BACKUP_FOLDER="/srv/backups").backup_folder == "/srv/backups"
