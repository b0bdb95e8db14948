"""How a neighbour is, database, LLM or mail, and why: the words that banner, page, command and JSON share."""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

from flask_babel import LazyString, force_locale
from flask_babel import lazy_gettext as _l

Text: TypeAlias = str | LazyString
"""A text, or one that is translated when it is shown."""


class Service(StrEnum):
    """A neighbour that the app needs and does not own."""

    DB = "db"
    LLM = "llm"
    MAIL = "mail"


class Status(StrEnum):
    """How a neighbour is. `degraded`: there, but not usable as asked. `unconfigured` is never an alarm."""

    OK = "ok"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    UNCONFIGURED = "unconfigured"


class Reason(StrEnum):
    """Why a neighbour is not ok: the fixed list that monitors may rely on."""

    NOT_SET = "not_set"
    SETTINGS_UNKNOWN = "settings_unknown"
    BAD_ADDRESS = "bad_address"
    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "no_route"
    TIMEOUT = "timeout"
    RESET = "reset"
    TLS = "tls"
    HTTP_ERROR = "http_error"
    REDIRECTED = "redirected"
    BAD_ANSWER = "bad_answer"
    TOO_LARGE = "too_large"
    CUT_OFF = "cut_off"
    LENGTH = "length"
    TOO_LONG = "too_long"
    NOT_OFFERED = "not_offered"
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    NO_SUCH_MODEL = "no_such_model"
    OFFLINE = "offline"
    DOWNLOAD_CUT = "download_cut"
    LOADING = "loading"
    TRIAL_STARTING = "trial_starting"
    TRIAL_FAILING = "trial_failing"
    MODEL_MISSING = "model_missing"
    MODEL_NOT_CHOSEN = "model_not_chosen"
    AUTH_EXPIRED = "auth_expired"
    AUTH_REFUSED = "auth_refused"
    DATABASE_MISSING = "database_missing"
    RESTORING = "restoring"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    NOT_MIGRATED = "not_migrated"
    SCHEMA_NEWER = "schema_newer"
    SCHEMA_DRIFT = "schema_drift"
    SLOW = "slow"
    NOT_TESTED = "not_tested"
    NOT_CHECKED = "not_checked"
    BUSY = "busy"
    INTERNAL = "internal"


STATUS_OF: Mapping[Reason, Status] = MappingProxyType(
    {
        Reason.NOT_SET: Status.UNCONFIGURED,
        Reason.SETTINGS_UNKNOWN: Status.UNCONFIGURED,
        Reason.NOT_CHECKED: Status.UNCONFIGURED,
        Reason.LOADING: Status.DEGRADED,
        Reason.TRIAL_STARTING: Status.DEGRADED,
        Reason.MODEL_MISSING: Status.DEGRADED,
        Reason.MODEL_NOT_CHOSEN: Status.DEGRADED,
        Reason.AUTH_EXPIRED: Status.DEGRADED,
        Reason.AUTH_REFUSED: Status.DEGRADED,
        Reason.NOT_MIGRATED: Status.DEGRADED,
        Reason.SCHEMA_NEWER: Status.DEGRADED,
        Reason.SCHEMA_DRIFT: Status.DEGRADED,
        Reason.SLOW: Status.DEGRADED,
        Reason.DISK_FULL: Status.DEGRADED,
        Reason.READ_ONLY: Status.DEGRADED,
        Reason.NOT_TESTED: Status.DEGRADED,
    }
)
"""What a reason means for its service; a reason that is not here means `unreachable`."""


TRIAL_REASONS = frozenset({Reason.TRIAL_STARTING, Reason.TRIAL_FAILING})
"""What only the trial's own small model can have against it."""
SERVER_GONE = frozenset({Reason.REFUSED, Reason.RESET, Reason.CUT_OFF})
"""What is seen of a server whose process has just ended."""


