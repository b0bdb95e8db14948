"""`/announcements`: texts to copy, in four languages, each checked against the facts."""

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext as _

from repaircafe.announcements.texts import Form, text
from repaircafe.config.keys import Settings
from repaircafe.config.store import store
from repaircafe.facts.check import check, known
from repaircafe.languages import LANGUAGES, language

blueprint = Blueprint("announcements", __name__)


@blueprint.get("/announcements")
def show() -> Response:
    """All of them in one language; without a date, what is missing."""
    asked = request.args.get("in", "")
    chosen = asked if asked in LANGUAGES else language()
    stored = store().stored()
    settings = stored.settings if stored else Settings()
    texts = {}
    if settings.event_date is not None and not settings.is_over:
        texts = {form: text(form, settings, settings.event_date, chosen) for form in Form}
    facts = known(settings, settings.now.date())
    findings = {form: check(said, facts) for form, said in texts.items()}
    return make_response(
        render_template("announcements/show.html", texts=texts, findings=findings, chosen=chosen, labels=labels())
    )


def labels() -> dict[Form, str]:
    """What the page calls each form."""
    return {
        Form.POSTER: _("For a poster"),
        Form.NEWSLETTER: _("For a newsletter"),
        Form.POST: _("For a social network"),
        Form.REPLY: _("To answer with"),
    }
