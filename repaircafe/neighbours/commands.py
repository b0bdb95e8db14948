"""What a cure lets the organiser type: on an installed app, or in a trial (`make run`).

A trial has neither systemd nor the command `repaircafe`.
"""

from flask import has_app_context
from flask_babel import LazyString

from repaircafe.environment import Environment
from repaircafe.neighbours.report import Text
from repaircafe.parts import parts


def is_development() -> bool:
    """Whether the running app is a trial. The documents, which have no app, are about an installed one."""
    return has_app_context() and parts()[Environment].development


def with_own_database(own: Text, other: Text) -> LazyString:
    """The first text in a trial that runs its own PostgreSQL, and the other one elsewhere."""
    return LazyString(lambda: str(own if is_development() and parts()[Environment].database_url is None else other))


def _typed(installed: str, trial: str) -> LazyString:
    return LazyString(lambda: trial if is_development() else installed)


PROGRAM = _typed("repaircafe", ".venv/bin/flask")
"""Before the name of one of the app's own commands, as in docs/commands.md."""
RELOAD = _typed("sudo systemctl reload repaircafe", "Ctrl+C, make run")
"""After a change of `.env`."""
