"""The factory: every part is made and wired here."""

from functools import cache
from pathlib import Path
from typing import Any

import click
from flask import Flask

from repaircafe import logs
from repaircafe.announcements import views as announcements_views
from repaircafe.backup import cli as backup_cli
from repaircafe.chat import api as chat_api
from repaircafe.chat import cli as chat_cli
from repaircafe.chat import views as chat_views
from repaircafe.chat.writer import Writer
from repaircafe.components import views as components_views
from repaircafe.config import cli as config_cli
from repaircafe.config import views as config_views
from repaircafe.database.embedded import EmbeddedDatabaseError
from repaircafe.database.engines import Database
from repaircafe.database.migrations import migrate
from repaircafe.database.process_lock import ProcessLock
from repaircafe.downloads import views as downloads_views
from repaircafe.downloads.downloader import Downloader
from repaircafe.environment import PROJECT, Environment, load_or_exit
from repaircafe.health import cli as health_cli
from repaircafe.health import views as health_views
from repaircafe.health.monitor import Monitor
from repaircafe.home import views as home_views
from repaircafe.llm.trial import Trial
from repaircafe.neighbours.report import Service
from repaircafe.parts import Parts
from repaircafe.runtime import startup
from repaircafe.settings.store import Store
from repaircafe.signin import cli as signin_cli
from repaircafe.signin import views as signin_views
from repaircafe.web import access, errors, languages, openapi
from repaircafe.web.application import Application
from repaircafe.web.negotiation import version_of


def create_app(environment: Environment | None = None) -> Flask:
    """The application, wired but not yet waiting for its database: `Startup.run` does that.

    Ends the process with exit code 78 where the environment is wrong.
    """
    environment = environment or load_or_exit()
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
        changed=lambda: monitor.forget(Service.LLM),
    )
    store = Store(app, trial.address)
    parts.add(trial)
    process_lock = parts.add(ProcessLock(database.connect))  # one name for all that this process owns
    Writer(app, database, store, process_lock)
    Downloader(app, database, store, process_lock)
    opening = startup.Startup(app, database)
    monitor = Monitor(app, database, store, opening)
    logs.watch_requests(app, monitor.errors.count)
    opening.guard()
    users = access.init_app(app, lambda: opening.ready)
    opening.before_opening += [store.learn, users.learn]
    languages.init_app(app, lambda: store.settings().event_zone.key)
    chat_api.init_app(app)
    signin_views.init_app(app, signin_views.Hooks(home_views.first_page, chat_views.hand_over_to_operator))
    errors.init_app(app)
    _add_versions(app)
    _add_pages(app)
    _add_commands(app)
    health_views.init_templates(app.jinja_env.globals)
    return app


def _database(app: Flask, environment: Environment) -> Database:
    """Ends the process with exit code 1 where the trial's own PostgreSQL does not start."""
    try:
        database = Database(app, environment)
    except EmbeddedDatabaseError as error:
        startup.report(error)
        raise SystemExit(1) from None
    migrate.init_app(app)
    return database


def _add_versions(app: Flask) -> None:
    """Another address for a script or a style sheet that has changed: after an upgrade no new page meets an old one."""
    folder = Path(str(app.static_folder))

    @cache
    def version(name: str) -> str:
        return version_of((folder / name).read_bytes()) if (folder / name).is_file() else ""

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and (found := version(values["filename"])):
            values["v"] = found


def _add_pages(app: Flask) -> None:
    for views in (
        home_views,
        health_views,
        config_views,
        downloads_views,
        chat_views,
        chat_api,
        signin_views,
        openapi,
        languages,
        announcements_views,
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
        chat_cli.prune,
        signin_cli.command,
    ):
        app.cli.add_command(command)
