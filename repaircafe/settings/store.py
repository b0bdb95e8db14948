"""Reads and writes the settings: validated together, saved together, still known while the database is unavailable."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.errors import UNWRITABLE, AwayError, reason_in_health
from repaircafe.database.tables import db
from repaircafe.events import planning
from repaircafe.events.models import Occasion
from repaircafe.limits import SETTINGS_FRESH_S, SETTINGS_READ_LIMIT_S
from repaircafe.logs import EventType, Redactor, name_faults
from repaircafe.neighbours.addresses import is_inside
from repaircafe.neighbours.deadlines import Cached, DeadlineError
from repaircafe.neighbours.model_names import is_cloud_model
from repaircafe.neighbours.report import Reason, TemporaryError, Text
from repaircafe.parts import parts
from repaircafe.settings.definitions import (
    TRIAL_TEMPERATURE,
    Settings,
    UnknownKeyError,
    check_together,
    parse,
    warnings,
)
from repaircafe.settings.keys import KEYS
from repaircafe.settings.models import Logo, Setting
from repaircafe.settings.values import RefusedError

_SAVING = sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(b"settings")))
"""Saves wait for each other, because two that are valid one by one may be invalid together."""

log = structlog.get_logger()


class InvalidSettingsError(Exception):
    """At least one value was refused, and nothing was saved. `faults` says what is wrong with each key."""

    def __init__(self, faults: Mapping[str, Text]) -> None:
        super().__init__(", ".join(faults))
        self.faults = dict(faults)


class OutsideError(Exception):
    """The language model is outside this network, or its address cannot be looked up. Nothing was saved."""

    message = _l(
        "That address or model is not on this network, or cannot be looked up. Questions would leave the building."
    )


@dataclass(frozen=True)
class Stored:
    """The settings as texts. If they are not `current`, they are the last ones that were read."""

    values: Mapping[str, str]
    current: bool = True
    dates: tuple[Occasion, ...] = field(default=(), compare=False)
    cancelled: tuple[date, ...] = field(default=(), compare=False)
    logo_version: str = field(default="", compare=False)

    @cached_property
    def settings(self) -> Settings:
        """The settings with their types."""
        return replace(Settings.of(self.values), dates=self.dates, cancelled=self.cancelled)

    @property
    def warnings(self) -> dict[str, Text]:
        """What the organiser should know about valid values, by key."""
        return warnings(self.values)


def validate(changes: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """All values in canonical form.

    Raises InvalidSettingsError with every fault; a value that contains a credential is one. Raises UnknownKeyError for
    the first name that is no setting.
    """
    valid: dict[str, str] = {}
    faults: dict[str, Text] = {}
    for name, text in changes.items():
        try:
            valid[name] = parse(name, text)
        except RefusedError as error:
            faults[name] = error.message
        else:
            if redactor.holds_secret(valid[name]):
                faults[name] = _l("This contains a secret from .env, which must not be stored in the database.")
    if faults:
        name_faults(faults)
        raise InvalidSettingsError(faults)
    return valid


def write(session: Session, values: Mapping[str, str]) -> None:
    """Stores validated values and deletes empty ones, in the caller's transaction."""
    filled = [{"key": key, "value": value} for key, value in sorted(values.items()) if value]
    empty = [key for key, value in values.items() if not value]
    if filled:
        upsert = insert(Setting).values(filled)
        session.execute(
            upsert.on_conflict_do_update(
                index_elements=[Setting.key], set_={"value": upsert.excluded.value, "updated_at": sa.func.now()}
            )
        )
    if empty:
        session.execute(sa.delete(Setting).where(Setting.key.in_(empty)))


def forget_date(session: Session, day: date) -> None:
    """Empties `event_date` if it names that day, so that a date that was removed from the list does not come back."""
    session.execute(sa.delete(Setting).where(Setting.key == "event_date", Setting.value == day.isoformat()))


def read(session: Session) -> dict[str, str]:
    """The text of every setting; empty if it is not set. When a date has passed, the one after it takes its place.

    A row that is unknown or no longer valid is ignored and logged once.
    """
    values = _stored(session)
    if Settings.of(values).next_date is None and (dates := read_dates(session, values)[0]):
        values |= _texts(dates[0])
    return values


