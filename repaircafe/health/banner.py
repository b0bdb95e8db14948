"""What the banner shows to its reader, and a version of that, by which a page knows whether it has changed."""

from repaircafe.health.monitor import Health, State
from repaircafe.neighbours.report import Neighbour, Reason, Report
from repaircafe.web.authentication import is_operator
from repaircafe.web.negotiation import version_of


def alarms_told(health: Health) -> list[Report]:
    """The alarms that the reader sees. Only the organiser sees mail and tables of a newer version, which still work."""
    return [
        one
        for one in health.alarms
        if is_operator() or (one.neighbour is not Neighbour.MAIL and one.reason is not Reason.SCHEMA_NEWER)
    ]


def banner_version(health: Health) -> str:
    """A short digest of what the banner shows to the reader."""
    shown = [(one.neighbour.value, one.reason) for one in alarms_told(health)]
    return version_of(f"{health.state is State.STARTING}{shown}{is_operator()}")
