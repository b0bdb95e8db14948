"""The checklist after the installation: always up to date, and gone when everything is done."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from repaircafe.health.monitor import Health, monitor
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason, Report, Status, Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.authentication import is_trial
from repaircafe.web.passwords import Way, passwords

ANSWERING = frozenset({Reason.LOADING, Reason.TRIAL_STARTING, Reason.SLOW, Reason.BUSY, Reason.SERVER_BUSY})
"""The reasons of a language model that only has to be waited for."""
NO_MODEL = frozenset(
    {
        Reason.MODEL_MISSING,
        Reason.MODEL_NOT_CHOSEN,
        Reason.NO_MODEL,
        Reason.CANNOT_CHAT,
        Reason.MODEL_DAMAGED,
        Reason.TOO_BIG,
        Reason.CLOUD_MODEL,
    }
)
"""The reasons for which a server answers, but another model has to be chosen."""


@dataclass(frozen=True)
class Line:
    """One thing to do. `cure` says how; `button` is the text of a link to `path`, where to do it.

    `step` is the name of the set-up's step that does it; empty if none does.
    """

    title: Text
    is_done: bool
    cure: Text = ""
    button: Text = ""
    path: str = ""
    step: str = ""
    is_optional: bool = False


def current() -> tuple[Line, ...]:
    """The list as it is now; empty when everything is done that is not optional."""
    found = everything()
    return found if any(not line.is_done and not line.is_optional for line in found) else ()


def everything() -> tuple[Line, ...]:
    """Every line, done or not, as far as the settings are known."""
    stored = store().stored()
    has_password = passwords().secret().way in (Way.FILE, Way.CHOSEN) or (is_trial() and passwords().is_chosen())
    return lines(monitor().glance(), stored.settings if stored else Settings(), has_password=has_password)


def lines(health: Health, settings: Settings, *, has_password: bool) -> tuple[Line, ...]:
    """Every line, in the best order for doing it."""
    return (
        _database(health.report(Neighbour.DB)),
        _cafe(settings),
        _event(settings),
        *_language_model(health.report(Neighbour.LLM), settings),
        _password(has_password),
        _mail(health.report(Neighbour.MAIL)),
    )


def _database(report: Report) -> Line:
    cure = explain(Neighbour.DB, report.reason).cure if report.reason else ""
    return Line(_("The database works"), report.status is Status.OK, cure, _("Status"), url_for("health.show"))


def _cafe(settings: Settings) -> Line:
    cure = _("Visitors see its name on every page.")
    return Line(_("The café has a name"), bool(settings.cafe_name), cure, _("Set-up"), url_for("setup.cafe"), "cafe")


def _event(settings: Settings) -> Line:
    is_planned = settings.next_date is not None and bool(settings.event_location)
    cure = _("Enter the date and the place.")
    return Line(_("The next repair café is planned"), is_planned, cure, _("Set-up"), url_for("setup.date"), "date")


def _language_model(report: Report, settings: Settings) -> tuple[Line, Line]:
    """The lines about the server and the model.

    A model stays chosen while its server is off, so only the second line decides about the step. The trial's own model
    counts as none, although it answers.
    """
    reason, path = Reason.NOT_SET if report.is_trial else report.reason, url_for("setup.assistant")
    is_there = reason is None or reason in ANSWERING | NO_MODEL
    cure = explain(Neighbour.LLM, reason).cure if reason else ""
    cure = _("The set-up looks for a server on this computer.") if reason is Reason.NOT_SET else cure
    title = _("A language model's server has been found")
    server = Line(title, is_there, cure, _("Set-up"), path)
    cure = cure if is_there else _("Find the server first.")
    return server, Line(
        _("A model is installed and chosen"), model_is_chosen(report, settings), cure, _("Set-up"), path, "assistant"
    )


def model_is_chosen(report: Report, settings: Settings) -> bool:
    """Whether a model is chosen, and its server, if it answers, has it."""
    return bool(settings.llm_endpoint and settings.llm_model) and report.reason not in NO_MODEL


def _password(has_password: bool) -> Line:
    cure = _("Choose one, so that telephones can open the pages and only you change them.")
    title = _("The organiser has a password")
    return Line(title, has_password, cure, _("Set-up"), url_for("setup.password"), "password")


def _mail(report: Report) -> Line:
    cure = explain(Neighbour.MAIL, report.reason).cure if report.reason else ""
    path = url_for("config.show", _anchor="test-mail")
    is_set_up = report.status is Status.OK
    return Line(_("Mail is set up"), is_set_up, cure, _("Settings"), path, is_optional=True)
