"""`flask jobs`: what is under way, and why the last jobs failed, even if no page loads."""

from collections.abc import Sequence
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import with_appcontext
from pydantic_core import to_json

from repaircafe.database.tables import db
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour
from repaircafe.web.errors import plain_failures
from repaircafe.work import queue
from repaircafe.work.models import IS_UNDER_WAY, Job, State

MAX_FAILED_COUNT = 10
_SHOWN = sa.select(Job.id, Job.kind, Job.subject, Job.state, Job.reason, Job.created_at, Job.updated_at)
"""Never the text. As columns, because a newer version may have stored a kind that this one does not know."""


@click.command("jobs")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
def command(as_json: bool) -> None:
    """Lists the jobs under way, and why the last ten failed.

    Jobs are replies, announcements, downloads and fetches of mail. Their texts are not shown.
    """
    ended_badly = Job.state.in_((State.FAILED, State.BROKEN))
    with plain_failures():
        session = db.session()
        queue.settle_abandoned(session)
        under_way = session.execute(_SHOWN.where(IS_UNDER_WAY).order_by(Job.created_at, Job.id)).all()
        failed = session.execute(
            _SHOWN.where(ended_badly).order_by(Job.updated_at.desc()).limit(MAX_FAILED_COUNT)
        ).all()
    if as_json:
        lists = {"under_way": under_way, "failed": failed}
        named = {name: [dict(job._mapping) | _explained(job) for job in jobs] for name, jobs in lists.items()}
        click.echo(to_json(named, indent=2).decode())
        return
    _echo("Under way", under_way, "Nothing is under way.")
    _echo("Failed", failed, "Nothing has failed.")


def _echo(title: str, jobs: Sequence[Any], otherwise: str) -> None:
    click.echo(f"{title}:" if jobs else otherwise)
    for job in jobs:
        click.echo(f"  {job.updated_at.astimezone():%Y-%m-%d %H:%M}  {job.kind} {job.subject}: {job.state.value}")
        if told := _explained(job):
            reason = f" [{job.reason.value}]" if job.reason else ""
            click.echo(f"      {told['sentence']}{reason}\n      What to do: {told['cure']}")


def _explained(job: Any) -> dict[str, str]:
    """Why a job failed, and what to do. Empty for a job that did not."""
    if job.state is State.BROKEN:
        return {"sentence": "Its process ended.", "cure": "Start it again."}
    if job.reason is None:
        return {}
    explanation = explain(Neighbour.MAIL if job.kind == "fetch" else Neighbour.LLM, job.reason)
    return {"sentence": str(explanation.sentence), "cure": str(explanation.cure)}
