"""What the Status page shows: a sentence, and of each neighbour what was seen in the last 24 hours."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType
from typing import TypeVar

import structlog
from flask import Flask
from flask_babel import lazy_gettext as _l

from repaircafe.database.tables import db
from repaircafe.health import models
from repaircafe.health.banner import alarms_told
from repaircafe.health.history import History
from repaircafe.health.monitor import Health, Monitor
from repaircafe.health.strips import (
    BUCKET_S,
    Days,
    Seen,
    began,
    begin_of,
    bucket_of,
    merged,
    only,
    seen_in,
    written,
)
from repaircafe.limits import STATEMENT_LIMIT_S, STATUS_READ_LIMIT_S, STATUS_TTL_S
from repaircafe.logs import EventType
from repaircafe.neighbours.deadlines import Cached, DeadlineError, Pending
from repaircafe.neighbours.report import STATUS_LABELS, Neighbour, Reason, Report, Status, Text
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from repaircafe.settings.store import Store
from repaircafe.web.authentication import is_operator

STATUS_OF: Mapping[Seen, str] = MappingProxyType(
    {
        Seen.WORKS: Status.OK.value,
        Seen.LIMITED: Status.DEGRADED.value,
        Seen.NOT_REACHABLE: Status.UNREACHABLE.value,
        Seen.NOT_SET_UP: Status.UNCONFIGURED.value,
        Seen.UNKNOWN: "unknown",
    }
)
"""The states of a strip as the style sheet calls them."""
LABELS: Mapping[str, Text] = MappingProxyType(
    {**{status.value: label for status, label in STATUS_LABELS.items()}, "unknown": _l("not known")}
)
"""The same for the reader."""
OLD = timedelta(days=2)
"""A backup is made each night, so a newer one should be there."""

log = structlog.get_logger()

Value = TypeVar("Value")


class BackupState(StrEnum):
    """What is known of the newest backup. `lost`: the folder cannot be read."""

    READABLE = "readable"
    DAMAGED = "damaged"
    NONE = "none"
    LOST = "lost"


@dataclass(frozen=True)
class LastBackup:
    """The newest backup; `size` is in bytes."""

    state: BackupState
    at: datetime | None = None
    size: int = 0

    @property
    def is_old(self) -> bool:
        """Whether there should be a newer one by now."""
        return self.at is not None and datetime.now(UTC) - self.at > OLD


@dataclass(frozen=True)
class Past:
    """What the database knows: the strips of all processes, and the seconds to the first word of the last replies."""

    strips: Mapping[Neighbour, Days]
    first_words_s: tuple[float, ...] = ()

    @property
    def first_word_s(self) -> float | None:
        """The median; None without a reply."""
        ordered = sorted(self.first_words_s)
        return ordered[len(ordered) // 2] if ordered else None


@dataclass(frozen=True)
class Run:
    """Some buckets of a strip in a row in which the same was seen. `begins` and `ends` are on the café's clock."""

    status: str
    place: int
    length: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Line:
    """A neighbour on the page. `since`: when its present state began, as far as that is known."""

    report: Report
    is_polled: bool
    since: datetime | None
    runs: tuple[Run, ...]

    @property
    def totals(self) -> dict[str, timedelta]:
        """How long each state was seen, the longest first."""
        found: dict[str, timedelta] = {}
        for run in self.runs:
            found[run.status] = found.get(run.status, timedelta()) + run.length * timedelta(seconds=BUCKET_S)
        return dict(sorted(found.items(), key=lambda one: -one[1]))

    def of(self, status: str) -> list[Run]:
        """The runs of a state, the newest first."""
        return [run for run in reversed(self.runs) if run.status == status]


@dataclass(frozen=True)
class Page:
    """All that Status shows to its reader. Times are on the café's clock."""

    health: Health
    now: datetime
    lines: tuple[Line, ...]
    alarms: tuple[Report, ...]
    since: datetime | None
    """Since when everything works; None if that is not known."""
    past: Past
    backup: LastBackup | None
    """None for a visitor, and while nobody knows."""

    @property
    def is_known(self) -> bool:
        """Whether all neighbours could be checked."""
        return not any(line.report.reason in (Reason.NOT_CHECKED, Reason.SETTINGS_UNKNOWN) for line in self.lines)

    @property
    def is_complete(self) -> bool:
        """Whether all neighbours are set up."""
        return all(line.report.status is not Status.UNCONFIGURED for line in self.lines)

    def line(self, neighbour: Neighbour) -> Line | None:
        """The line of a neighbour; None if the reader does not see it."""
        return next((line for line in self.lines if line.report.neighbour is neighbour), None)


