"""`/announcements`: texts to copy, in four languages, made of the facts; and from the model, checked against them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from repaircafe.announcements import drafts
from repaircafe.announcements.drafts import DraftRequest, Segment
from repaircafe.announcements.texts import Format, text
from repaircafe.chat import conversation, export
from repaircafe.chat.models import UNDER_WAY, Reply
from repaircafe.chat.writer import writer
from repaircafe.database.errors import ERRORS, is_away
from repaircafe.database.tables import db, set_conversation
from repaircafe.facts.check import check, known
from repaircafe.facts.claims import Facts
from repaircafe.facts.wording import facts_of
from repaircafe.logs import polled
from repaircafe.neighbours.report import Reason, Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.authentication import author_id
from repaircafe.web.errors import PageError
from repaircafe.web.languages import LANGUAGES, language
from repaircafe.web.negotiation import is_htmx, retargeted

blueprint = Blueprint("announcements", __name__)


@dataclass(frozen=True)
class Draft:
    """What the model has written, or writes just now, with what is wrong about it."""

    reply: Reply
    segments: tuple[Segment, ...]

    @property
    def faults(self) -> list[Segment]:
        """The parts that are not among the facts."""
        return [one for one in self.segments if one.finding]

    @property
    def advice(self) -> Text:
        """What to do about one that is not whole. The question is ours: nobody can ask with fewer words."""
        return "" if self.reply.reason is Reason.TOO_LONG else export.advice(self.reply, for_operator=True)


@dataclass(frozen=True)
class Drafts:
    """All of one language, and one that is under way, if any is."""

    drafts: Mapping[Format, Draft]
    waiting: Format | None


@blueprint.get("/announcements")
def show() -> Response:
    """All of them in one language; without a date, what is missing."""
    settings, chosen = store().settings(), _chosen(request.args.get("language", ""))
    texts = {}
    if (day := settings.next_date) is not None:
        texts = {form: text(form, settings, day, chosen) for form in Format}
    facts = _facts(settings)
    findings = {form: check(said, facts, chosen) for form, said in texts.items()}
    return _page(
        "announcements/show.html", chosen, texts=texts, findings=findings, labels=labels(), **vars(_drafts(chosen))
    )


@blueprint.get("/announcements/<any(poster, newsletter, post, reply):announcement>")
@polled
def look(announcement: str) -> Response:
    """What the model has written by now, or, once it has ended, the whole with what can be done."""
    form, chosen = Format(announcement), _chosen(request.args.get("language", ""))
    if not is_htmx():
        return _shown(form, chosen)
    found = _drafts(chosen)
    draft = found.drafts.get(form)
    if draft is not None and draft.reply.state in UNDER_WAY:
        return _page("announcements/_growing.html", chosen, form=form, draft=draft)
    return retargeted(_shown(form, chosen), f"#draft-{form}")


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>")
def write(announcement: str) -> Response:
    """Has the model write one, in place of what it wrote before. Raises PageError where there is no date."""
    settings, chosen, ours = store().settings(), _chosen(request.form.get("language", "")), db.session()
    if settings.next_date is None:
        raise PageError(409, _("The next repair café is not planned yet."), _("Enter its date in the settings first."))
    draft_id = request.form.get("draft", uuid.uuid4(), type=uuid.UUID)
    set_conversation(draft_id)
    asked = DraftRequest(draft_id, Format(announcement), chosen, author_id(ours))
    drafts.write(ours, writer(), asked)
    return _shown(Format(announcement), chosen)


@blueprint.post("/announcements/<any(poster, newsletter, post, reply):announcement>/stop")
def stop(announcement: str) -> Response:
    """Stops the model; what it has said so far stays."""
    chosen = _chosen(request.form.get("language", ""))
    drafts.stop(db.session(), writer(), Format(announcement), chosen)
    return _shown(Format(announcement), chosen)


def labels() -> dict[Format, str]:
    """What the page calls each form."""
    return {
        Format.POSTER: _("For a poster"),
        Format.NEWSLETTER: _("For a newsletter"),
        Format.POST: _("For a social network"),
        Format.REPLY: _("To answer with"),
    }


def _shown(form: Format, chosen: str) -> Response:
    if not is_htmx():
        look = uuid.uuid4().hex[:8]  # another address: the same one would not be loaded again for its anchor
        where = url_for("announcements.show", language=chosen, look=look, _anchor=f"draft-{form}")
        return make_response(redirect(where, 303))
    return _page("announcements/_draft.html", chosen, form=form, is_news=True, **vars(_drafts(chosen)))


def _drafts(chosen: str) -> Drafts:
    """What the model has written; while the database is away the page does without."""
    ours, facts = db.session(), _facts(store().settings())
    try:
        replies = drafts.written(ours, writer(), chosen)
    except ERRORS as error:
        if not is_away(error):
            raise
        db.session.rollback()
        replies = {}
    found = {}
    for form, reply in replies.items():
        checked = drafts.segments(reply.said, facts, chosen) if reply.state not in UNDER_WAY else [Segment(reply.said)]
        found[form] = Draft(reply, tuple(checked))
    return Drafts(found, next((form for form, one in found.items() if one.reply.state in UNDER_WAY), None))


def _page(template: str, chosen: str, **context: object) -> Response:
    page = render_template(
        template,
        chosen=chosen,
        fresh_id=uuid.uuid4,
        facts_of=facts_of,
        UNDER_WAY=UNDER_WAY,
        ended=export.ended,
        ahead=lambda reply: conversation.ahead(db.session(), reply),
        passed=conversation.passed,
        **context,
    )
    return make_response(page)


def _facts(settings: Settings) -> Facts:
    return known(settings, settings.now.date())


def _chosen(asked: str) -> str:
    return asked if asked in LANGUAGES else language()
