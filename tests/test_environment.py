"""repaircafe.environment: refused as a whole, with name, fault and cure, and never with a secret."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from annotated_types import Ge, Le
from pydantic import SecretStr, ValidationError

from repaircafe.environment import EX_CONFIG, PROJECT, Environment, EnvironmentFaultsError, Stage

GOOD = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 32,
    "POSTGRES_PASSWORD": "p@ss/wörd:%41",
    "DATABASE_URL": "postgresql://cafe:${POSTGRES_PASSWORD}@127.0.0.1:5432/cafe",
    "OPERATOR_PASSWORD": "twelve chars",
}
EXAMPLE = PROJECT / ".env.example"


def load(tmp_path: Path, **values: str) -> Environment:
    """Loads a .env with these lines."""
    path = tmp_path / ".env"
    path.write_text("".join(f'{name}="{value}"\n' for name, value in values.items()))
    return Environment.load(path)


def faults(tmp_path: Path, **values: str) -> dict[str, str]:
    """The faults of a .env by name."""
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, **values)
    return {fault.name: fault.problem for fault in caught.value.faults}


def bounds(name: str) -> tuple[int, int]:
    """The range of a whole number."""
    rules = Environment.model_fields[name].metadata
    lowest, highest = next(r.ge for r in rules if isinstance(r, Ge)), next(r.le for r in rules if isinstance(r, Le))
    assert isinstance(lowest, int)
    assert isinstance(highest, int)
    return lowest, highest


NUMBERS = [name for name, field in Environment.model_fields.items() if field.annotation is int]


def test_nothing_set_is_a_valid_development_environment(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.environment, found.host, found.port) == (Stage.DEVELOPMENT, "127.0.0.1", 8000)


def test_a_good_production_environment_loads(tmp_path: Path) -> None:
    assert load(tmp_path, **GOOD).environment is Stage.PRODUCTION


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ENVIRONMENT="production",
        SECRET_KEY="short",
        DATABASE_URL="mysql://u:hunter2-x@h/d",
        GMAIL_CLIENT_ID="only-this-one",
        PORT="70000",
        DB_POOL_SIZE="many",
        LOG_LEVEL="LOUD",
        LOG_LEVLE="INFO",
    )
    assert found.keys() == {
        "SECRET_KEY", "DATABASE_URL", "OPERATOR_PASSWORD", "GMAIL_REFRESH_TOKEN", "PORT", "DB_POOL_SIZE", "LOG_LEVEL",
        "LOG_LEVLE",
    }  # fmt: skip


def test_credentials_are_required_in_production(tmp_path: Path) -> None:
    found = faults(tmp_path, ENVIRONMENT="production")
    assert found == dict.fromkeys(
        ("SECRET_KEY", "DATABASE_URL", "OPERATOR_PASSWORD"), "is not set, and production needs it"
    )


def test_staging_is_refused_with_what_may_stand_there(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, **{**GOOD, "ENVIRONMENT": "staging"})
    (fault,) = caught.value.faults
    assert (fault.name, fault.expected) == ("ENVIRONMENT", "development or production")


def test_a_new_secret_is_one_by_its_type_alone() -> None:
    class Later(Environment):
        mail_password: SecretStr | None = None

    assert "a-new-secret" in Later(mail_password=SecretStr("a-new-secret")).secret_values()
    with pytest.raises(ValidationError, match="is too short"):
        Later(mail_password=SecretStr("short"))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_at_both_ends_of_its_range_and_refused_past_them(tmp_path: Path, name: str) -> None:
    lowest, highest = bounds(name)
    for good in (lowest, highest):
        assert getattr(load(tmp_path, **{name.upper(): str(good)}), name) == good
    for bad in (lowest - 1, highest + 1):
        assert name.upper() in faults(tmp_path, **{name.upper(): str(bad)})


@pytest.mark.parametrize("name", NUMBERS)
def test_the_range_is_in_the_expected_form(name: str) -> None:
    lowest, highest = bounds(name)
    assert f"from {lowest} to {highest}" in (Environment.model_fields[name].description or "")


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
def test_only_a_whole_postgresql_url_is_taken(tmp_path: Path, url: str) -> None:
    assert "DATABASE_URL" in faults(tmp_path, DATABASE_URL=url)


@pytest.mark.parametrize("hosts", ["h", "h:5433", "[::1]:5433", "h1,h2", "h1:5432,h2:5433"])
def test_each_of_several_hosts_may_have_a_port(tmp_path: Path, hosts: str) -> None:
    """The manual of libpq, 'Connection URIs'."""
    url = f"postgresql://u:password@{hosts}/d?target_session_attrs=read-write"
    found = load(tmp_path, DATABASE_URL=url).database_url
    assert found is not None
    assert found.get_secret_value() == url


def test_the_password_is_filled_in_and_made_safe_for_a_url(tmp_path: Path) -> None:
    found = load(tmp_path, **GOOD).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://cafe:p%40ss%2Fw%C3%B6rd%3A%2541@127.0.0.1:5432/cafe"


def test_the_password_is_filled_in_from_the_process_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    found = load(tmp_path).database_url
    assert found is not None
    assert "p%40ss%2Fw%C3%B6rd%3A%2541@" in found.get_secret_value()


@pytest.mark.parametrize("given", [("ID",), ("ID", "SECRET"), ("REFRESH",), ("SECRET", "REFRESH")])
def test_gmail_is_all_or_none(tmp_path: Path, given: tuple[str, ...]) -> None:
    names = {"ID": "GMAIL_CLIENT_ID", "SECRET": "GMAIL_CLIENT_SECRET", "REFRESH": "GMAIL_REFRESH_TOKEN"}
    found = faults(tmp_path, **{names[part]: "a-gmail-value" for part in given})
    missing = [name for part, name in names.items() if part not in given]
    assert all(name in found["GMAIL_REFRESH_TOKEN"] for name in missing)


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
def test_other_machines_are_let_in_only_with_a_password(tmp_path: Path, host: str, good: bool) -> None:
    if good:
        assert load(tmp_path, HOST=host).host == host
    else:
        assert "HOST" in faults(tmp_path, HOST=host)


def test_with_a_password_other_machines_are_let_in(tmp_path: Path) -> None:
    assert load(tmp_path, HOST="0.0.0.0", OPERATOR_PASSWORD="twelve chars").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("uri", "good"), [("https://x.example/t", True), ("http://127.0.0.1:9/t", True), ("http://x.example/t", False)]
)
def test_the_refresh_token_goes_nowhere_unprotected(tmp_path: Path, uri: str, good: bool) -> None:
    if good:
        assert load(tmp_path, GMAIL_TOKEN_URI=uri).gmail_token_uri == uri
    else:
        assert "GMAIL_TOKEN_URI" in faults(tmp_path, GMAIL_TOKEN_URI=uri)


@pytest.mark.parametrize("origin", ["*", "cafe.example", "https://*.example", "https://cafe.example/path", "ftp://x"])
def test_an_origin_is_one_site(tmp_path: Path, origin: str) -> None:
    assert "ALLOWED_ORIGINS" in faults(tmp_path, ALLOWED_ORIGINS=f"https://good.example, {origin}")


def test_debugging_is_for_development(tmp_path: Path) -> None:
    assert load(tmp_path, DEBUG="true").debug
    assert "DEBUG" in faults(tmp_path, **GOOD, DEBUG="true")


def test_a_misspelt_name_is_told_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, DATABSE_URL="postgresql://x")
    assert caught.value.faults[0].expected == "DATABASE_URL, perhaps"


def test_a_name_of_somebody_else_is_let_be(tmp_path: Path) -> None:
    assert load(tmp_path, OLLAMA_KEEP_ALIVE="30m", TZ="Europe/Amsterdam").port == 8000


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, SECRET_KEY="", PORT="").port == 8000


def test_the_process_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert load(tmp_path, PORT="9001").port == 9000


def test_no_secret_is_in_the_message(tmp_path: Path) -> None:
    marker = "MARKER"
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(
            tmp_path,
            ENVIRONMENT="production",
            SECRET_KEY=marker,
            POSTGRES_PASSWORD=marker,
            OPERATOR_PASSWORD=marker,
            DATABASE_URL=f"mysql://u:{marker}@h/d",
            GMAIL_CLIENT_ID=marker,
            GMAIL_CLIENT_SECRET=marker,
        )
    assert len(caught.value.faults) >= 6
    assert marker not in caught.value.message()


def test_every_fault_has_the_form_that_is_expected(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, PORT="x", LOG_FORMAT="xml", HOST="x", ENVIRONMENT="holiday")
    assert all(fault.expected for fault in caught.value.faults)
    assert len(caught.value.faults) == 4


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    """As python-dotenv reads it."""
    (tmp_path / ".env").mkdir()
    assert Environment.load(tmp_path / ".env").port == 8000


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EnvironmentFaultsError) as caught:
        Environment.load(path)
    assert caught.value.faults[0].name == ".env"


@pytest.mark.parametrize("command", [["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"], ["-m", "flask", "health"]])
def test_a_wrong_environment_ends_the_process_with_78_before_anything_listens(command: list[str]) -> None:
    environment = {**os.environ, "ENVIRONMENT": "production", "PORT": "0", "FLASK_APP": "repaircafe.app"}
    done = subprocess.run(
        [sys.executable, *command],
        env=environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EX_CONFIG
    for name in ("SECRET_KEY", "DATABASE_URL", "OPERATOR_PASSWORD", "PORT"):
        assert f"  {name}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Listening" not in done.stderr


def test_the_example_and_the_code_agree() -> None:
    documented = re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Environment.model_fields)


def test_every_variable_of_the_example_is_explained() -> None:
    paragraphs: list[Any] = EXAMPLE.read_text().split("\n\n")
    for paragraph in paragraphs:
        if re.search(r"^(?:# )?[A-Z_]+=", paragraph, re.MULTILINE):
            assert paragraph.startswith("# ")


def test_the_examples_defaults_are_the_codes(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    path = tmp_path / ".env"
    path.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", text, flags=re.MULTILINE).replace("LOG_FORMAT=json", ""))
    assert Environment.load(path) == Environment.load(Path(os.devnull))


def test_a_password_that_is_not_set_is_told_even_where_the_url_is_whole_without_it(tmp_path: Path) -> None:
    assert "DATABASE_URL" in faults(tmp_path, DATABASE_URL="postgresql://u:${POSTGRES_PASSWORD}@h/d")


def test_the_password_of_the_process_wins_in_the_url_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "from-the-process")
    found = load(
        tmp_path, POSTGRES_PASSWORD="from-the-file", DATABASE_URL="postgresql://u:${POSTGRES_PASSWORD}@h/d"
    ).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://u:from-the-process@h/d"


@pytest.mark.parametrize("url", ["postgresql://u:m%40rker-secret@h/d", "postgresql://u@h/d?password=m%40rker-secret"])
def test_the_password_of_the_url_is_a_secret_as_it_is_typed(tmp_path: Path, url: str) -> None:
    assert "m@rker-secret" in load(tmp_path, DATABASE_URL=url).secret_values()


def test_a_file_that_breaks_off_while_it_is_read_is_a_fault() -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        Environment.load(Path("/proc/self/mem"))  # an ordinary file by its kind, and an OSError to whoever reads it
    assert [fault.name for fault in caught.value.faults] == [".env"]


def test_a_folder_for_backups_is_absolute(tmp_path: Path) -> None:
    """The service and the command run in different folders."""
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, BACKUP_FOLDER="backups")
    assert [fault.name for fault in caught.value.faults] == ["BACKUP_FOLDER"]
    assert load(tmp_path, BACKUP_FOLDER="/srv/backups").backup_folder == "/srv/backups"


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Makes the app in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from repaircafe.app import create_app; create_app(); print('made')"],
        env={**os.environ, **variables},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_making_the_app_ends_with_78_and_every_fault_of_the_file_that_env_file_names(tmp_path: Path) -> None:
    path = tmp_path / "other.env"
    path.write_text("PORT=0\nHOST=0.0.0.0\nGMAIL_CLIENT_ID=short\nDATABSE_URL=x\n")
    done = start(ENV_FILE=str(path))
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert re.findall(r"^  ([A-Z_]+): ", done.stderr, re.MULTILINE) == [
        "DATABSE_URL",
        "GMAIL_CLIENT_ID",
        "HOST",
        "PORT",
    ]


def test_a_named_file_that_is_not_there_is_no_trial(tmp_path: Path) -> None:
    done = start(ENV_FILE=str(tmp_path / "moved.env"))
    assert (done.returncode, done.stdout) == (EX_CONFIG, "")
    assert "ENV_FILE: names a file that is not there" in done.stderr


def test_a_secret_that_is_not_utf_8_ends_with_78_and_no_traceback() -> None:
    done = start(OPERATOR_PASSWORD=os.fsdecode(b"\xff" * 12))
    assert done.returncode == EX_CONFIG
    assert "OPERATOR_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", NUMBERS)
def test_the_example_tells_the_range_of_each_number(name: str) -> None:
    lowest, highest = bounds(name)
    (paragraph,) = [part for part in EXAMPLE.read_text().split("\n\n") if f"# {name.upper()}=" in part]
    assert f"from {lowest} to {highest}" in paragraph


def test_the_example_leaves_open_what_is_required_and_nothing_else() -> None:
    lines = re.findall(r"^[A-Z_]+=.*$", EXAMPLE.read_text(), re.MULTILINE)
    assert lines == [
        "ENVIRONMENT=development", "SECRET_KEY=", "POSTGRES_PASSWORD=", "DATABASE_URL=", "OPERATOR_PASSWORD="
    ]  # fmt: skip