def read_dates(session: Session, values: Mapping[str, str]) -> tuple[tuple[Occasion, ...], tuple[date, ...]]:
    """The dates that will take place, in order, and the days of those that were cancelled and have not passed.

    The settings say when the next date is, the list says the others.
    """
    settings = Settings.of(values)
    listed = planning.planned(session, settings.now.date())
    coming = planning.to_come(listed, settings.now)
    found = {one.held_on: one.occasion for one in coming if one.day is None}
    if settings.next_date is not None and settings.occasion is not None:
        note = next((one.note for one in coming if one.held_on == settings.next_date), "")
        found[settings.next_date] = replace(settings.occasion, note=note)
    cancelled = (one.occasion.day for one in listed if one.cancelled and not one.occasion.is_over(settings.now))
    return tuple(sorted(found.values())), tuple(day for day in cancelled if day not in found)


def _stored(session: Session) -> dict[str, str]:
    values = dict.fromkeys(KEYS, "")
    for key, value in session.execute(sa.select(Setting.key, Setting.value)):
        try:
            values[key] = parse(key, value)
        except (UnknownKeyError, RefusedError):
            _log_ignored(key)
    return values


def _texts(next_one: Occasion) -> dict[str, str]:
    """The next date as settings."""
    start, end = (f"{one:%H:%M}" if one else "" for one in (next_one.start, next_one.end))
    return {"event_date": next_one.day.isoformat(), "event_start": start, "event_end": end}


def _follow(session: Session, is_recorded: planning.Recorded, changed: Collection[str] = ()) -> None:
    """Brings the list of dates in line with the settings, in which a program or the version before may have written."""
    settings = Settings.of(_stored(session))
    hours = "event_start" in changed or "event_end" in changed
    with_hours = hours and ("event_date" in changed or not settings.is_over)  # what has passed is kept
    planning.follow(session, settings.occasion, settings.now, is_recorded, with_hours=with_hours)


def _show_next(session: Session) -> None:
    """Brings the settings in line with the list of dates."""
    values = _stored(session)
    settings = Settings.of(values)
    if (event := planning.show_next(session, settings.now)) is not None:
        write(session, {key: text for key, text in _texts(event.occasion).items() if text != values[key]})
    elif settings.next_date is not None:
        write(session, {"event_date": ""})


@cache
def _log_ignored(key: str) -> None:
    """Logs a key only once: the settings are read every few seconds, and the log may be on an SD card."""
    log.warning("Setting ignored", event_type=EventType.VALIDATION_ERROR, resource_id=key)


