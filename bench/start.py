"""From the command to the first answer: with an empty database, with the tables there, and beside two references."""

import time

from bench.figures import Table, compared
from bench.interpreter import Interpreter, modules
from bench.servers import Installed, Plain, Postgres, postgres
from tests.server import Server

TITLE = "Start"
ROUNDS = 5


def measure() -> Table:
    """Half a minute, after a first round that counts for nothing: it writes what Python compiles."""
    with postgres() as database:
        _round(database, "first")
        rounds = [_round(database, f"cafe_{number}") for number in range(ROUNDS)]
    cold, warm, plain, imported = zip(*rounds, strict=True)
    return Table(
        TITLE,
        f"Seconds from the command to the first answer, ours to that of `/health/ready`, {ROUNDS} of each, in turns:"
        " median (smallest to largest). PostgreSQL runs already. Cold: its database is empty, and all migrations are"
        " applied; warm: they are there. The bare app is one route of Flask under gunicorn's own threaded worker. The"
        f" interpreter imports the {len(modules())} modules that the app imports of others, and serves nothing.",
        (
            compared("cold, beside the bare app", cold, plain, "s", None),
            compared("warm, beside the bare app", warm, plain, "s", None),
            compared("warm, beside the interpreter", warm, imported, "s", None),
        ),
    )


def _round(database: Postgres, name: str) -> tuple[float, float, float, float]:
    """Seconds: cold, warm, the bare app, the interpreter."""
    ours = Installed(database.folder, database.database(name))
    cold, warm = seconds_to_ready(ours), seconds_to_ready(ours)
    plain = seconds_to_ready(Plain(database.folder))
    with Interpreter() as interpreter:
        imported = interpreter.ready_s
    database.drop(name)
    return cold, warm, plain, imported


def seconds_to_ready(server: Server) -> float:
    """Starts it, waits until it is ready, and stops it."""
    began = time.monotonic()
    with server:
        return time.monotonic() - began
