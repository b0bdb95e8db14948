"""The status of a neighbour and the reason for it, as the banner, the pages, the commands and the JSON use them."""

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
"""A text, or a text that is translated when it is shown."""


class Neighbour(StrEnum):
    """A neighbour: something that the app needs and does not own."""

    DB = "db"
    LLM = "llm"
    MAIL = "mail"


class Status(StrEnum):
    """The status of a neighbour. `degraded`: it answers, but does not work fully. `unconfigured` is never an alarm."""

    OK = "ok"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    UNCONFIGURED = "unconfigured"


class Reason(StrEnum):
    """Why a neighbour is not ok. Monitors may rely on this fixed list."""

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
    NO_TEXT = "no_text"
    THINKS_TOO_LONG = "thinks_too_long"
    REPEATS = "repeats"
    TOO_LONG = "too_long"
    FACTS_TOO_LONG = "facts_too_long"
    NOT_OFFERED = "not_offered"
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    MAIL_FULL = "mail_full"
    NO_SUCH_MODEL = "no_such_model"
    OFFLINE = "offline"
    DOWNLOAD_CUT = "download_cut"
    DOWNLOAD_DAMAGED = "download_damaged"
    LOADING = "loading"
    TRIAL_STARTING = "trial_starting"
    TRIAL_FAILING = "trial_failing"
    MODEL_MISSING = "model_missing"
    MODEL_NOT_CHOSEN = "model_not_chosen"
    NO_MODEL = "no_model"
    TOO_BIG = "too_big"
    MODEL_DAMAGED = "model_damaged"
    CANNOT_CHAT = "cannot_chat"
    CLOUD_MODEL = "cloud_model"
    RUNNER_DIED = "runner_died"
    SERVER_BUSY = "server_busy"
    SERVER_TOO_OLD = "server_too_old"
    CLOCK_WRONG = "clock_wrong"
    KEY_WANTED = "key_wanted"
    AUTH_EXPIRED = "auth_expired"
    AUTH_REFUSED = "auth_refused"
    TOKEN_WEEK = "token_week"  # noqa: S105  the name of a reason  # nosec B105
    TOKEN_UNUSED = "token_unused"  # noqa: S105  the name of a reason  # nosec B105
    SCOPE_MISSING = "scope_missing"
    API_OFF = "api_off"
    DOMAIN_POLICY = "domain_policy"
    DAILY_LIMIT = "daily_limit"
    RATE_LIMIT = "rate_limit"
    NO_TLS = "no_tls"
    CERTIFICATE_NAME = "certificate_name"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CA_FILE = "ca_file"
    APP_PASSWORD = "app_password"  # noqa: S105  a reason  # nosec B105
    OAUTH_ONLY = "oauth_only"
    IMAP_OFF = "imap_off"
    NO_DRAFTS = "no_drafts"
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
        Reason.NO_MODEL: Status.DEGRADED,
        Reason.TOO_BIG: Status.DEGRADED,
        Reason.MODEL_DAMAGED: Status.DEGRADED,
        Reason.CANNOT_CHAT: Status.DEGRADED,
        Reason.CLOUD_MODEL: Status.DEGRADED,
        Reason.RUNNER_DIED: Status.DEGRADED,
        Reason.SERVER_BUSY: Status.DEGRADED,
        Reason.SERVER_TOO_OLD: Status.DEGRADED,
        Reason.CLOCK_WRONG: Status.DEGRADED,
        Reason.KEY_WANTED: Status.DEGRADED,
        Reason.NO_TEXT: Status.DEGRADED,
        Reason.THINKS_TOO_LONG: Status.DEGRADED,
        Reason.FACTS_TOO_LONG: Status.DEGRADED,
        Reason.AUTH_EXPIRED: Status.DEGRADED,
        Reason.AUTH_REFUSED: Status.DEGRADED,
        Reason.TOKEN_WEEK: Status.DEGRADED,
        Reason.TOKEN_UNUSED: Status.DEGRADED,
        Reason.SCOPE_MISSING: Status.DEGRADED,
        Reason.API_OFF: Status.DEGRADED,
        Reason.DOMAIN_POLICY: Status.DEGRADED,
        Reason.DAILY_LIMIT: Status.DEGRADED,
        Reason.RATE_LIMIT: Status.DEGRADED,
        Reason.CERTIFICATE_NAME: Status.DEGRADED,
        Reason.CERTIFICATE_EXPIRED: Status.DEGRADED,
        Reason.CERTIFICATE_UNKNOWN: Status.DEGRADED,
        Reason.CA_FILE: Status.DEGRADED,
        Reason.APP_PASSWORD: Status.DEGRADED,
        Reason.OAUTH_ONLY: Status.DEGRADED,
        Reason.IMAP_OFF: Status.DEGRADED,
        Reason.NO_DRAFTS: Status.DEGRADED,
        Reason.NOT_MIGRATED: Status.DEGRADED,
        Reason.SCHEMA_NEWER: Status.DEGRADED,
        Reason.SCHEMA_DRIFT: Status.DEGRADED,
        Reason.SLOW: Status.DEGRADED,
        Reason.DISK_FULL: Status.DEGRADED,
        Reason.READ_ONLY: Status.DEGRADED,
        Reason.MAIL_FULL: Status.DEGRADED,
        Reason.NOT_TESTED: Status.DEGRADED,
    }
)
"""The status that belongs to a reason; a reason that is not here means `unreachable`."""


