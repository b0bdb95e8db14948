"""Reads and writes the settings: validated together, saved together, still known while the database is unavailable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from repaircafe.database.errors import reason_in_health
from repaircafe.database.tables import db
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
    current: bool

    @property
    def settings(self) -> Settings:
        """The settings with their types."""
        return Settings.of(self.values)

    @property
    def warnings(self) -> dict[str, Text]:
        """What the organiser should know about valid values, by key."""
        return warnings(self.values)


@dataclass(frozen=True)
class _Read:
    """What one look at the database has found. The logo's version is read along, so that no page asks a second time."""

    values: dict[str, str]
    logo_version: str


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


def read(session: Session) -> dict[str, str]:
    """The text of every setting; empty if it is not set.

    A row that is unknown or no longer valid is ignored and logged once.
    """
    values = dict.fromkeys(KEYS, "")
    for key, value in session.execute(sa.select(Setting.key, Setting.value)):
        try:
            values[key] = parse(key, value)
        except (UnknownKeyError, RefusedError):
            _log_ignored(key)
    return values


@cache
def _log_ignored(key: str) -> None:
    """Logs a key only once: the settings are read every few seconds, and the log may be on an SD card."""
    log.warning("Setting ignored", event_type=EventType.VALIDATION_ERROR, resource_id=key)


class Store:
    """The app's settings. They can be read at any time, without a long wait for a database that does not answer."""

    def __init__(self, app: Flask, trial_model: Callable[[], tuple[str, str]]) -> None:
        """`trial_model` returns the address and the name of the model that answers while no address is set.

        It raises NeighbourError if there is no such model.
        """
        self._app = app
        self._trial_model = trial_model
        self._cache: Cached[_Read] = Cached("settings", SETTINGS_FRESH_S, SETTINGS_READ_LIMIT_S)
        parts(app).add(self)

    def stored(self) -> Stored | None:
        """The settings, just read or last known; None if they have never been read."""
        try:
            return Stored(self._cache.get(self._read).values, current=True)
        except Exception as error:
            if not isinstance(error, DeadlineError) and reason_in_health(error) is None:
                log.exception("Settings could not be read", event_type=EventType.DB_ERROR)
            last = self._cache.last
            return Stored(last.values, current=False) if last is not None else None

    def settings(self) -> Settings:
        """The settings with their types, as far as they are known. If they have never been read, none is set."""
        stored = self.stored()
        return stored.settings if stored else Settings()

    def last_known(self) -> Settings:
        """The settings as they were read last, without asking the database: every page shows the café's name."""
        last = self._cache.last
        return Settings.of(last.values) if last is not None else Settings()

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
        session = db.session()
        session.execute(_SAVING)
        write(session, valid)
        values = read(session)  # before the commit: a failure after it would report saved values as lost
        if faults := check_together(values):
            session.rollback()
            name_faults(faults)
            raise InvalidSettingsError(faults)
        logo_version = _logo_version(session)
        session.commit()
        log.info("Settings saved", event_type=EventType.CONFIG_CHANGED, keys=sorted(valid))
        self._cache.put(_Read(values, logo_version))
        return Stored(values, current=True)

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
        self.stored()
        last = self._cache.last
        return last.logo_version if last else ""

    def _read(self) -> _Read:
        with self._app.app_context():
            session = db.session()
            return _Read(read(session), _logo_version(session))


def _logo_version(session: Session) -> str:
    return session.scalar(sa.select(Logo.version)) or ""


def _host(endpoint: str) -> str:
    return urlsplit(endpoint).hostname or ""


def store() -> Store:
    """The running app's store."""
    return parts()[Store]
