"""`flask config-show`, `config-set`, `config-reset` and `config-test`: they work even if no page loads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext

from repaircafe.config.schemas import Values
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.health.cli import MARKS, echo_report
from repaircafe.health.monitor import monitor
from repaircafe.health.schemas import TestReport
from repaircafe.neighbours.checks import report_of
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import STEP_LABELS, Neighbour, NeighbourError, Reason, Report, Status
from repaircafe.settings.definitions import Settings, UnknownKeyError
from repaircafe.settings.keys import GROUP_LABELS, KEYS
from repaircafe.settings.store import InvalidSettingsError, OutsideError, read, store
from repaircafe.web import errors


@click.command("config-show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def show(as_json: bool) -> None:
    """Shows all settings. Credentials are only in .env and are never shown."""
    with _plain_failures():
        values = read(db.session())
    if as_json:
        click.echo(Values.model_validate(values).model_dump_json(indent=2))
        return
    for group, label in GROUP_LABELS.items():
        click.echo(f"{label}:")
        for key in KEYS.values():
            if key.group is group:
                click.echo(f"  {key.name:<16} {values[key.name] or '(not set)'}")


@click.command("config-set", context_settings={"ignore_unknown_options": True})  # notes may begin with a dash
@click.argument("key")
@click.argument("value")
@click.option("--anyway", is_flag=True, help="Also save an address or a model outside this network.")
@with_appcontext
def set_value(key: str, value: str, anyway: bool) -> None:
    """Saves VALUE for the setting KEY.

    VALUE is checked as on the settings page. A list goes on one line, with commas.
    """
    with _plain_failures():
        stored = store().save({key: value}, anyway=anyway)
    saved = stored.values[key]
    click.echo(f"{key} = {saved}" if saved else f"{key} is no longer set.")
    if key in stored.warnings:
        click.echo(str(stored.warnings[key]), err=True)


@click.command("config-reset")
@click.argument("key")
@with_appcontext
def reset(key: str) -> None:
    """Resets the setting KEY to its default."""
    with _plain_failures():
        store().save({key: ""})
    click.echo(f"{key} is no longer set.")


@click.command("config-test")
@click.argument("neighbour", metavar="[llm|db|mail|all]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def test(neighbour: str, as_json: bool) -> None:
    """Tests a connection, as the Test button does.

    Exits with 0 if it works, with 1 if not, with 2 for an unknown name. For all, one that is not set up is no
    failure.
    """
    if neighbour != "all" and neighbour not in set(Neighbour):
        click.echo(f"Unknown name: {neighbour!r}. Known: {', '.join(Neighbour)}, all", err=True)
        raise SystemExit(errors.EXIT_USAGE)
    reports = [_test(one) for one in (Neighbour if neighbour == "all" else [Neighbour(neighbour)])]
    if as_json:
        found = [TestReport.of(report).model_dump(mode="json") for report in reports]
        click.echo(json.dumps(found if neighbour == "all" else found[0], indent=2, ensure_ascii=False))
    else:
        for report in reports:
            _echo(report)
    # One that is not set up is a failure only if it was named.
    tolerated = (Status.OK, Status.UNCONFIGURED) if neighbour == "all" else (Status.OK,)
    raise SystemExit(0 if all(report.status in tolerated for report in reports) else errors.EXIT_NOT_OK)


def _test(neighbour: Neighbour) -> Report:
    settings = Settings()
    try:
        if neighbour is Neighbour.LLM:
            settings = store().answering(Settings.of(read(db.session())))
    except AwayError as error:
        click.echo(f"The settings cannot be read: {explain(Neighbour.DB, error.reason).sentence}", err=True)
        return report_of(neighbour, Reason.SETTINGS_UNKNOWN)
    except NeighbourError as error:
        return report_of(neighbour, error.reason)
    db.session.rollback()
    return monitor().test(neighbour, settings.llm_endpoint, settings.llm_model, settings.llm_temperature)


def _echo(report: Report) -> None:
    for step in report.steps:
        mark = "ok" if step.ok else MARKS[report.status]
        click.echo(f"     {mark} {STEP_LABELS[step.name]}{f': {step.detail}' if str(step.detail) else ''}")
    echo_report(report)


@contextmanager
def _plain_failures() -> Iterator[None]:
    """Ends the command with a sentence and an exit code if the database is away or the input is refused."""
    try:
        with errors.plain_failures():
            yield
    except UnknownKeyError as error:
        errors.fail(f"{error.key}: {error.hint}", errors.EXIT_USAGE)
    except OutsideError as error:
        errors.fail(f"Nothing was saved. {error.message}\nWhat to do: if you want that, add --anyway.")
    except InvalidSettingsError as error:
        errors.fail("\n".join(f"{key}: {fault}" for key, fault in error.faults.items()))
