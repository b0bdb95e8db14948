"""The checklist after the installation: always up to date, and gone when everything is done."""

from dataclasses import dataclass

from flask_babel import gettext as _

from repaircafe.health.monitor import Health, monitor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import SERVER_GONE, Neighbour, Reason, Report, Status, Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.authentication import is_trial

NO_SERVER = frozenset({Reason.MODEL_MISSING, Reason.MODEL_NOT_CHOSEN, Reason.LOADING})
"""The reasons for which a language model is not ready although its server is."""

SERVER_OFF = SERVER_GONE | {Reason.DNS, Reason.UNREACHABLE, Reason.TIMEOUT}
"""The reasons for which a server says nothing about its models: the one that is chosen stays chosen."""


@dataclass(frozen=True)
class Line:
    """One thing to do. `cure` says how; `button` is the text of a link to `endpoint` and `anchor`, where to do it."""

    title: Text
    is_done: bool
    cure: Text = ""
    button: Text = ""
    endpoint: str = ""
    anchor: str | None = None
    is_optional: bool = False


def current() -> tuple[Line, ...]:
    """The list as it is now, as far as the settings are known."""
    stored = store().stored()
    return lines(monitor().glance(), stored.settings if stored else Settings(), has_password=not is_trial())


def lines(health: Health, settings: Settings, *, has_password: bool) -> tuple[Line, ...]:
    """The list, in the best order for doing it; empty when everything is done that is not optional."""
    found = (
        _database(health.report(Neighbour.DB)),
        *_language_model(health.report(Neighbour.LLM), settings),
        _event(settings),
        _password(has_password),
        _mail(health.report(Neighbour.MAIL)),
    )
    return found if any(not line.is_done and not line.is_optional for line in found) else ()


def _database(report: Report) -> Line:
    cure = explain(Neighbour.DB, report.reason).cure if report.reason else ""
    return Line(_("The database works"), report.status is Status.OK, cure, _("Health"), "health.show")


def _language_model(report: Report, settings: Settings) -> tuple[Line, Line]:
    """The lines about the server and the model. The trial's own model counts as none, although it answers."""
    reason = Reason.NOT_SET if report.is_trial else report.reason
    is_there = reason is None or reason in NO_SERVER
    cure = explain(Neighbour.LLM, reason).cure if reason else ""
    server = Line(
        _("A language model's server has been found"), is_there, cure, _("Settings"), "config.show", "llm_endpoint"
    )
    is_off = bool(settings.llm_model) and reason in SERVER_OFF
    is_ready = reason is None or reason is Reason.LOADING or is_off
    cure = cure if is_there else _("Find the server first.")
    return server, Line(_("A model is installed and chosen"), is_ready, cure, _("Settings"), "config.show", "downloads")


def _event(settings: Settings) -> Line:
    is_planned = settings.next_date is not None and bool(settings.event_location)
    cure = _("Enter the date and the place.")
    return Line(_("The next repair café is planned"), is_planned, cure, _("Settings"), "config.show", "event_date")


def _password(has_password: bool) -> Line:
    cure = _("Set OPERATOR_PASSWORD and HOST in .env and restart; until then no other computer can open the pages.")
    return Line(_("The organiser has a password"), has_password, cure)


def _mail(report: Report) -> Line:
    cure = explain(Neighbour.MAIL, report.reason).cure if report.reason else ""
    is_set_up = report.status is Status.OK
    return Line(_("Mail is set up"), is_set_up, cure, _("Settings"), "config.show", "test-mail", is_optional=True)
