"""What `/health` and the tests of a neighbour answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, WithJsonSchema

from repaircafe.health.monitor import State
from repaircafe.neighbours.report import Reason, Service, Status, StepName
from repaircafe.web.schemas import Moment


class ServiceHealth(BaseModel):
    """How one neighbour is, as its last check found it."""

    service: Service
    status: Status
    reason: Reason | None
    detail: str
    latency_ms: float
    checked_at: Moment


class TestedStep(BaseModel):
    """One step of a test."""

    step: StepName
    ok: bool
    detail: str
    reason: Reason | None


class TestReport(ServiceHealth):
    """What a test found, step by step; the step that failed is the last one."""

    steps: list[TestedStep]


class Migrations(BaseModel):
    """Which migration the tables are at, and which the code needs."""

    current: str | None
    head: str | None
    consistent: bool


class Pool(BaseModel):
    """Connections to the database."""

    size: int
    in_use: int
    max: int


class Errors(BaseModel):
    """How many of the last minutes' requests failed by our own fault."""

    window_s: int
    requests: int
    failed: int


class HealthReport(BaseModel):
    """The whole. `error` is there where it is not healthy."""

    status: Annotated[State, WithJsonSchema({"type": "string", "enum": list(State)})]
    database: Literal["connected", "disconnected"]
    timestamp: Moment
    version: str
    uptime_s: float
    services: list[ServiceHealth]
    migrations: Migrations
    pool: Pool
    errors: Errors
    error: str = ""


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"]


class Readiness(BaseModel):
    """Whether requests can be served. `error` is there where they cannot."""

    status: Literal["ready", "not ready"]
    error: str = ""
