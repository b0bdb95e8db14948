"""The explanations of the reasons for which Google does not give us mail."""

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.commands import PROGRAM, RELOAD
from repaircafe.neighbours.explanations import Explanation
from repaircafe.neighbours.report import Reason

_SETTINGS = ("config.show", _l("Open the settings"))
_COMMANDS = {"program": PROGRAM, "reload": RELOAD}
_RENEW = _l(
    "Make a new token: %(program)s mail-authorize. Put its line into .env; then: %(reload)s",
    **_COMMANDS,
)

GOOGLE = {
    Reason.AUTH_EXPIRED: Explanation(
        _l("Google no longer accepts the refresh token."),
        _l(
            "It ends after a new password, if somebody took the access away, or if nobody used it for six months. Make "
            "a new one: %(program)s mail-authorize. Put its line into .env; then: %(reload)s",
            **_COMMANDS,
        ),
        *_SETTINGS,
    ),
    Reason.AUTH_REFUSED: Explanation(
        _l("Google refuses the client id or the client secret."),
        _l("Check GMAIL_CLIENT_ID and GMAIL_CLIENT_SECRET in .env; then: %(reload)s", reload=RELOAD),
        *_SETTINGS,
    ),
    Reason.TOKEN_WEEK: Explanation(
        _l(
            "Google ended the refresh token after seven days, because the consent screen of your Google project is "
            "still in “Testing”."
        ),
        _l(
            "At console.cloud.google.com, under Google Auth Platform, Audience, press “Publish app”. Only then make a "
            "new token: %(program)s mail-authorize. Put its line into .env; then: %(reload)s",
            **_COMMANDS,
        ),
        *_SETTINGS,
    ),
    Reason.TOKEN_UNUSED: Explanation(
        _l("Google ended the refresh token, because nobody used it for six months."), _RENEW, *_SETTINGS
    ),
    Reason.SCOPE_MISSING: Explanation(
        _l("Google does not let us read the mail, because a box was not ticked when the token was made."),
        _l(
            "Make a new token and tick every box: %(program)s mail-authorize. Put its line into .env; then: %(reload)s",
            **_COMMANDS,
        ),
        *_SETTINGS,
    ),
    Reason.API_OFF: Explanation(
        _l("The Gmail API is switched off in your Google project."),
        _l("At console.cloud.google.com, under APIs & Services, enable the Gmail API. Test again after five minutes."),
        *_SETTINGS,
    ),
    Reason.DOMAIN_POLICY: Explanation(
        _l("Whoever manages your organisation at Google does not allow this app."),
        _l("Ask them to allow the client id at admin.google.com, under Security, API controls."),
        *_SETTINGS,
    ),
    Reason.DAILY_LIMIT: Explanation(
        _l("Google allows your Google project no more requests today."),
        _l("Try again tomorrow. What was fetched stays."),
        *_SETTINGS,
    ),
    Reason.RATE_LIMIT: Explanation(
        _l("Google says that it gets too many requests from this mailbox."),
        _l("Wait a few minutes, then try again. What was fetched stays."),
        *_SETTINGS,
    ),
}
"""What every page and command says of Google's reasons."""
