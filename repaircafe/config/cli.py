"""`flask config-show`, `config-set`, `config-reset` and `config-test`: the way in when no page works."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext

from repaircafe.database.errors import ERRORS, translate
from repaircafe.database.tables import db
from repaircafe.health.checks import report_of
from repaircafe.health.cli import MARKS, echo_report
from repaircafe.health.monitor import monitor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import STEP_LABELS, NeighbourError, Reason, Report, Service, Status
from repaircafe.settings.definitions import KEYS, Settings, UnknownKeyError
from repaircafe.settings.store import InvalidSettingsError, OutsideError, read, store
from repaircafe.web import errors


@click.command("config-show")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
@with_appcontext
def show(as_json: bool) -> None:
    """Shows every setting. Credentials are in .env alone and are never shown."""
    with _plain_failures():
        values = read(db.session())
    if as_json:
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for key in KEYS.values():
        click.echo(f"{key.name:<16} {values[key.name] or '(not set)'}")


@click.command("config-set", context_settings={"ignore_unknown_options": True})  # notes may begin with a dash
@click.argument("key")
@click.argument("value")
@click.option("--anyway", is_flag=True, help="Also an address or a model outside this network.")
@with_appcontext
def set_value(key: str, value: str, anyway: bool) -> None:
    """Sets KEY to VALUE, after the same validation as the page's."""
    with _plain_failures():
        saved = store().save({key: value}, anyway=anyway).values[key]
    click.echo(f"{key} = {saved}" if saved else f"{key} is not set any more.")


@click.command("config-reset")
@click.argument("key")
@with_appcontext
def reset(key: str) -> None:
    """Takes KEY's value away."""
    with _plain_failures():
        store().save({key: ""})
    click.echo(f"{key} is not set any more.")


@click.command("config-test")
@click.argument("service", metavar="[llm|db|mail|all]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def test(service: str, as_json: bool) -> None:
    """Tests a neighbour as the page's button does. Exit 0: all well; 1: not; 2: no such service."""
    if service != "all" and service not in set(Service):
        click.echo(f"There is no service {service!r}. Known: {', '.join(Service)}, all", err=True)
        raise SystemExit(errors.EXIT_USAGE)
    reports = [_test(one) for one in (Service if service == "all" else [Service(service)])]
    if as_json:
        found = [report.as_test() for report in reports]
        click.echo(json.dumps(found if service == "all" else found[0], indent=2, ensure_ascii=False))
    else:
        for report in reports:
            _echo(report)
    # Asked for everything, what is not set up is no failure; asked for by name, it is.
    tolerated = (Status.OK, Status.UNCONFIGURED) if service == "all" else (Status.OK,)
    raise SystemExit(0 if all(report.status in tolerated for report in reports) else errors.EXIT_NOT_OK)


def _test(service: Service) -> Report:
    settings = Settings()
    try:
        if service is Service.LLM:
            settings = store().answering(Settings.of(read(db.session())))
    except NeighbourError as error:
        return report_of(service, error.reason)
    except ERRORS as error:
        reason = translate(error).reason
        db.session.rollback()
        click.echo(f"The settings cannot be read: {explain(Service.DB, reason).sentence}", err=True)
        return report_of(service, Reason.SETTINGS_UNKNOWN)
    db.session.rollback()
    return monitor().test(service, settings.llm_endpoint, settings.llm_model)


def _echo(report: Report) -> None:
    for step in report.steps:
        mark = "ok" if step.ok else MARKS[report.status]
        click.echo(f"     {mark} {STEP_LABELS[step.name]}{f': {step.detail}' if str(step.detail) else ''}")
    echo_report(report)


@contextmanager
def _plain_failures() -> Iterator[None]:
    """One line and an exit code for every foreseeable failure."""
    try:
        with errors.plain_failures():
            yield
    except UnknownKeyError as error:
        errors.fail(f"{error.key}: {error.hint}", errors.EXIT_USAGE)
    except OutsideError as error:
        errors.fail(f"Nothing was saved. {error.message}\nWhat to do: repeat it with --anyway if that is meant.")
    except InvalidSettingsError as error:
        errors.fail("\n".join(f"{key}: {fault}" for key, fault in error.faults.items()))
