"""The JSON of `/health` and of the tests of a neighbour."""

from functools import lru_cache, partial
from typing import Annotated, Any, Literal, Self

from flask_babel import force_locale
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from repaircafe.health.monitor import Health, State
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report, Status, StepName, in_english
from repaircafe.version import __version__
from repaircafe.web.languages import readers_language
from repaircafe.web.schemas import Moment

Tenths = Annotated[float, AfterValidator(partial(round, ndigits=1))]


class _OfAttributes(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ServiceHealth(_OfAttributes):
    """The status of one neighbour, as its last check found it. `sentence` and `cure` are for people, in their language.

    Everything else is the same in all languages.
    """

    service: Neighbour = Field(validation_alias="neighbour")
    status: Status
    reason: Reason | None
    sentence: str | None
    cure: str | None
    detail: str = Field(validation_alias="english_detail")
    latency_ms: Tenths
    checked_at: Moment


class _Explained:
    """A report, with the sentence and the cure for its reason in a language."""

    def __init__(self, report: Report, language: str) -> None:
        self._report = report
        self.sentence: str | None = None
        self.cure: str | None = None
        if report.reason:
            said = explain(report.neighbour, report.reason)
            with force_locale(language):
                self.sentence, self.cure = str(said.sentence), str(said.cure)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)


@lru_cache(maxsize=16)
def _service_health(report: Report, language: str) -> ServiceHealth:
    """The report as JSON shows it; kept, because most polls find the same reports as the poll before."""
    return ServiceHealth.model_validate(_Explained(report, language))


class TestedStep(_OfAttributes):
    """One step of a test."""

    step: StepName = Field(validation_alias="name")
    ok: bool
    detail: Annotated[str, BeforeValidator(str)]
    reason: Reason | None


class TestReport(ServiceHealth):
    """The result of a test, step by step; a step that failed is the last one."""

    steps: list[TestedStep]

    @classmethod
    def of(cls, report: Report) -> Self:
        """The report: the steps in English, for programs."""
        with in_english():
            return cls.model_validate(_Explained(report, readers_language()))


class Migrations(_OfAttributes):
    """The migration of the tables, and the one that the code needs."""

    current: str | None
    head: str | None
    consistent: bool


class Pool(BaseModel):
    """Connections to the database."""

    size: int
    in_use: int
    max: int


class Errors(_OfAttributes):
    """How many requests of the last minutes failed through a fault in our own code."""

    window_s: int
    requests: int
    failed: int


class HealthReport(_OfAttributes):
    """The health of the app. `error` is there only if the app is not healthy."""

    status: Annotated[State, WithJsonSchema({"type": "string", "enum": list(State)})]
    database: Literal["connected", "disconnected"]
    timestamp: Moment
    version: str
    uptime_s: Tenths
    services: list[ServiceHealth]
    migrations: Migrations
    pool: Pool
    errors: Errors
    error: str = ""

    @classmethod
    def of(cls, health: Health) -> Self:
        """The health at that moment. The language is looked up only if something has a reason: most polls find none."""
        language = readers_language() if any(report.reason for report in health.reports) else ""
        found: dict[str, Any] = {
            "status": health.state,
            "database": "connected" if health.connected else "disconnected",
            "timestamp": health.timestamp,
            "version": __version__,
            "uptime_s": health.uptime_s,
            "services": [_service_health(report, language) for report in health.reports],
            "migrations": health.migrations,
            "pool": health.pool,
            "errors": health.errors,
        }
        if health.state is not State.HEALTHY:
            found["error"] = health.error
        return cls.model_validate(found)


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"]


class Readiness(BaseModel):
    """Whether requests can be served. `error` is there only if they cannot."""

    status: Literal["ready", "not ready"]
    error: str = ""
