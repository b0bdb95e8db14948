"""The environment, validated: `.env` and the process environment, read once, refused with every fault at once.

What is set for the process wins over `.env`. An empty value counts as not set, so that a copy of `.env.example` works.
"""

import difflib
import ipaddress
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NoReturn, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg
from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from werkzeug.security import check_password_hash

from repaircafe.limits import MIN_KEY_CHARS, MIN_OPERATOR_PASSWORD_CHARS, MIN_SECRET_CHARS

PROJECT = Path(__file__).resolve().parent.parent
EX_CONFIG = 78
"""Exit code of a start that its configuration forbids: sysexits(3)."""

GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  a public address  # nosec B105
"""Google's token endpoint: 'Using OAuth 2.0 for Web Server Applications', Google Identity documentation."""

HASHES = ("scrypt:", "pbkdf2:")
"""What a hash made by werkzeug begins with."""
MIN_CHARS = {"secret_key": MIN_KEY_CHARS, "operator_password": MIN_OPERATOR_PASSWORD_CHARS}


class Stage(StrEnum):
    """What the process runs as; everything but development insists on credentials."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """JSON for the journal, console for a person at a terminal."""

    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the environment. `problem` never holds the value of a secret."""

    name: str
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}\n    expected: {self.expected}"


class EnvironmentFaultsError(Exception):
    """The environment is refused; carries every fault found."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))

    def message(self) -> str:
        """What the organiser reads: every fault, and where to mend it."""
        count = len(self.faults)
        head = f"Repair Café cannot start: {count} fault{'s' if count > 1 else ''} in the environment."
        lines = [f"  {fault}" for fault in self.faults]
        return "\n".join([head, *lines, "Mend these in .env (.env.example explains each) and start again."])


class _PlainDotEnv(DotEnvSettingsSource):
    """`.env` as it is written: a `$` in a secret means itself, and `${POSTGRES_PASSWORD}` is filled in by us."""

    @staticmethod
    def _static_read_env_file(file_path: Path, **_: Any) -> dict[str, str | None]:
        found = dotenv_values(file_path, interpolate=False)
        return {name.lower(): value for name, value in found.items() if value}


class Environment(BaseSettings):
    """Every variable the app knows. The description of a field is the form it must have."""

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
    operator_password: SecretStr | None = Field(
        default=None, description="12 characters or more, or a werkzeug hash (scrypt:… or pbkdf2:…)"
    )
    gmail_client_id: SecretStr | None = Field(
        default=None, description="the OAuth client id; all three GMAIL_ values or none"
    )
    gmail_client_secret: SecretStr | None = Field(
        default=None, description="the OAuth client secret; all three GMAIL_ values or none"
    )
    gmail_refresh_token: SecretStr | None = Field(
        default=None, description="the refresh token; all three GMAIL_ values or none"
    )
    gmail_token_uri: str = Field(
        default=GOOGLE_TOKEN_URI, description="an https:// address, or http:// on this machine"
    )
    allowed_origins: str = Field(default="", description="origins such as https://cafe.example, separated by commas")
    trusted_hosts: str = Field(default="", description="host names such as repair.local, separated by commas")
    debug: bool = Field(default=False, description="true or false; true only in development")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
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
    backup_folder: str = Field(
        default="", description="an absolute path that the app may write, such as /var/lib/repaircafe/backups"
    )
    host: str = Field(
        default="127.0.0.1", description="an IP address of this machine; other than loopback needs OPERATOR_PASSWORD"
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
        """What the caller says, then the process, then `.env`."""
        path = dotenv_settings.env_file if isinstance(dotenv_settings, DotEnvSettingsSource) else None
        return init_settings, env_settings, _PlainDotEnv(settings_cls, env_file=path)

    @field_validator("*", mode="before")
    @classmethod
    def _utf8(cls, value: object) -> object:
        if isinstance(value, str) and value.encode(errors="replace").decode() != value:
            raise ValueError("holds bytes that are not UTF-8")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

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
        kept = value.get_secret_value() if value else ""
        if kept.startswith(HASHES):
            try:
                parts = kept.split("$")
                whole = len(parts) == 3 and all(parts) and not check_password_hash(kept, "")
            except ValueError:
                whole = False
            if not whole:
                raise ValueError("is not a whole hash; put a password there, then run flask operator-password")
        return value

    @field_validator("secret_key", "database_url", "operator_password")
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
        text = _with_password(value.get_secret_value(), password.get_secret_value() if password else None)
        _check_database_url(text)
        return SecretStr(text)

    @field_validator("gmail_refresh_token")
    @classmethod
    def _gmail_all_or_none(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        found = {"GMAIL_REFRESH_TOKEN": value}
        for field in ("gmail_client_id", "gmail_client_secret"):
            if field not in info.data:
                return value  # it has a fault of its own
            found[field.upper()] = info.data[field]
        missing = sorted(name for name, given in found.items() if given is None)
        if missing and len(missing) < len(found):
            raise ValueError(f"the three GMAIL_ values belong together, and {' and '.join(missing)} is not set")
        return value

    @field_validator("backup_folder")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("is not an absolute path")
        return value

    @field_validator("gmail_token_uri")
    @classmethod
    def _safe_token_uri(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
            return value
        raise ValueError("would send the refresh token unprotected")

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in comma_list(value):
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or "*" in origin:
                raise ValueError(f"{origin!r} is not an origin")
        return value

    @field_validator("debug")
    @classmethod
    def _debug_in_development_only(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("environment") is not Stage.DEVELOPMENT:
            raise ValueError("is on outside development")
        return value

    @field_validator("host")
    @classmethod
    def _open_to_others_needs_password(cls, value: str, info: ValidationInfo) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            if value != "localhost":
                raise ValueError(f"{value!r} is not an IP address") from None
        if not is_loopback(value) and info.data.get("operator_password", ...) is None:
            raise ValueError(f"{value!r} opens the pages to other machines, and OPERATOR_PASSWORD is not set")
        return value

    @classmethod
    def load(cls, env_file: Path | None = None) -> Self:
        """Reads and validates. `env_file` is `.env` in the project unless ENV_FILE names another.

        Raises EnvironmentFaultsError with every fault there is.
        """
        named = os.environ.get("ENV_FILE", "")
        path = env_file or Path(named or PROJECT / ".env")
        faults: list[Fault] = []
        try:
            if named and not path.exists():  # without it this would be a trial, open to whoever sits at the machine
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
        """Whether missing credentials are made up for: a PostgreSQL of our own, a key for this run."""
        return self.environment is Stage.DEVELOPMENT

    @property
    def may_keep_model(self) -> bool:
        """Whether the app may start a small language model of its own: in development, and unless .env forbids it."""
        return self.development and self.trial_model

    def flask_key(self) -> str:
        """What signs the cookies; in development without SECRET_KEY, one for this run alone."""
        return self.secret_key.get_secret_value() if self.secret_key else secrets.token_hex(32)

    def trusted_names(self) -> list[str]:
        """Host names besides IP addresses that a request may ask for: ours, and those of TRUSTED_HOSTS."""
        own = socket.gethostname().lower()
        return [
            "localhost",
            own,
            f"{own.split('.')[0]}.local",
            *(name.lower() for name in comma_list(self.trusted_hosts)),
        ]

    def secret_values(self) -> list[str]:
        """Every value that must not turn up in a log line, a page or the database, in each form it may take."""
        secrets_of = dict(self)
        secrets_of.pop("database_url")  # of which only the password is one
        values = [value.get_secret_value() for value in secrets_of.values() if isinstance(value, SecretStr)]
        if self.database_url is not None:
            url = self.database_url.get_secret_value()
            values += [urlsplit(url).password or "", *_passwords_of(url)]
        return [value for value in values if value]


def load_or_exit() -> Environment:
    """The environment, or an end with exit code 78 and every fault on stderr, before anything listens."""
    try:
        return Environment.load()
    except EnvironmentFaultsError as error:
        refuse(error)


def refuse(error: EnvironmentFaultsError) -> NoReturn:
    """Prints every fault and ends the process with EX_CONFIG."""
    print(error.message(), file=sys.stderr)
    raise SystemExit(EX_CONFIG)


def comma_list(value: str) -> list[str]:
    """The parts between commas, stripped, empty ones left out."""
    return [part.strip() for part in value.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine and no other."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _with_password(url: str, password: str | None) -> str:
    """The URL with `${POSTGRES_PASSWORD}` filled in and made safe for a URL.

    The `flask` command has python-dotenv fill it in as it stands; a password with `@` in it would break the URL apart.
    """
    if password is None:
        return url
    safe = quote(password, safe="")
    return url.replace("${POSTGRES_PASSWORD}", safe).replace(f":{password}@", f":{safe}@", 1)


def _check_database_url(url: str) -> None:
    if "${" in url:
        raise ValueError("uses a ${…} that is not set")
    if not url.startswith("postgresql://"):
        raise ValueError("is not a postgresql:// URL; PostgreSQL is the only database")
    try:
        parts = urlsplit(url)
        named = bool(parts.path.strip("/")) and (bool(parts.hostname) or "host=" in parts.query)
        _ = "," in parts.netloc or parts.port  # of several hosts, each may have a port; libpq reads them
    except ValueError:
        raise ValueError("cannot be read as a URL") from None
    if parts.password is not None and not parts.password:
        raise ValueError("has an empty password; is POSTGRES_PASSWORD set?")
    if any(len(password) < MIN_SECRET_CHARS for password in _passwords_of(url)):
        raise ValueError(f"has a password of fewer than {MIN_SECRET_CHARS} characters")
    if not named:
        raise ValueError("names no host or no database")
    try:
        conninfo_to_dict(url)
    except psycopg.Error:  # its words quote the password
        problem = "cannot be read by PostgreSQL's own library; in a password % is written %25, a space %20"
        raise ValueError(problem) from None


def _passwords_of(url: str) -> list[str]:
    """Those that libpq would read out of it."""
    parts = urlsplit(url)
    in_query = parse_qs(parts.query)
    found = [value for name in ("password", "sslpassword") for value in in_query.get(name, ())]
    return [unquote(parts.password), *found] if parts.password else found


def _misspelt(path: Path) -> list[Fault]:
    """Names in `.env` that nobody reads and that look like one of ours: silence would hide the mistake."""
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