class Store:
    """The app's settings. They can be read at any time, without a long wait for a database that does not answer."""

    def __init__(self, app: Flask, trial_model: Callable[[], tuple[str, str]], is_recorded: planning.Recorded) -> None:
        """`trial_model` returns the address and the name of the model that answers while no address is set.

        It raises NeighbourError if there is no such model. A date that `is_recorded` never moves.
        """
        self._app, self._is_recorded = app, is_recorded
        self._trial_model = trial_model
        self._cache: Cached[Stored] = Cached("settings", SETTINGS_FRESH_S, SETTINGS_READ_LIMIT_S)
        parts(app).add(self)

    def stored(self) -> Stored | None:
        """The settings, just read or last known; None if they have never been read."""
        try:
            return self._cache.get(self._read)
        except Exception as error:
            if not isinstance(error, DeadlineError) and reason_in_health(error) is None:
                log.exception("Settings could not be read", event_type=EventType.DB_ERROR)
            last = self._cache.last
            return replace(last, current=False) if last is not None else None

    def settings(self) -> Settings:
        """The settings with their types, as far as they are known. If they have never been read, none is set."""
        stored = self.stored()
        return stored.settings if stored else Settings()

    def last_known(self) -> Settings:
        """The settings as they were read last, without asking the database: every page shows the café's name."""
        last = self._cache.last
        return last.settings if last is not None else Settings()

    def with_endpoint(self) -> Settings:
        """The settings with the address and the name of the language model that answers.

        Raises TemporaryError(settings_unknown) if they have never been read, and what `answering` raises.
        """
        stored = self.stored()
        if stored is None:
            raise TemporaryError(Reason.SETTINGS_UNKNOWN)
        return self.answering(stored.settings)

    def answering(self, settings: Settings) -> Settings:
        """The given settings, with the trial's own model if no address is set.

        Raises PermanentError(not_set) if there is no such model, and NeighbourError while it does not answer.
        """
        if settings.llm_endpoint:
            return settings
        endpoint, model = self._trial_model()
        found = replace(settings, llm_endpoint=endpoint, llm_model=model, llm_temperature=TRIAL_TEMPERATURE)
        return replace(found, is_trial=True)

    def lacks_endpoint(self) -> bool:
        """Whether no address of a language model is set; False if the settings have never been read."""
        stored = self.stored()
        return stored is not None and not stored.settings.llm_endpoint

    def known(self) -> dict[str, str]:
        """The text of every key, as far as it is known; empty texts if the settings have never been read."""
        stored = self.stored()
        return dict(stored.values) if stored else dict.fromkeys(KEYS, "")

    def save(self, changes: Mapping[str, str], *, anyway: bool = False) -> Stored:
        """Validates and saves all changes, or none. Returns the settings as they are then.

        Raises InvalidSettingsError, UnknownKeyError and AwayError. Raises OutsideError if questions would leave the
        network from now on; `anyway` allows that.
        """
        valid = validate(changes, parts(self._app)[Redactor])
        if not anyway and self.leads_outside(valid):
            raise OutsideError
        with self.changing_dates() as session:
            write(session, valid)
            if faults := check_together(_stored(session)):
                name_faults(faults)
                raise InvalidSettingsError(faults)
            _follow(session, self._is_recorded, valid)
        log.info("Settings saved", event_type=EventType.CONFIG_CHANGED, keys=sorted(valid))
        return self._cache.last or self._read()

    @contextmanager
    def changing_dates(self) -> Iterator[Session]:
        """A transaction for a change of the list of dates. Commits, or changes nothing. Raises AwayError."""
        session = db.session()
        session.execute(_SAVING)
        try:
            _follow(session, self._is_recorded)
            _show_next(session)
            yield session
            _show_next(session)
            stored = _look(session)  # before the commit: a failure after it would report saved values as lost
            session.commit()
        except BaseException:
            session.rollback()
            raise
        self._cache.put(stored)

    def settle_dates(self) -> None:
        """Brings the list of dates in line with what the version before has written, unless nothing can be written.

        Raises AwayError.
        """
        try:
            with self._app.app_context(), self.changing_dates():
                pass
        except AwayError as error:
            if error.reason not in UNWRITABLE:
                raise

    def leads_outside(self, valid: Mapping[str, str]) -> bool:
        """Whether the values change the address or the model to one that may be outside this network."""
        known = self.known()
        changed = {key: value for key, value in valid.items() if value and value != known[key]}
        return ("llm_model" in changed and is_cloud_model(changed["llm_model"])) or (
            "llm_endpoint" in changed and not is_inside(_host(changed["llm_endpoint"]))
        )

    def expire(self) -> None:
        """Makes the next read ask the database, so that it sees what another process has just saved."""
        self._cache.expire()

    def learn(self) -> None:
        """Reads the settings once, so that they are known from then on. Raises AwayError."""
        self._cache.put(self._read())
        self._cache.expire()

    def logo_version(self) -> str:
        """The version of the café's logo, just read or last known; empty if there is none."""
        stored = self.stored()
        return stored.logo_version if stored else ""

    def last_logo_version(self) -> str:
        """The version of the café's logo as it was read last, without asking the database: every page shows it."""
        last = self._cache.last
        return last.logo_version if last is not None else ""

    def _read(self) -> Stored:
        with self._app.app_context():
            return _look(db.session())


def _look(session: Session) -> Stored:
    """What the database says now. The logo's version is read along, so that no page asks a second time."""
    values = read(session)
    logo_version = session.scalar(sa.select(Logo.version)) or ""
    dates, cancelled = read_dates(session, values)
    return Stored(values, dates=dates, cancelled=cancelled, logo_version=logo_version)


def _host(endpoint: str) -> str:
    return urlsplit(endpoint).hostname or ""


def store() -> Store:
    """The running app's store."""
    return parts()[Store]
