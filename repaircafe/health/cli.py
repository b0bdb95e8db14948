"""`flask health`: shows what is wrong even if no page loads."""

from typing import NoReturn

import click
from flask.cli import with_appcontext

from repaircafe.health.monitor import State, monitor
from repaircafe.health.schemas import HealthReport
from repaircafe.neighbours.explanations import explain, neighbour_name
from repaircafe.neighbours.report import Report, Status
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup

MARKS = {Status.OK: "ok", Status.DEGRADED: "!!", Status.UNREACHABLE: "XX", Status.UNCONFIGURED: "--"}


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="Print the same JSON as GET /health.")
@with_appcontext
def command(as_json: bool) -> NoReturn:
    """Checks the database, the language model and mail.

    Exits with 0 if the app can serve pages, with 1 if not.
    """
    startup = parts()[Startup]
    startup.ready = True  # this process serves no pages; only the neighbours count
    health = monitor().health()
    if as_json:
        click.echo(HealthReport.of(health).model_dump_json(indent=2, exclude_unset=True))
    else:
        click.echo(f"{health.state.value}  (migration {health.migrations.current or '-'} of {health.migrations.head})")
        for report in health.reports:
            echo_report(report)
    raise SystemExit(0 if health.state in (State.HEALTHY, State.DEGRADED) and health.ready else 1)


def echo_report(report: Report) -> None:
    """Prints one line for the neighbour and, after a failure, one with the cure."""
    reason = report.reason
    if reason is None:
        click.echo(
            f"[{MARKS[report.status]}] {neighbour_name(report.neighbour)}: {report.detail} ({report.latency_ms:.0f} ms)"
        )
        return
    explanation = explain(report.neighbour, reason)
    detail = f" {report.detail}." if report.detail else ""
    click.echo(
        f"[{MARKS[report.status]}] {neighbour_name(report.neighbour)}: {explanation.sentence}{detail} [{reason.value}]"
    )
    click.echo(f"     What to do: {explanation.cure}")
