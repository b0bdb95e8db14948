"""The app factory: it makes all parts and connects them."""

from functools import cache
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask_babel import get_locale

from repaircafe import logs
from repaircafe.afternoons import views as afternoons_views
from repaircafe.afternoons.records import is_recorded
from repaircafe.announcements import edits as announcements_edits
from repaircafe.announcements import views as announcements_views
from repaircafe.announcements.drafts import Announcer
from repaircafe.answers import wording as answers_wording
from repaircafe.backup import cli as backup_cli
from repaircafe.backup import folder
from repaircafe.chat import api as chat_api
from repaircafe.chat import views as chat_views
from repaircafe.chat.writer import Writer
from repaircafe.components import views as components_views
from repaircafe.config import cli as config_cli
from repaircafe.config import views as config_views
from repaircafe.database import explanations as database_explanations
from repaircafe.database.check import DatabaseCheck
from repaircafe.database.embedded import EmbeddedDatabaseError
from repaircafe.database.engines import Database
from repaircafe.database.migrations import migrate
from repaircafe.database.process_lock import ProcessLock
from repaircafe.database.programs import BackupError
from repaircafe.dates import api as dates_api
from repaircafe.dates import views as dates_views
from repaircafe.downloads import views as downloads_views
from repaircafe.downloads.downloader import Downloader
from repaircafe.environment import PROJECT, Environment, load_or_exit
from repaircafe.facts.wording import clock_time
from repaircafe.health import cli as health_cli
from repaircafe.health import views as health_views
from repaircafe.health.history import History
from repaircafe.health.monitor import Monitor
from repaircafe.health.status import BackupState, Board, LastBackup
from repaircafe.home import views as home_views
from repaircafe.llm import check as llm_check
from repaircafe.llm import explanations as llm_explanations
from repaircafe.llm.failures import Failures
from repaircafe.llm.trial import Trial
from repaircafe.logo import views as logo_views
from repaircafe.mail import api as mail_api
from repaircafe.mail import check as mail_check
from repaircafe.mail import cli as mail_cli
from repaircafe.mail import explanations as mail_explanations
from repaircafe.mail import google_cli, imap_check, imap_explanations
from repaircafe.mail import views as mail_views
from repaircafe.mail.fetcher import Fetcher
from repaircafe.mail.google_token import GmailCredentials
from repaircafe.mail.imap_account import ImapAccount
from repaircafe.mail.source import source_of
from repaircafe.neighbours import explanations
from repaircafe.neighbours.checks import NeighbourCheck
from repaircafe.neighbours.explanations import NeighbourWords
from repaircafe.neighbours.report import Neighbour
from repaircafe.paper import views as paper_views
from repaircafe.parts import Parts
from repaircafe.retention import cli as retention_cli
from repaircafe.runtime import startup
from repaircafe.runtime.lifecycle import Lifecycle
from repaircafe.settings.store import Store
from repaircafe.setup import views as setup_views
from repaircafe.setup.finder import Finder
from repaircafe.signin import cli as signin_cli
from repaircafe.signin import views as signin_views
from repaircafe.today import views as today_views
from repaircafe.unanswered import views as unanswered_views
from repaircafe.web import access, assets, errors, languages, openapi
from repaircafe.web.application import Application
from repaircafe.web.negotiation import version_of
from repaircafe.work import cli as work_cli
from repaircafe.work.runner import Runner
from repaircafe.writing.generation import Generator
from repaircafe.writing.warm_up import WarmUp

NAMELESS = "Repair Café"
"""What a café is called on its pages while the settings have no name."""


def create_app(environment: Environment | None = None) -> Flask:
    """The application with all its parts, which find each other by `parts()`. `Startup.run` waits for the database.

    Ends the process with exit code 78 if the environment is wrong, and with 1 if the trial's PostgreSQL does not start.
    """
    environment = environment or load_or_exit()
    register_words(_mail_words(environment))
    app = Application(__name__, template_folder=str(PROJECT / "templates"), static_folder=str(PROJECT / "static"))
    parts = Parts(app)
    parts.add(environment)
    parts.add(logs.configure(environment, quiet=click.get_current_context(silent=True) is not None))
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.debug = environment.debug
    database = _database(app, environment)
    trial = Trial(
        environment,
        is_wanted=lambda: opening.ready and store.lacks_endpoint(),
        changed=lambda: monitor.forget(Neighbour.LLM),
    )
    store = Store(app, trial.address, is_recorded)
    parts.add(trial)
    process_lock = parts.add(ProcessLock(database.connect))  # its key: `owner` in the tables
    failures = parts.add(Failures(changed=lambda: monitor.forget(Neighbour.LLM)))
    _add_jobs(app, database, store, process_lock, failures)
    opening = startup.Startup(app, database)
    history = parts.add(History(app))
    parts.add(_lifecycle(parts))
    monitor = Monitor(app, opening, DatabaseCheck(database), _other_checks(parts, store), history.note)
    Board(app, history, store, lambda: _last_backup(environment))
    logs.watch_requests(app, monitor.errors.count)
    opening.guard()
    opening.before_opening += [store.learn, store.settle_dates, *access.init_app(app, lambda: opening.ready)]
    _add_words_and_drawings(app, store)
    _add_pages(app)
    _add_commands(app)
    return app