class NeighbourError(Exception):
    """A neighbour did not do what it was asked. `detail` is plain, short and free of secrets; a page may show it."""

    def __init__(self, reason: Reason, detail: Text = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class TemporaryError(NeighbourError):
    """May go by itself: waiting and asking again is right."""


class PermanentError(NeighbourError):
    """Stays until somebody changes something: asking again is pointless."""


class StepName(StrEnum):
    """What a check does one after the other."""

    ADDRESS = "address"
    NAME = "name"
    CONNECTION = "connection"
    SIGN_IN = "sign_in"
    SERVER = "server"
    MODEL = "model"
    ANSWER = "answer"
    TABLES = "tables"
    CREDENTIALS = "credentials"
    TOKEN = "token"  # noqa: S105  the name of a step  # nosec B105


STATUS_LABELS: Mapping[Status, Text] = MappingProxyType(
    {
        Status.OK: _l("works"),
        Status.DEGRADED: _l("limited"),
        Status.UNREACHABLE: _l("away"),
        Status.UNCONFIGURED: _l("not set up"),
    }
)
"""What a page calls them; JSON and the log use the values."""

STEP_LABELS: Mapping[StepName, Text] = MappingProxyType(
    {
        StepName.ADDRESS: _l("Address"),
        StepName.NAME: _l("Name"),
        StepName.CONNECTION: _l("Connection"),
        StepName.SIGN_IN: _l("Sign-in"),
        StepName.SERVER: _l("Server"),
        StepName.MODEL: _l("Model"),
        StepName.ANSWER: _l("Answer"),
        StepName.TABLES: _l("Tables"),
        StepName.CREDENTIALS: _l("Credentials"),
        StepName.TOKEN: _l("Refresh token"),
    }
)


def in_english() -> AbstractContextManager[None]:
    """What programs read is English, whoever started them: a monitor compares it with what it was told before."""
    english: AbstractContextManager[None] = force_locale("en")
    return english


@dataclass(frozen=True)
class Step:
    """One step of a check, done or failed. `detail` is a short plain sentence."""

    name: StepName
    detail: Text = ""
    reason: Reason | None = None

    @property
    def ok(self) -> bool:
        """Whether this step succeeded."""
        return self.reason is None


@dataclass(frozen=True)
class Report:
    """What a check of one service found. `latency_ms` is that of the whole check."""

    service: Service
    steps: tuple[Step, ...]
    latency_ms: float
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    models: tuple[str, ...] = ()
    outside: bool | None = None
    """Whether what is sent there leaves the building; None where that is not known."""
    is_trial: bool = False
    """Whether it is about the trial's own small model, because no other is set up."""
    known_at: float = field(default_factory=time.monotonic)
    """When it was learnt, in seconds of the monotonic clock: the other one, of `checked_at`, may be set back."""

    @cached_property
    def failed(self) -> Step | None:
        """The step that failed; it is the last one."""
        return next((step for step in self.steps if not step.ok), None)

    @cached_property
    def reason(self) -> Reason | None:
        """Why the service is not ok, or None."""
        return self.failed.reason if self.failed else None

    @cached_property
    def status(self) -> Status:
        """How the service is."""
        return STATUS_OF.get(self.reason, Status.UNREACHABLE) if self.reason else Status.OK

    @property
    def detail(self) -> str:
        """What the last step had to say, in the language of whoever asks."""
        return str(self.steps[-1].detail) if self.steps else ""

    @cached_property
    def _entry(self) -> dict[str, object]:
        with in_english():
            detail = self.detail
        return {
            "service": self.service.value,
            "status": self.status.value,
            "reason": self.reason.value if self.reason else None,
            "detail": detail,
            "latency_ms": round(self.latency_ms, 1),
            "checked_at": self.checked_at.isoformat(),
        }

    def as_dict(self) -> dict[str, object]:
        """The service's entry in `/health`, for programs; made once, since a report is polled many times."""
        return {**self._entry}

    def as_test(self) -> dict[str, object]:
        """The same with every step: the answer of a connection test."""
        with in_english():
            steps = [
                {"step": step.name.value, "ok": step.ok, "detail": str(step.detail), "reason": step.reason}
                for step in self.steps
            ]
        return {**self.as_dict(), "steps": steps}
