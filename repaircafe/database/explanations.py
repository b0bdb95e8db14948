"""The explanations of the database's reasons: a sentence and a cure for each."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from repaircafe.database.errors import UNWRITABLE, AwayError
from repaircafe.neighbours.commands import PROGRAM, RELOAD, with_own_database
from repaircafe.neighbours.explanations import Explanation, NeighbourWords, explain
from repaircafe.neighbours.report import Neighbour, Reason, Text

_CHECK_URL = _l("Check DATABASE_URL and POSTGRES_PASSWORD in .env, then: %(reload)s", reload=RELOAD)
_RESTART_TRIAL = _l("This trial has its own PostgreSQL. End the trial with Ctrl+C and start it again: make run")
_RESTART_POSTGRESQL = with_own_database(
    _RESTART_TRIAL,
    _l(
        "Check its log: sudo docker logs --tail 50 repaircafe-postgres. Or restart it: sudo docker "
        "restart repaircafe-postgres. The app notices by itself. If you run PostgreSQL yourself, "
        "check its own log."
    ),
)

_EXPLANATIONS = {
    Reason.DNS: Explanation(_l("The name of the database's computer is not known."), _CHECK_URL),
    Reason.REFUSED: Explanation(
        _l("The database is not running."),
        with_own_database(
            _RESTART_TRIAL,
            _l(
                "Start PostgreSQL: sudo docker start repaircafe-postgres. The app notices by itself. If it "
                "stops again, check with df -h whether a disk is full. If you run PostgreSQL yourself, "
                "start it on its own computer."
            ),
        ),
    ),
    Reason.AUTH_REFUSED: Explanation(_l("The database refuses our name or password."), _CHECK_URL),
    Reason.DATABASE_MISSING: Explanation(_l("PostgreSQL runs, but has no database of that name."), _CHECK_URL),
    Reason.RESTORING: Explanation(
        _l("The database is being restored, or a restore was interrupted."),
        _l(
            "If a restore is running, wait. If it was interrupted, run it again: %(program)s backup restore FILE",
            program=PROGRAM,
        ),
    ),
    Reason.LOADING: Explanation(_l("The database is starting up."), _l("Wait a little; the app notices by itself.")),
    Reason.TOO_MANY_CONNECTIONS: Explanation(
        _l("The database has no free connection left."),
        _l("Close other programs that use it, or lower DB_POOL_SIZE and DB_MAX_OVERFLOW in .env."),
    ),
    Reason.BAD_ANSWER: Explanation(
        _l("Another program, not PostgreSQL, answers at the database's address."), _CHECK_URL
    ),
    Reason.NOT_MIGRATED: Explanation(
        _l("The database's tables belong to another version."),
        _l("Restart the service: it brings them up to date. By hand: %(program)s db upgrade", program=PROGRAM),
    ),
    Reason.SCHEMA_NEWER: Explanation(
        _l("The database's tables belong to a newer version."),
        _l(
            "Install the newer version on this computer as well. The present one keeps running, but cannot start again."
        ),
    ),
    Reason.SCHEMA_DRIFT: Explanation(
        _l("A migration script was changed after it had been applied."),
        _l("Install the released version again; the Status page names the script."),
    ),
    Reason.SLOW: Explanation(
        _l("The database answers slowly."), _l("Check whether the SD card is full or another program keeps it busy.")
    ),
    Reason.DISK_FULL: Explanation(
        _l("The disk under the database is full."),
        _l("Make room: df -h shows which disk is full. The app notices by itself."),
    ),
    Reason.READ_ONLY: Explanation(
        _l("The database can be read, but accepts no changes."),
        _l("Its disk may be failing: make a backup onto a USB stick now, then check PostgreSQL's log."),
    ),
}

WORDS = NeighbourWords(
    name=_l("Database"),
    subject=_l("The database"),
    still_works=_l("The pages open and show the last known facts. Nothing can be saved until it is back."),
    restart=_RESTART_POSTGRESQL,
    explanations=_EXPLANATIONS,
)
"""What every page and command says of it."""


def not_saved(error: AwayError) -> Text:
    """The sentence for a database that became unavailable during a save, or that stores nothing."""
    if error.reason in UNWRITABLE:
        why = explain(Neighbour.DB, error.reason).sentence
        return _("Nothing was saved. %(why)s What you typed is still here.", why=why)
    return _(
        "Nothing was saved: the database is not reachable. What you typed is still here: save it "
        "when the database is back."
    )
