"""`flask health`: the way in when no page works."""

import json
from typing import NoReturn

import click
from flask.cli import with_appcontext

from repaircafe.health.monitor import State, monitor
from repaircafe.neighbours.explanations import SERVICE_NAMES, explain
from repaircafe.neighbours.report import Report, Status
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup

MARKS = {Status.OK: "ok", Status.DEGRADED: "!!", Status.UNREACHABLE: "XX", Status.UNCONFIGURED: "--"}


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="The same JSON as GET /health.")
@with_appcontext
def command(as_json: bool) -> NoReturn:
    """Shows how the database, the language model and mail are. Exit 0 while pages can be served, else 1."""
    startup = parts()[Startup]
    startup.ready = True  # this process serves no page; what it is asked is how the neighbours are
    health = monitor().health()
    if as_json:
        click.echo(json.dumps(health.as_dict(), indent=2, ensure_ascii=False))
    else:
        click.echo(f"{health.state.value}  (migration {health.migrations.current or '-'} of {health.migrations.head})")
        for report in health.reports:
            echo_report(report)
    raise SystemExit(0 if health.state in (State.HEALTHY, State.DEGRADED) and health.ready else 1)


def echo_report(report: Report) -> None:
    """One line for the service, and for a failure one with the cure."""
    reason = report.reason
    if reason is None:
        click.echo(
            f"[{MARKS[report.status]}] {SERVICE_NAMES[report.service]}: {report.detail} ({report.latency_ms:.0f} ms)"
        )
        return
    explanation = explain(report.service, reason)
    detail = f" {report.detail}." if report.detail else ""
    click.echo(
        f"[{MARKS[report.status]}] {SERVICE_NAMES[report.service]}: {explanation.sentence}{detail} [{reason.value}]"
    )
    click.echo(f"     What to do: {explanation.cure}")
