"""A process that fetches from a scripted mailbox and stops in the middle: the test kills it there.

Its arguments: how many letters there are, and after how many it says so and waits.
"""

import os
import sys
import time

from repaircafe.app import create_app
from repaircafe.database.tables import db
from repaircafe.environment import Environment
from repaircafe.mail.fetcher import Fetcher
from repaircafe.parts import parts
from repaircafe.runtime.startup import Startup
from tests.mail.scene import ScriptedMailbox, series


def main(size: int, stop_at: int) -> None:
    """Fetches until it is killed."""
    app = create_app(Environment(database_url=os.environ["TEST_DATABASE_URL"]))  # type: ignore[arg-type]
    assert parts(app)[Startup].run(10)
    mailbox = ScriptedMailbox(series(size))

    def pause(given: int) -> None:
        if given == stop_at:
            print("there", flush=True)
            time.sleep(600)

    mailbox.after = pause
    parts(app)[Fetcher].source = mailbox.source()
    with app.app_context():
        parts(app)[Fetcher].start(db.session())
    time.sleep(600)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
