"""`/announcements`: texts to copy, in four languages: made from the facts, or by the model and compared with them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from repaircafe.announcements.drafts import DraftRequest, announcer
from repaircafe.announcements.models import Announcement
from repaircafe.announcements.texts import Format, text
from repaircafe.database.errors import AwayError
from repaircafe.database.tables import db
from repaircafe.facts.claims import Account
from repaircafe.facts.segments import Segment, segments
from repaircafe.facts.stored import StoredFinding, findings
from repaircafe.logs import polled
from repaircafe.neighbours.report import Reason, Text
from repaircafe.settings.store import store
from repaircafe.web.errors import PageError
from repaircafe.web.languages import LANGUAGES, language
from repaircafe.web.negotiation import is_htmx, retargeted
from repaircafe.work.models import RETRIABLE, State
from repaircafe.work.pages import JobView, news
from repaircafe.writing import endings
from repaircafe.writing import findings as finding_words
from repaircafe.writing.findings import comparison

blueprint = Blueprint("announcements", __name__)


@dataclass(frozen=True)
class Draft:
    """A text that the model has written, with what is wrong in it, and its last attempt: usually the same."""

    job: Announcement
    attempt: Announcement
    compare: Callable[[], Account]

    @cached_property
    def account(self) -> Account:
        """Every claim in the text."""
        return self.compare()

    @cached_property
    def findings(self) -> list[StoredFinding]:
        """What does not agree with the facts."""
        return findings(self.account)

    @property
    def segments(self) -> list[Segment]:
        """The text in parts, for the marks."""
        return segments(self.job.said, self.findings)

    @property
    def ending(self) -> Text:
        """Why the last attempt is incomplete; empty for a complete text."""
        why = endings.ended(self.attempt)
        is_other = why and self.job is not self.attempt and self.job.state is State.DONE
        return _("The next text did not replace this one: %(why)s", why=why) if is_other else why

    @property
    def advice(self) -> Text:
        """What to do if the text is incomplete. Never "use fewer words", because the question is ours."""
        return "" if self.attempt.reason is Reason.TOO_LONG else endings.advice(self.attempt, for_operator=True)


@blueprint.get("/announcements")
def show() -> Response:
    """All announcements in one language; without a date, the page says what is missing."""
    settings, chosen = store().settings(), _chosen(request.args.get("language", ""))
    texts = {}
    if (day := settings.next_date) is not None:
        texts = {form: text(form, settings, day, chosen) for form in Format}
    compare = comparison(settings)
    found = {form: findings(compare(words, chosen)) for form, words in texts.items()}
    return _page(
        "announcements/show.html", chosen, texts=texts, findings=found, labels=labels(), drafts=_drafts(chosen)
    )


@blueprint.get("/announcements/<any(poster, newsletter, post, reply):announcement>")
@polled
def look(announcement: str) -> Response:
    """What the model has written since the page's last poll; when it has ended, the whole draft with its buttons."""
    form, chosen = Format(announcement), _chosen(request.args.get("language", ""))
    if not is_htmx():
        return _shown(form, chosen)
    draft = _drafts(chosen).get(form)
    if draft is not None and draft.attempt.is_under_way:
        return news(_view_of(chosen, form, draft.attempt))
    return retargeted(_shown(form, chosen), f"#draft-{form}")


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>")
def write(announcement: str) -> Response:
    """Asks the model for a text, which replaces the one before. Raises PageError if there is no date."""
    settings, chosen = store().settings(), _chosen(request.form.get("language", ""))
    if settings.next_date is None:
        raise PageError(409, _("The next repair café is not planned yet."), _("Enter its date in the settings first."))
    draft_id = request.form.get("draft", uuid.uuid4(), type=uuid.UUID)
    announcer().write(db.session(), DraftRequest(draft_id, Format(announcement), chosen))
    return _shown(Format(announcement), chosen)


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>/stop")
def stop(announcement: str) -> Response:
    """Stops the model; what it has written so far stays."""
    chosen = _chosen(request.args.get("language", ""))
    announcer().stop(db.session(), Format(announcement), chosen)
    return make_response("", 204) if is_htmx() else _shown(Format(announcement), chosen)


def labels() -> dict[Format, str]:
    """The page's name for each format."""
    return {
        Format.POSTER: _("For a poster"),
        Format.NEWSLETTER: _("For a newsletter"),
        Format.POST: _("For social media"),
        Format.REPLY: _("Reply to an enquiry"),
    }


def _shown(form: Format, chosen: str) -> Response:
    if not is_htmx():
        look = uuid.uuid4().hex[:8]  # a new address: at the same one, a browser only scrolls to the anchor
        where = url_for("announcements.show", language=chosen, look=look, _anchor=f"draft-{form}")
        return make_response(redirect(where, 303))
    return _page("announcements/_draft.html", chosen, form=form, is_news=True, drafts=_drafts(chosen))


def _view_of(chosen: str, form: Format, job: Announcement) -> JobView:
    at = partial(url_for, announcement=form.value, language=chosen)
    return JobView(job, partial(at, "announcements.look"), at("announcements.stop"), _("Stop"), language=chosen)


def _drafts(chosen: str) -> dict[Format, Draft]:
    """The drafts in a language; none while the database is unavailable."""
    compare = cache(lambda: comparison(store().settings()))  # a page that polls shows no text that is compared
    try:
        jobs = announcer().written(db.session(), chosen)
    except AwayError:
        db.session.rollback()  # the page reads again
        jobs = {}
    found = {}
    for form, attempts in jobs.items():
        with_text = [one for one in reversed(attempts) if one.said]
        complete = [one for one in with_text if one.state is State.DONE]
        job = (complete or with_text or attempts[-1:])[0]
        found[form] = Draft(job, attempts[-1], partial(lambda said: compare()(said, chosen), job.said))
    return found


def _page(template: str, chosen: str, **context: object) -> Response:
    page = render_template(
        template,
        chosen=chosen,
        fresh_id=uuid.uuid4,
        finding_words=finding_words,
        view_of=partial(_view_of, chosen),
        RETRIABLE=RETRIABLE,
        **context,
    )
    return make_response(page)


def _chosen(asked: str) -> str:
    return asked if asked in LANGUAGES else language()
