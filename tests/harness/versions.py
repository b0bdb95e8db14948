"""The project as a later version: a copy of its files that has migrations more."""

import shutil
import subprocess
from pathlib import Path

from repaircafe.environment import PROJECT

_MIGRATION = """
import sqlalchemy as sa
from alembic import op
revision = {revision!r}
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade():
    {body}
"""


def copy_project(to: Path) -> None:
    """The project as it is now, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target)


def copy_as_later(to: Path, head: str, **migrations: str) -> None:
    """A copy with a version of its own, and after `head` migrations: bodies of `upgrade` by revision."""
    copy_project(to)
    version = to / "repaircafe" / "version.py"
    version.write_text(version.read_text().replace('__version__ = "', '__version__ = "9.', 1))
    for revision, body in migrations.items():
        text = _MIGRATION.format(revision=revision, before=head, body=body)
        (to / "migrations" / "versions" / f"{revision}_next.py").write_text(text)
        head = revision
