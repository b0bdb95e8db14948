"""All variables of `.env`, and how the app reads them."""

import difflib
import os
import secrets
import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from repaircafe.characters import clean_text
from repaircafe.environment.faults import EX_CONFIG, EnvironmentFaultsError, Fault
from repaircafe.environment.mailbox import MailboxVariables
from repaircafe.environment.values import (
    absolute_path,
    bearer_token,
    capitals,
    check_database_url,
    check_hash,
    comma_list,
    ip_address,
    is_loopback,
    origins,
    passwords_of,
    with_password,
)
from repaircafe.limits import MIN_KEY_CHARS, MIN_OPERATOR_PASSWORD_CHARS, MIN_SECRET_CHARS

PROJECT = Path(__file__).resolve().parent.parent.parent
READ_BY_OTHERS = ("postgres_password", "database_url")
"""Docker Compose reads this password too, as it stands in `.env`; so we do not drop what nobody sees of it."""

MIN_CHARS = {
    "secret_key": MIN_KEY_CHARS,
    "operator_password": MIN_OPERATOR_PASSWORD_CHARS,
    "setup_code": MIN_OPERATOR_PASSWORD_CHARS,
}


WAYS_IN = ("operator_password", "setup_code")
"""Where both are missing, this machine itself is the organiser."""


class Stage(StrEnum):
    """How the app runs. Only development works without credentials."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """JSON for the journal, console for a person at a terminal."""

    JSON = "json"
    CONSOLE = "console"


class _PlainDotEnv(DotEnvSettingsSource):
    """`.env` without python-dotenv's substitution: a `$` stays a `$`, and with_password() inserts the password."""

    @staticmethod
    def _static_read_env_file(file_path: Path, **_: Any) -> dict[str, str | None]:
        found = dotenv_values(file_path, interpolate=False)
        return {name.lower(): value for name, value in found.items() if value}