TRIAL_REASONS = frozenset({Reason.TRIAL_STARTING, Reason.TRIAL_FAILING})
"""The reasons that only the trial's own small model can have."""
SERVER_GONE = frozenset({Reason.REFUSED, Reason.RESET, Reason.CUT_OFF})
"""The reasons that we see when a server's process has just ended."""


class NeighbourError(Exception):
    """A neighbour did not do what we asked. `detail` is plain, short and without secrets; a page may show it.

    `words` are the neighbour's own, if it said why. They may quote what we sent, so only a test shows them.
    """

    def __init__(self, reason: Reason, detail: Text = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.words = ""


class TemporaryError(NeighbourError):
    """An error that may end by itself: wait and try again."""


class PermanentError(NeighbourError):
    """An error that stays until somebody changes something: a retry does not help."""


class StepName(StrEnum):
    """The steps of the checks and tests."""

    ADDRESS = "address"
    NAME = "name"
    CONNECTION = "connection"
    SIGN_IN = "sign_in"
    SERVER = "server"
    MODEL = "model"
    ANSWER = "answer"
    REPLIES = "replies"
    TABLES = "tables"
    CREDENTIALS = "credentials"
    TOKEN = "token"  # noqa: S105  the name of a step  # nosec B105
    SCOPES = "scopes"
    MAILBOX = "mailbox"
    ENCRYPTION = "encryption"
    CAPABILITIES = "capabilities"
    DRAFTS = "drafts"
    NEWEST = "newest"


STATUS_LABELS: Mapping[Status, Text] = MappingProxyType(
    {
        Status.OK: _l("works"),
        Status.DEGRADED: _l("limited"),
        Status.UNREACHABLE: _l("not reachable"),
        Status.UNCONFIGURED: _l("not set up"),
    }
)
"""The statuses as a page shows them; JSON and the log use the values."""

STEP_LABELS: Mapping[StepName, Text] = MappingProxyType(
    {
        StepName.ADDRESS: _l("Address"),
        StepName.NAME: _l("Name"),
        StepName.CONNECTION: _l("Connection"),
        StepName.SIGN_IN: _l("Sign-in"),
        StepName.SERVER: _l("Server"),
        StepName.MODEL: _l("Model"),
        StepName.ANSWER: _l("Answer"),
        StepName.REPLIES: _l("Last replies"),
        StepName.TABLES: _l("Tables"),
        StepName.CREDENTIALS: _l("Credentials"),
        StepName.TOKEN: _l("Refresh token"),
        StepName.SCOPES: _l("Permissions"),
        StepName.MAILBOX: _l("Mailbox"),
        StepName.ENCRYPTION: _l("Encryption"),
        StepName.CAPABILITIES: _l("Capabilities"),
        StepName.DRAFTS: _l("Drafts folder"),
        StepName.NEWEST: _l("Newest mail"),
    }
)


PRIVATE_STEPS = frozenset({StepName.MAILBOX, StepName.NEWEST})
"""The steps whose details are for the organiser alone; `/health` is for everybody."""


def in_english() -> AbstractContextManager[None]:
    """A context in which texts are English. A monitor compares texts with earlier ones, whatever language is set."""
    english: AbstractContextManager[None] = force_locale("en")
    return english


@dataclass(frozen=True)
class Step:
    """One step of a check, successful or failed. `detail` is a short plain sentence."""

    name: StepName
    detail: Text = ""
    reason: Reason | None = None

    @property
    def ok(self) -> bool:
        """Whether this step succeeded."""
        return self.reason is None


@dataclass(frozen=True, eq=False)
class Report:
    """The result of a check of one neighbour. `latency_ms` is the time of the whole check.

    Two reports are never equal: each is one run of a check.
    """

    neighbour: Neighbour
    steps: tuple[Step, ...]
    latency_ms: float
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    models: tuple[str, ...] = ()
    outside: bool | None = None
    """Whether the texts that we send there leave the building; None if that is not known."""
    is_trial: bool = False
    """Whether the report is about the trial's own small model, because no other model is set up."""
    can_pull: str = ""
    """The name of the checked model if its server can download it again; otherwise empty."""
    known_at: float = field(default_factory=time.monotonic)
    """When it was made, in seconds of the monotonic clock; the wall clock, which `checked_at` uses, may be set back."""

    @cached_property
    def failed(self) -> Step | None:
        """The step that failed; it is the last one."""
        return next((step for step in self.steps if not step.ok), None)

    @cached_property
    def reason(self) -> Reason | None:
        """Why the neighbour is not ok, or None."""
        return self.failed.reason if self.failed else None

    @cached_property
    def status(self) -> Status:
        """The status that follows from the reason. A server whose last replies failed does answer the check."""
        if self.failed and self.failed.name is StepName.REPLIES:
            return Status.DEGRADED
        return STATUS_OF.get(self.reason, Status.UNREACHABLE) if self.reason else Status.OK

    @property
    def damaged(self) -> str:
        """The name of the model that may work again after it is removed and downloaded again; empty if there is none.

        Ollama says `cannot_chat` of a file that it cannot read at all.
        """
        return self.can_pull if self.reason in (Reason.MODEL_DAMAGED, Reason.CANNOT_CHAT) else ""

    @property
    def detail(self) -> str:
        """The detail of the last step that everybody may read about, in the reader's language."""
        shown = [step for step in self.steps if not step.ok or step.name not in PRIVATE_STEPS]
        return str(shown[-1].detail) if shown else ""

    @cached_property
    def english_detail(self) -> str:
        """The same in English, for programs; made only once, because a report is polled many times."""
        with in_english():
            return self.detail
