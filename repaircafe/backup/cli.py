"""`flask backup create`, `list`, `verify` and `restore`: what the timer runs, and the way back."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from flask.cli import AppGroup

from repaircafe.backup import archive
from repaircafe.backup import restore as restoring
from repaircafe.backup.archive import Kind
from repaircafe.database.engines import Database
from repaircafe.database.programs import BackupError
from repaircafe.environment import Environment
from repaircafe.parts import parts
from repaircafe.web.errors import EXIT_NOT_OK, EXIT_USAGE, fail

group = AppGroup("backup", help="Makes, checks and restores backups of the database.")


@group.command("create")
@click.option(
    "--kind",
    type=click.Choice([Kind.DAILY.value, Kind.MANUAL.value, Kind.UPGRADE.value]),
    default=Kind.MANUAL.value,
    show_default=True,
    help="Why: it decides how long it stays.",
)
def create(kind: str) -> None:
    """Makes a backup, and removes those that are no longer kept."""
    with _plain_failures():
        ours = _database()
        made = archive.create(ours.environment, ours.target, Kind(kind))
    click.echo(f"{made.path}  {_size(made.size)}  {made.content}")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(as_json: bool) -> None:
    """Shows the backups, newest first. Needs no database."""
    with _plain_failures():
        found = archive.listing(_folder())
    if as_json:
        click.echo(json.dumps([backup.as_dict() for backup in found], indent=2, ensure_ascii=False))
        return
    for backup in found:
        revision = backup.manifest.revision if backup.manifest else None
        when = f"{backup.at:%Y-%m-%d %H:%M:%S} UTC"
        head = f"{backup.path.name}  {backup.kind.value:<9}  {when}  {_size(backup.size):>10}"
        click.echo(f"{head}  migration {revision or '-'}  {backup.content}")
    if not found:
        click.echo(f"There is no backup in {_folder()}.")


@group.command("verify")
@click.argument("files", metavar="[FILE ...]", nargs=-1)
def verify(files: tuple[str, ...]) -> NoReturn:
    """Checks that backups are whole, all of them unless named. Needs no database. Exit 0: all are; 1: not."""
    with _plain_failures():
        place = _folder()
        paths = [archive.find(place, text) for text in files] or [found.path for found in archive.listing(place)]
    if not paths:
        fail(f"There is no backup in {place}.")
    faults = [_fault(path) for path in paths]
    for path, fault in zip(paths, faults, strict=True):
        click.echo(f"{path.name}: {fault or 'whole'}", err=bool(fault))
    raise SystemExit(EXIT_NOT_OK if any(faults) else 0)


@group.command("restore")
@click.argument("file")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: str, yes: bool) -> None:
    """Puts FILE in the place of the database, of which a safety copy is made first."""
    with _plain_failures():
        ours = _database()
        path = archive.find(_folder(), file)
        manifest = restoring.accept(path)
        before = restoring.live(ours.environment, ours.target)
        if before.rows and not yes:
            _ask(f"The database {before.name} holds {before.rows} rows. Replace them by {path.name}?")
        with _cleared_up():
            done = restoring.restore(ours.environment, ours.target, path, manifest)
    if done.safety:
        click.echo(f"The data before are in {done.safety.path}")
    click.echo(
        f"Restored {path.name} into the database {done.name}: {len(manifest.tables)} tables, {manifest.rows} rows."
    )
    click.echo(
        "What to do next: sudo systemctl restart repaircafe (the start brings an older backup's tables up to date)."
    )


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        fail(f"{question}\nWhat to do: there is no terminal to answer at; say --yes.", EXIT_USAGE)
    click.confirm(question, abort=True)


def _fault(path: Path) -> str:
    try:
        archive.verify(path)
    except BackupError as error:
        return error.problem
    return ""


def _database() -> Database:
    return parts()[Database]


def _folder() -> Path:
    return archive.folder(parts()[Environment])


def _size(size: int) -> str:
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"


@contextmanager
def _cleared_up() -> Iterator[None]:
    """A lost SSH connection and a shutdown end it as Ctrl-C does: no copy of what visitors wrote stays behind."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGHUP, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _plain_failures() -> Iterator[None]:
    """What is wrong, what to do, and an exit code for every foreseeable failure."""
    try:
        yield
    except BackupError as error:
        fail(str(error))
