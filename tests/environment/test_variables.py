"""repaircafe.environment.variables: required variables, ranges, and where a value comes from."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from repaircafe.environment import Environment, EnvironmentFaultsError, Stage
from tests.environment.loading import GOOD, NUMBERS, bounds, faults, load


def test_nothing_set_is_a_valid_development_environment(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.environment, found.host, found.port) == (Stage.DEVELOPMENT, "127.0.0.1", 8000)


def test_a_good_production_environment_loads(tmp_path: Path) -> None:
    assert load(tmp_path, **GOOD).environment is Stage.PRODUCTION


def test_credentials_are_required_in_production(tmp_path: Path) -> None:
    found = faults(tmp_path, ENVIRONMENT="production")
    needed = dict.fromkeys(("SECRET_KEY", "DATABASE_URL"), "is not set, and production needs it")
    assert found == {**needed, "OPERATOR_PASSWORD": found["OPERATOR_PASSWORD"]}
    assert "SETUP_CODE" in found["OPERATOR_PASSWORD"]


def test_a_code_is_enough_in_production_and_for_an_open_host(tmp_path: Path) -> None:
    values = {name: value for name, value in GOOD.items() if name != "OPERATOR_PASSWORD"}
    found = load(tmp_path, **values, SETUP_CODE="twelve chars", HOST="0.0.0.0")
    assert (found.is_guarded, found.operator_password) == (True, None)
    assert "twelve chars" in found.secret_values()
    assert "SETUP_CODE" in faults(tmp_path, **values, SETUP_CODE="eleven char")


def test_staging_is_refused_with_the_valid_values(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, **{**GOOD, "ENVIRONMENT": "staging"})
    (fault,) = caught.value.faults
    assert (fault.name, fault.expected) == ("ENVIRONMENT", "development or production")


def test_a_new_variable_of_type_secret_str_is_treated_as_a_secret() -> None:
    class Later(Environment):
        mail_password: SecretStr | None = None

    assert "a-new-secret" in Later(mail_password=SecretStr("a-new-secret")).secret_values()
    with pytest.raises(ValidationError, match="is too short"):
        Later(mail_password=SecretStr("short"))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_accepted_up_to_both_ends_of_its_range(tmp_path: Path, name: str) -> None:
    lowest, highest = bounds(name)
    for good in (lowest, highest):
        assert getattr(load(tmp_path, **{name.upper(): str(good)}), name) == good
    for bad in (lowest - 1, highest + 1):
        assert name.upper() in faults(tmp_path, **{name.upper(): str(bad)})


@pytest.mark.parametrize("given", [("ID",), ("ID", "SECRET"), ("REFRESH",), ("SECRET", "REFRESH")])
def test_gmail_is_all_or_none(tmp_path: Path, given: tuple[str, ...]) -> None:
    names = {"ID": "GMAIL_CLIENT_ID", "SECRET": "GMAIL_CLIENT_SECRET", "REFRESH": "GMAIL_REFRESH_TOKEN"}
    found = faults(tmp_path, **{names[part]: "a-gmail-value" for part in given})
    missing = [name for part, name in names.items() if part not in given]
    assert all(name in found["GMAIL_REFRESH_TOKEN"] for name in missing)


def test_debug_is_only_allowed_in_development(tmp_path: Path) -> None:
    assert load(tmp_path, DEBUG="true").debug
    assert "DEBUG" in faults(tmp_path, **GOOD, DEBUG="true")


def test_a_misspelt_name_is_reported_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        load(tmp_path, DATABSE_URL="postgresql://x")
    assert caught.value.faults[0].expected == "DATABASE_URL, perhaps"


def test_a_variable_of_another_program_is_ignored(tmp_path: Path) -> None:
    assert load(tmp_path, OLLAMA_KEEP_ALIVE="30m", TZ="Europe/Amsterdam").port == 8000


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, SECRET_KEY="", PORT="").port == 8000


def test_the_process_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert load(tmp_path, PORT="9001").port == 9000


def test_a_folder_named_dot_env_is_ignored(tmp_path: Path) -> None:
    """python-dotenv ignores it, too."""
    (tmp_path / ".env").mkdir()
    assert Environment.load(tmp_path / ".env").port == 8000


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EnvironmentFaultsError) as caught:
        Environment.load(path)
    assert caught.value.faults[0].name == ".env"


def test_an_error_while_reading_the_file_is_a_fault() -> None:
    with pytest.raises(EnvironmentFaultsError) as caught:
        Environment.load(Path("/proc/self/mem"))  # a regular file, but reading it raises OSError
    assert [fault.name for fault in caught.value.faults] == [".env"]
