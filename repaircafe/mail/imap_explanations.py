"""The explanations of the reasons for which a mailbox at an IMAP server does not work."""

from flask_babel import lazy_gettext as _l

from repaircafe.mail import explanations
from repaircafe.neighbours.commands import RELOAD
from repaircafe.neighbours.explanations import Explanation, NeighbourWords
from repaircafe.neighbours.report import Reason

_SETTINGS = ("config.show", _l("Open the settings"))
_SERVER = _l("The mail server")
_CHECK_INTERNET = _l("Check the internet connection, then press Test.")
_CHECK_ADDRESS = _l(
    "Check IMAP_HOST and IMAP_PORT in .env against the help pages of the mail provider; then: %(reload)s", reload=RELOAD
)

_EXPLANATIONS = {
    **{one: explanations.WORDS.explanations[one] for one in (Reason.NOT_SET, Reason.NOT_TESTED)},
    Reason.AUTH_REFUSED: Explanation(
        _l("The mail server refuses the name or the password."),
        _l(
            "Sign in on the provider's website with the same name and password. If that works, the provider "
            "probably wants an app password: make one there. Put it into .env as IMAP_PASSWORD; then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.APP_PASSWORD: Explanation(
        _l("The mail server wants an app password."),
        _l(
            "Make an app password in the account's settings on the provider's website. Put it into .env as "
            "IMAP_PASSWORD; then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.IMAP_OFF: Explanation(
        _l("IMAP is switched off for this mailbox."),
        _l("Switch IMAP on in the mailbox's settings on the provider's website, then press Test."),
        *_SETTINGS,
    ),
    Reason.OAUTH_ONLY: Explanation(
        _l("The mail server does not accept a password."),
        _l(
            "Microsoft 365, Outlook.com and some others want a sign-in that this app does not have. "
            "Use a mailbox at another provider, or forward the mails to one."
        ),
        *_SETTINGS,
    ),
    Reason.NO_TLS: Explanation(
        _l("The mail server offers no encryption, so the password was not sent."),
        _l(
            "Check IMAP_PORT and IMAP_SECURITY in .env: usually 993 with tls, or 143 with starttls; then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.TLS: Explanation(
        _l("The encryption with the mail server does not work."),
        _l(
            "Check IMAP_PORT and IMAP_SECURITY in .env: usually 993 with tls, or 143 with starttls; then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.CERTIFICATE_NAME: Explanation(
        _l("The mail server's certificate is for another name."),
        _l(
            "Put the name from the provider's help pages into .env as IMAP_HOST. At many hosters it is theirs, not "
            "one of your own domain; then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.CERTIFICATE_EXPIRED: Explanation(
        _l("The mail server's certificate has expired."),
        _l("Check the date of this computer. If it is right, tell the mail provider."),
        *_SETTINGS,
    ),
    Reason.CERTIFICATE_UNKNOWN: Explanation(
        _l("The mail server's certificate is not trusted, so the password was not sent."),
        _l(
            "Check IMAP_HOST. If the server is your own, put the path of its certificate into .env as IMAP_CA_FILE; "
            "then: %(reload)s",
            reload=RELOAD,
        ),
        *_SETTINGS,
    ),
    Reason.CA_FILE: Explanation(
        _l("The certificate in IMAP_CA_FILE cannot be read."),
        _l("Check that the file is there, is in PEM format, and that the user repaircafe may read it."),
        *_SETTINGS,
    ),
    Reason.NO_DRAFTS: Explanation(
        _l("Mails can be read, but the drafts folder was not found."),
        _l("Put its name, as your mail program shows it, into .env as IMAP_DRAFTS; then: %(reload)s", reload=RELOAD),
        *_SETTINGS,
    ),
    Reason.SERVER_BUSY: Explanation(
        _l("The mail server is busy."), _l("Wait a few minutes, then press Test."), *_SETTINGS
    ),
    Reason.DNS: Explanation(_l("The mail server's name cannot be found."), _CHECK_ADDRESS, *_SETTINGS),
    Reason.BAD_ADDRESS: Explanation(_l("No mail server can have this address."), _CHECK_ADDRESS, *_SETTINGS),
    Reason.REFUSED: Explanation(_l("The mail server refuses the connection."), _CHECK_ADDRESS, *_SETTINGS),
    Reason.BAD_ANSWER: Explanation(_l("The mail server does not answer as IMAP does."), _CHECK_ADDRESS, *_SETTINGS),
    Reason.TIMEOUT: Explanation(_l("The mail server does not answer in time."), _CHECK_INTERNET, *_SETTINGS),
    Reason.RESET: Explanation(_l("The mail server broke off the connection."), _CHECK_INTERNET, *_SETTINGS),
    Reason.REDIRECTED: Explanation(_l("The mail server says that the mailbox has moved."), _CHECK_ADDRESS, *_SETTINGS),
}

WORDS = NeighbourWords(
    name=_l("Mail"),
    subject=_SERVER,
    still_works=explanations.WORDS.still_works,
    restart=_CHECK_INTERNET,
    explanations=_EXPLANATIONS,
)
"""What every page and command says about mail if the mailbox is at an IMAP server."""
