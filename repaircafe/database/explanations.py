"""The explanations of the database's reasons: a sentence and a cure for each."""

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.explanations import Explanation, NeighbourWords
from repaircafe.neighbours.report import Reason

_CHECK_URL = _l("Check DATABASE_URL and POSTGRES_PASSWORD in .env, then: sudo systemctl reload repaircafe")
_RESTART_POSTGRESQL = _l(
    "Look into its log: sudo docker logs --tail 50 repaircafe-postgres. Or start it again: sudo docker restart"
    " repaircafe-postgres. The app notices by itself. A PostgreSQL of your own has its log where it is."
)

_EXPLANATIONS = {
    Reason.DNS: Explanation(_l("The name of the database's machine is not known."), _CHECK_URL),
    Reason.REFUSED: Explanation(
        _l("The database is not running."),
        _l(
            "Start PostgreSQL: sudo docker start repaircafe-postgres. The app notices by itself."
            " If it stops again, df -h says whether a disk is full."
            " A PostgreSQL of your own is started where it is."
        ),
    ),
    Reason.AUTH_REFUSED: Explanation(_l("The database refuses our name or password."), _CHECK_URL),
    Reason.DATABASE_MISSING: Explanation(_l("PostgreSQL runs, but has no database of that name."), _CHECK_URL),
    Reason.RESTORING: Explanation(
        _l("The database is being restored, or was until that was cut off."),
        _l("Wait where it goes on. Where it was cut off, restore again: repaircafe backup restore FILE"),
    ),
    Reason.LOADING: Explanation(_l("The database is starting up."), _l("Wait a little; the app notices by itself.")),
    Reason.TOO_MANY_CONNECTIONS: Explanation(
        _l("The database has no connection to spare."),
        _l("Close other programs that use it, or lower DB_POOL_SIZE and DB_MAX_OVERFLOW in .env."),
    ),
    Reason.BAD_ANSWER: Explanation(_l("What answers at the database's address is not PostgreSQL."), _CHECK_URL),
    Reason.NOT_MIGRATED: Explanation(
        _l("The database's tables are not those of this version."),
        _l("Restart the service: it brings them up to date. By hand: repaircafe db upgrade"),
    ),
    Reason.SCHEMA_NEWER: Explanation(
        _l("The database's tables are those of a newer version."),
        _l("Install the newer version on this machine as well. This one goes on, but does not start again."),
    ),
    Reason.SCHEMA_DRIFT: Explanation(
        _l("A migration script was changed after it had been applied."),
        _l("Install the released version again; the health page names the script."),
    ),
    Reason.SLOW: Explanation(
        _l("The database answers slowly."), _l("Look whether the SD card is full or something else keeps it busy.")
    ),
    Reason.DISK_FULL: Explanation(
        _l("The disk under the database is full."),
        _l("Make room: df -h says which disk is full. The app notices by itself."),
    ),
    Reason.READ_ONLY: Explanation(
        _l("The database can be read, but takes no changes."),
        _l("Its disk may be failing: make a backup onto a USB stick now, then look into PostgreSQL's log."),
    ),
}

WORDS = NeighbourWords(
    name=_l("Database"),
    subject=_l("The database"),
    still_works=_l("The pages open and show what was last known. Nothing can be saved until it is back."),
    restart=_RESTART_POSTGRESQL,
    explanations=_EXPLANATIONS,
)
"""What every page and command says of it."""