class Board:
    """Makes the page. What it reads for that is shared by all readers for a few seconds."""

    def __init__(self, app: Flask, history: History, store: Store, last_backup: Callable[[], LastBackup]) -> None:
        self._app = app
        self._history = history
        self._store = store
        self._last_backup = last_backup
        self._past: Cached[Past] = Cached("status-past", STATUS_TTL_S, STATEMENT_LIMIT_S)
        self._backup: Cached[LastBackup] = Cached("status-backup", STATUS_TTL_S, STATEMENT_LIMIT_S)
        parts(app).add(self)

    def page(self) -> Page:
        """The page for the reader of this request. It reads while the checks run, and never waits longer than they."""
        until = time.monotonic() + STATUS_READ_LIMIT_S
        past = self._past.begin(self._read) if parts(self._app)[Startup].ready else None
        backup = self._backup.begin(self._last_backup) if is_operator() else None
        monitor = parts(self._app)[Monitor]
        health = monitor.health()
        known = _result(self._past, past, until) or Past({})
        reports = [one for one in health.reports if is_operator() or one.neighbour is not Neighbour.MAIL]
        own, now = self._history.strips(), datetime.now(self._store.last_known().event_zone)
        polled = monitor.polled & {one.neighbour for one in reports}
        strips = {
            one.neighbour: merged(
                own[one.neighbour],
                known.strips.get(one.neighbour, {}),
                only(bucket_of(now), seen_in(one)) if one.neighbour in polled else {},  # still true in a new bucket
            )
            for one in reports
        }
        return Page(
            health=health,
            now=now,
            lines=tuple(
                self._line(one, strips[one.neighbour], now, is_polled=one.neighbour in polled) for one in reports
            ),
            alarms=tuple(alarms_told(health)),
            since=self._since(polled, merged(*(strips[one] for one in polled)), Seen.WORKS, now),
            past=known,
            backup=_result(self._backup, backup, until) if backup else None,
        )

    def _read(self) -> Past:
        with self._app.app_context():
            session = db.session()
            return Past(models.kept(session), models.first_words(session))

    def _line(self, report: Report, days: Days, now: datetime, *, is_polled: bool) -> Line:
        seen = seen_in(report)
        is_dated = is_polled and seen not in (Seen.UNKNOWN, Seen.NOT_SET_UP)
        since = self._since((report.neighbour,), days, seen, now) if is_dated else None
        return Line(report, is_polled, since, _runs(written(days, bucket_of(now)), now))

    def _since(self, of: Iterable[Neighbour], days: Days, seen: Seen, now: datetime) -> datetime | None:
        """Since when nothing but `seen` was seen: to five minutes, or exactly if this process has seen the change."""
        first = began(days, bucket_of(now), seen)
        changes = [at for one in of if (at := self._history.changed_at(one)) and bucket_of(at) == first]
        return max(changes, default=begin_of(first)).astimezone(now.tzinfo)


def board() -> Board:
    """The running app's board."""
    return parts()[Board]


def _result(cache: Cached[Value], pending: Pending[Value] | None, until: float) -> Value | None:
    """The value, if it comes in time; else the last one that is known."""
    try:
        return pending.result(max(0.0, until - time.monotonic())) if pending else cache.last
    except DeadlineError:
        return cache.last
    except Exception as error:
        log.debug("Status not read", event_type=EventType.DB_ERROR, exc_info=error)
        return cache.last


def _runs(digits: str, now: datetime) -> tuple[Run, ...]:
    """The runs of a strip whose last bucket is the present one."""
    runs, place, first = list[Run](), 0, bucket_of(now) - len(digits) + 1
    for digit, group in groupby(digits):
        length = len(list(group))
        begins, ends = (begin_of(first + one).astimezone(now.tzinfo) for one in (place, place + length))
        runs.append(Run(STATUS_OF[Seen(int(digit, 16))], place, length, begins, min(ends, now)))
        place += length
    return tuple(runs)