class Variables(MailboxVariables):
    """Every variable that the app knows. A field's description says which form its value must have."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    environment: Stage = Field(default=Stage.DEVELOPMENT, description="development or production")
    secret_key: SecretStr | None = Field(
        default=None, description="32 characters or more, for instance from: openssl rand -hex 32"
    )
    postgres_password: SecretStr | None = Field(
        default=None, description="8 characters or more; the password of the PostgreSQL in deploy/postgres-compose.yml"
    )
    database_url: SecretStr | None = Field(
        default=None, description="postgresql://USER:${POSTGRES_PASSWORD}@HOST:5432/DATABASE"
    )
    setup_code: SecretStr | None = Field(
        default=None, description="12 characters or more; the way in until a password is chosen in a page"
    )
    operator_password: SecretStr | None = Field(
        default=None, description="12 characters or more, or a werkzeug hash (scrypt:… or pbkdf2:…)"
    )
    llm_api_key: Annotated[SecretStr | None, AfterValidator(bearer_token)] = Field(
        default=None, description="8 characters or more, all of them ASCII and without spaces"
    )
    allowed_origins: Annotated[str, AfterValidator(origins)] = Field(
        default="", description="origins such as https://cafe.example, separated by commas"
    )
    trusted_hosts: str = Field(default="", description="host names such as repair.local, separated by commas")
    debug: bool = Field(default=False, description="true or false; true only in development")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(capitals)] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: LogFormat | None = Field(
        default=None, description="json or console; unset: console on a terminal, else json"
    )
    db_pool_size: int = Field(default=5, ge=1, le=50, description="a whole number from 1 to 50")
    db_max_overflow: int = Field(default=10, ge=0, le=50, description="a whole number from 0 to 50")
    db_pool_timeout: int = Field(default=3, ge=1, le=60, description="seconds, a whole number from 1 to 60")
    db_connect_timeout: int = Field(default=2, ge=2, le=30, description="seconds, a whole number from 2 to 30")
    db_startup_timeout: int = Field(default=30, ge=0, le=600, description="seconds, a whole number from 0 to 600")
    trial_model: bool = Field(default=True, description="true or false")
    llm_concurrency: int = Field(default=1, ge=1, le=8, description="a whole number from 1 to 8")
    chat_retention_days: int = Field(default=30, ge=1, le=365, description="days, a whole number from 1 to 365")
    backup_folder: Annotated[str, AfterValidator(absolute_path)] = Field(
        default="", description="an absolute path that the app may write, such as /var/lib/repaircafe/backups"
    )
    host: Annotated[str, AfterValidator(ip_address)] = Field(
        default="127.0.0.1", description="an IP address of this machine; other than loopback needs a password"
    )
    threads: int = Field(default=16, ge=4, le=64, description="a whole number from 4 to 64")
    port: int = Field(default=8000, ge=1, le=65535, description="a whole number from 1 to 65535")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the strongest first: the caller's arguments, the process environment, `.env`."""
        path = dotenv_settings.env_file if isinstance(dotenv_settings, DotEnvSettingsSource) else None
        return init_settings, env_settings, _PlainDotEnv(settings_cls, env_file=path)

    @field_validator("*", mode="before")
    @classmethod
    def _cleaned(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        if value.encode(errors="replace").decode() != value:
            raise ValueError("holds bytes that are not UTF-8")
        return value if info.field_name in READ_BY_OTHERS else clean_text(value).strip()

    @field_validator("*")
    @classmethod
    def _long_enough(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, SecretStr) or info.field_name == "database_url":
            return value
        shortest = MIN_CHARS.get(info.field_name or "", MIN_SECRET_CHARS)
        relaxed = info.field_name == "secret_key" and info.data.get("environment") is Stage.DEVELOPMENT
        if len(value.get_secret_value()) < (MIN_SECRET_CHARS if relaxed else shortest):
            raise ValueError("is too short")
        return value

    @field_validator("operator_password")
    @classmethod
    def _whole_hash(cls, value: SecretStr | None) -> SecretStr | None:
        check_hash(value.get_secret_value() if value else "")
        return value

    @field_validator("operator_password")
    @classmethod
    def _one_way_in(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        stage = info.data.get("environment")
        has_none = value is None and info.data.get("setup_code", ...) is None
        if has_none and stage is not None and stage is not Stage.DEVELOPMENT:
            raise ValueError(f"is not set, and neither is SETUP_CODE; {stage.value} needs one of them")
        return value

    @field_validator("secret_key", "database_url")
    @classmethod
    def _required_outside_development(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        stage = info.data.get("environment")
        if value is None and stage is not None and stage is not Stage.DEVELOPMENT:
            raise ValueError(f"is not set, and {stage.value} needs it")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql_only(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        password = info.data.get("postgres_password")
        text = with_password(value.get_secret_value(), password.get_secret_value() if password else None)
        check_database_url(text)
        return SecretStr(text)

    @field_validator("debug")
    @classmethod
    def _debug_in_development_only(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("environment") is not Stage.DEVELOPMENT:
            raise ValueError("is on outside development")
        return value

    @field_validator("host")
    @classmethod
    def _open_to_others_needs_password(cls, value: str, info: ValidationInfo) -> str:
        if not is_loopback(value) and all(info.data.get(name, ...) is None for name in WAYS_IN):
            raise ValueError(
                f"{value!r} opens the pages to others, and neither OPERATOR_PASSWORD nor SETUP_CODE is set"
            )
        return value


class Environment(Variables):
    """The variables, read and validated, and what follows from them."""

    @classmethod
    def load(cls, env_file: Path | None = None) -> Self:
        """Reads and validates the environment. Without `env_file`, reads the file that ENV_FILE names, else `.env`.

        Raises EnvironmentFaultsError with all faults.
        """
        named = os.environ.get("ENV_FILE", "")
        path = env_file or Path(named or PROJECT / ".env")
        faults: list[Fault] = []
        try:
            if named and not path.exists():  # else the app would start as a trial, without a password
                faults.append(Fault("ENV_FILE", "names a file that is not there", "the path of an .env"))
            faults += _misspelt(path)
            environment = cls(_env_file=path)  # type: ignore[call-arg]  # a pydantic-settings keyword, not a field
        except ValidationError as error:
            faults += [_fault(cls, dict(detail)) for detail in error.errors()]
        except (OSError, UnicodeDecodeError) as error:
            faults.append(
                Fault(".env", f"cannot be read: {type(error).__name__}", "a text file that this user may read")
            )
        if faults:
            raise EnvironmentFaultsError(faults)
        return environment

    @property
    def development(self) -> bool:
        """Whether this is development, in which the app replaces missing credentials by its own PostgreSQL and key."""
        return self.environment is Stage.DEVELOPMENT

    @property
    def may_keep_model(self) -> bool:
        """Whether the app may start a small language model of its own: in development, unless .env forbids it."""
        return self.development and self.trial_model

    @property
    def is_guarded(self) -> bool:
        """Whether the organiser needs a password or a code."""
        return self.operator_password is not None or self.setup_code is not None

    def flask_key(self) -> str:
        """The key that signs the cookies; in development without SECRET_KEY, a new random key at each call."""
        return self.secret_key.get_secret_value() if self.secret_key else secrets.token_hex(32)

    def trusted_names(self) -> list[str]:
        """The host names that a request may use, besides IP addresses: this machine's, and those of TRUSTED_HOSTS."""
        own = socket.gethostname().lower()
        others = [name.lower() for name in comma_list(self.trusted_hosts)]
        return ["localhost", own, f"{own.split('.')[0]}.local", *others]

    def secret_values(self) -> list[str]:
        """Every value that must not appear in the log, on a page or in the database, in each form that it may have."""
        secrets_of = dict(self)
        secrets_of.pop("database_url")  # only the password in it is a secret
        values = [value.get_secret_value() for value in secrets_of.values() if isinstance(value, SecretStr)]
        if self.database_url is not None:
            url = self.database_url.get_secret_value()
            values += [urlsplit(url).password or "", *passwords_of(url)]
        return [value for value in values if value]


def load_or_exit() -> Environment:
    """The environment. If it has faults, prints all of them to stderr and exits with EX_CONFIG."""
    try:
        return Environment.load()
    except EnvironmentFaultsError as error:
        print(error.message(), file=sys.stderr)
        sys.exit(EX_CONFIG)


def _misspelt(path: Path) -> list[Fault]:
    """A fault for each unknown name in `.env` that looks like a misspelt name of ours: else nobody would notice it."""
    if not path.is_file():
        return []
    known = [name.upper() for name in Environment.model_fields]
    faults = []
    for name in dotenv_values(path, interpolate=False):
        close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if name.upper() not in known and close:
            faults.append(Fault(name, "is not a name the app knows", f"{close[0]}, perhaps"))
    return faults


def _fault(model: type[Environment], detail: dict[str, Any]) -> Fault:
    field = str(detail["loc"][0])
    problem = str(detail["msg"]).removeprefix("Value error, ")
    description = model.model_fields[field].description or ""
    return Fault(field.upper(), problem, description)
