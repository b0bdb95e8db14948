"""How mail is tested: Google really exchanges the refresh token, and only when the organiser asks for the test."""

from flask_babel import lazy_gettext as _l

from repaircafe.limits import TEST_EXCHANGE_LIMIT_S
from repaircafe.mail.gmail import GmailCredentials, exchange_token
from repaircafe.neighbours import checks
from repaircafe.neighbours.checks import Check, NeighbourCheck, Work
from repaircafe.neighbours.http import BoundedClient
from repaircafe.neighbours.report import PermanentError, Reason, StepName


def neighbour_check(credentials: GmailCredentials | None) -> NeighbourCheck:
    """The test of mail. There is no poll, because `/health` must not contact Google."""
    return NeighbourCheck(
        test=lambda _endpoint, _model, _temperature: steps(credentials),
        credentials=credentials.digest if credentials is not None else None,
    )


def steps(credentials: GmailCredentials | None) -> Work:
    """The steps of the test: whether the credentials are there, and whether Google accepts them."""

    def work(check: Check) -> None:
        with check.step(StepName.CREDENTIALS) as say:
            if credentials is None:
                raise PermanentError(Reason.NOT_SET)
            say(_l("All three are in .env"))
        with check.step(StepName.NAME) as say:
            say(", ".join(checks.resolve(*checks.host_and_port(credentials.token_uri))))
        with check.step(StepName.TOKEN) as say:
            with BoundedClient(check.left_s(TEST_EXCHANGE_LIMIT_S)) as client:
                exchange_token(credentials, client)
            say(_l("Google accepts it"))

    return work
