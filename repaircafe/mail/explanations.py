"""The explanations of the reasons for which mail does not work."""

from flask_babel import lazy_gettext as _l

from repaircafe.mail.google_explanations import GOOGLE
from repaircafe.neighbours.commands import RELOAD
from repaircafe.neighbours.explanations import Explanation, NeighbourWords
from repaircafe.neighbours.report import Reason

_SETTINGS = ("config.show", _l("Open the settings"))
_CHECK_INTERNET = _l("Check the internet connection, then press Test.")

_EXPLANATIONS = {
    **GOOGLE,
    Reason.NOT_SET: Explanation(
        _l("Mail is not set up."),
        _l(
            "Optional: put the three GMAIL_ values, or the three IMAP_ values of another provider, into .env; "
            "then: %(reload)s",
            reload=RELOAD,
        ),
    ),
    Reason.NOT_TESTED: Explanation(
        _l("Mail is set up, but has never been tested."), _l("Press Test mail in the settings."), *_SETTINGS
    ),
    Reason.DNS: Explanation(_l("Google's address cannot be found."), _CHECK_INTERNET, *_SETTINGS),
    Reason.REFUSED: Explanation(_l("Google refuses the connection."), _CHECK_INTERNET, *_SETTINGS),
    Reason.TIMEOUT: Explanation(_l("Google does not answer in time."), _CHECK_INTERNET, *_SETTINGS),
    Reason.RESET: Explanation(_l("Google broke off the connection."), _CHECK_INTERNET, *_SETTINGS),
    Reason.MAIL_FULL: Explanation(
        _l("There is no room for more mail here: all texts together have reached 50 MB."),
        _l("Forget senders whom you do not need, or make MAIL_RETENTION_DAYS in .env shorter; then fetch again."),
    ),
    Reason.DISK_FULL: Explanation(
        _l("The database has no room for more mail: the disk is full."), _l("Make room on the disk, then fetch again.")
    ),
    Reason.HTTP_ERROR: Explanation(
        _l("Google answers with an error."), _l("Wait a while, then press Test."), *_SETTINGS
    ),
}

WORDS = NeighbourWords(
    name=_l("Mail"),
    subject="Google",
    still_works=_l("Everything else works: the date, the settings and the language model."),
    restart=_CHECK_INTERNET,
    explanations=_EXPLANATIONS,
)
"""What every page and command says about mail."""
