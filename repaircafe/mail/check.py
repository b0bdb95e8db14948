"""How mail is tested: Google really exchanges the refresh token, and only when the organiser asks for the test."""

from collections.abc import Callable

from flask_babel import lazy_gettext as _l

from repaircafe.mail.google_token import GmailCredentials, TokenUse
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check, NeighbourCheck, Work
from repaircafe.neighbours.report import PermanentError, Reason, StepName


def neighbour_check(
    credentials: GmailCredentials | None, token_use: Callable[[], TokenUse] = TokenUse
) -> NeighbourCheck:
    """The test of mail. There is no poll, because `/health` must not contact Google.

    `token_use` says when the token was used, which tells why Google no longer accepts it.
    """
    return NeighbourCheck(
        test=lambda _endpoint, _model, _temperature: steps(credentials, token_use),
        credentials=credentials.digest if credentials is not None else None,
    )


def steps(credentials: GmailCredentials | None, token_use: Callable[[], TokenUse] = TokenUse) -> Work:
    """The steps of the test: whether the credentials are there, and what Google lets us do with them."""

    def work(check: Check) -> None:
        with check.step(StepName.CREDENTIALS) as say:
            if credentials is None:
                raise PermanentError(Reason.NOT_SET)
            say(_l("All three are in .env"))
        with check.step(StepName.NAME) as say:
            say(", ".join(checks.resolve(*checks.host_and_port(credentials.token_uri))))
        # Imported here: a café without mail does not need to spend memory for it.
        from repaircafe.mail.gmail_check import gmail_steps  # noqa: PLC0415

        gmail_steps(check, credentials, token_use)

    return work
