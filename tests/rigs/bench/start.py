"""Measures the time from the command to the first answer, with and without tables, beside two references."""

import time

from tests.harness.server import Server
from tests.rigs.bench.figures import Table, compared
from tests.rigs.bench.interpreter import Interpreter, modules
from tests.rigs.bench.servers import Installed, Plain, Postgres, postgres

TITLE = "Start"
ROUNDS = 5


def measure() -> Table:
    """Measures the table; takes half a minute. A first round does not count, because in it Python writes its caches."""
    with postgres() as database:
        _round(database, "first")
        rounds = [_round(database, f"cafe_{number}") for number in range(ROUNDS)]
    cold, warm, plain, imported = zip(*rounds, strict=True)
    return Table(
        TITLE,
        f"Seconds from the command to the first answer, ours to that of `/health/ready`, {ROUNDS} of each, in turns:"
        " median (smallest to largest). PostgreSQL runs already. Cold: its database is empty, and all migrations are"
        " applied. Warm: the tables are there. The bare app is one Flask route under gunicorn's own threaded worker."
        f" The interpreter imports the {len(modules())} modules of other packages that the app imports, and serves"
        " nothing.",
        (
            compared("cold, beside the bare app", cold, plain, "s", None),
            compared("warm, beside the bare app", warm, plain, "s", None),
            compared("warm, beside the interpreter", warm, imported, "s", None),
        ),
    )


def _round(database: Postgres, name: str) -> tuple[float, float, float, float]:
    """Seconds for: a cold start, a warm start, the bare app, the interpreter."""
    ours = Installed(database.folder, database.database(name))
    cold, warm = seconds_to_ready(ours), seconds_to_ready(ours)
    plain = seconds_to_ready(Plain(database.folder))
    with Interpreter() as interpreter:
        imported = interpreter.ready_s
    database.drop(name)
    return cold, warm, plain, imported


def seconds_to_ready(server: Server) -> float:
    """Starts a server, waits until it is ready, stops it. Returns the seconds until then."""
    began = time.monotonic()
    with server:
        return time.monotonic() - began
