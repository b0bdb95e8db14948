"""What Google means by an error: Gmail's 'Resolve errors', and the `ErrorInfo` of Google's newer answers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from repaircafe.limits import MAX_GMAIL_PAUSE_S
from repaircafe.neighbours.http import Answer
from repaircafe.neighbours.report import NeighbourError, PermanentError, Reason, TemporaryError

_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "concurrentLimitExceeded"})
_REASONS = {
    "insufficientPermissions": Reason.SCOPE_MISSING,
    "insufficientScopes": Reason.SCOPE_MISSING,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": Reason.SCOPE_MISSING,
    "accessNotConfigured": Reason.API_OFF,
    "SERVICE_DISABLED": Reason.API_OFF,
    "domainPolicy": Reason.DOMAIN_POLICY,
    "dailyLimitExceeded": Reason.DAILY_LIMIT,
    "quotaExceeded": Reason.DAILY_LIMIT,
}


@dataclass(frozen=True)
class Refusal:
    """An answer that is not a success: the error to raise, whether to try again, and after which pause at least."""

    error: NeighbourError
    is_rate: bool = False
    """Google did nothing, because it gets too many requests."""
    pause_s: float = 0.0

    @property
    def may_pass(self) -> bool:
        """Whether another try may succeed."""
        return isinstance(self.error, TemporaryError)


class GoneError(PermanentError):
    """Google does not know the thing: it was deleted, or the cursor is too old."""

    def __init__(self) -> None:
        super().__init__(Reason.HTTP_ERROR, "HTTP 404")


def refusal_of(answer: Answer, now: datetime | None = None) -> Refusal:
    """What an answer with another status than 200 means. 401 is not among them: it is about the token."""
    reasons = _reasons(answer.json_or_none())
    if answer.status == 404:
        return Refusal(GoneError())
    for name in reasons:  # before the status: dailyLimitExceeded comes with 403 and with 429
        if name in _REASONS:
            return Refusal(PermanentError(_REASONS[name]))
    pause_s = _asked_pause(answer, now or datetime.now(UTC))
    if answer.status == 429 or (answer.status == 403 and reasons & _RATE):
        return Refusal(TemporaryError(Reason.RATE_LIMIT), is_rate=True, pause_s=pause_s)
    detail = f"HTTP {answer.status}"
    if answer.status >= 500:
        return Refusal(TemporaryError(Reason.HTTP_ERROR, detail), pause_s=pause_s)
    return Refusal(PermanentError(Reason.HTTP_ERROR, detail))


def _reasons(body: Any) -> frozenset[str]:
    """Every reason that the body of an error names, in the old form and in the new one."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return frozenset()
    listed = [one for key in ("errors", "details") if isinstance(error.get(key), list) for one in error[key]]
    return frozenset(one["reason"] for one in listed if isinstance(one, dict) and isinstance(one.get("reason"), str))


def _asked_pause(answer: Answer, now: datetime) -> float:
    """The seconds that Retry-After asks for (RFC 9110, section 10.2.3), at most our longest pause; 0 without it."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_GMAIL_PAUSE_S)
    try:
        wanted = (parsedate_to_datetime(value) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(wanted, 0.0), MAX_GMAIL_PAUSE_S)