def _add_words_and_drawings(app: Flask, store: Store) -> None:
    """Gives the templates what every page has."""
    assets.init_app(app)
    languages.init_app(app, lambda: store.settings().event_zone.key)
    health_views.init_templates(app.jinja_env.globals)
    app.jinja_env.globals["questions_to_tap"] = lambda: answers_wording.questions(store.last_known())
    app.jinja_env.globals["clock_time"] = lambda at: clock_time(at, get_locale())
    app.jinja_env.globals["cafe_name"] = lambda: store.last_known().cafe_name or NAMELESS


def _add_jobs(app: Flask, database: Database, store: Store, process_lock: ProcessLock, failures: Failures) -> None:
    """Adds every kind of job, and what runs them."""
    runner, generator = Runner(app, database, process_lock), Generator(database, store, failures)
    WarmUp(app, generator, runner)
    Writer(app, database, generator, runner)
    Announcer(app, generator, runner)
    Downloader(app, store, runner)
    Fetcher(app, runner, source_of(database.environment), database.environment.mail_retention_days)


def register_words(mail: NeighbourWords = mail_explanations.WORDS) -> None:
    """Registers what `explain` says about each neighbour; `mail` depends on the kind of the mailbox."""
    explanations.register(Neighbour.DB, database_explanations.WORDS)
    explanations.register(Neighbour.LLM, llm_explanations.WORDS)
    explanations.register(Neighbour.MAIL, mail)


def _mail_words(environment: Environment) -> NeighbourWords:
    return imap_explanations.WORDS if ImapAccount.of(environment) else mail_explanations.WORDS


def _database(app: Flask, environment: Environment) -> Database:
    """The database. Ends the process with exit code 1 if the trial's own PostgreSQL does not start."""
    try:
        database = Database(app, environment)
    except EmbeddedDatabaseError as error:
        startup.report(error)
        raise SystemExit(1) from None
    migrate.init_app(app)
    return database


def _other_checks(parts: Parts, store: Store) -> dict[Neighbour, NeighbourCheck]:
    environment = parts[Environment]
    return {
        Neighbour.LLM: llm_check.neighbour_check(store, parts[Failures], environment.llm_api_key),
        Neighbour.MAIL: _mail_check(environment),
    }


def _mail_check(environment: Environment) -> NeighbourCheck:
    account = ImapAccount.of(environment)
    if account is not None:
        return imap_check.neighbour_check(account)
    return mail_check.neighbour_check(GmailCredentials.of(environment))


def _last_backup(environment: Environment) -> LastBackup:
    """What Status says of the newest backup. A folder that cannot be read, like a stick that is gone, is no error."""
    try:
        newest = folder.newest(folder.locate(environment))
    except BackupError:
        return LastBackup(BackupState.LOST)
    if newest is None:
        return LastBackup(BackupState.NONE)
    return LastBackup(BackupState.READABLE if newest.manifest else BackupState.DAMAGED, newest.at, newest.size)


def _lifecycle(parts: Parts) -> Lifecycle:
    """What to call when a worker starts and ends. Its lock goes last: it says what the worker owns."""
    opening, trial, runner = parts[startup.Startup], parts[Trial], parts[Runner]
    return Lifecycle(
        when_worker_starts=[opening.run_in_background, trial.start],
        when_worker_must_end=[runner.close],
        when_worker_ends=[
            runner.close,
            trial.close,
            parts[History].close,
            opening.close,
            parts[ProcessLock].leave,
        ],
    )


def _add_versions(app: Flask) -> None:
    """Gives a changed script or style sheet a new URL, so that after an upgrade no new page uses an old one."""
    folder = Path(str(app.static_folder))

    @cache
    def version(name: str) -> str:
        return version_of((folder / name).read_bytes()) if (folder / name).is_file() else ""

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and (found := version(values["filename"])):
            values["v"] = found


def _add_pages(app: Flask) -> None:
    chat_api.init_app(app)
    Finder(app)
    signin_views.init_app(app, signin_views.Hooks(today_views.first_page, chat_views.hand_over_to_operator))
    logo_views.init_app(app)
    errors.init_app(app)
    _add_versions(app)
    for views in (
        home_views,
        health_views,
        config_views,
        downloads_views,
        logo_views,
        chat_views,
        chat_api,
        signin_views,
        openapi,
        languages,
        announcements_views,
        announcements_edits,
        setup_views,
        paper_views,
        dates_views,
        dates_api,
        afternoons_views,
        unanswered_views,
        mail_api,
        mail_views,
        today_views,
    ):
        app.register_blueprint(views.blueprint)
    if app.debug:
        app.register_blueprint(components_views.blueprint)


def _add_commands(app: Flask) -> None:
    for command in (
        health_cli.command,
        config_cli.show,
        config_cli.set_value,
        config_cli.reset,
        config_cli.test,
        backup_cli.group,
        retention_cli.prune,
        signin_cli.command,
        google_cli.authorize,
        work_cli.command,
        mail_cli.fetch,
        mail_cli.forget,
        mail_cli.status,
    ):
        app.cli.add_command(command)
