"""`/mail`: the organiser fetches the café's mail, reads it, says what is done, and forgets senders."""

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from repaircafe.characters import clean_text
from repaircafe.database.errors import tolerating_outage
from repaircafe.database.tables import db
from repaircafe.logs import polled
from repaircafe.mail import forget as forgetting
from repaircafe.mail import inbox, letters, overview, pages
from repaircafe.mail.fetcher import fetcher
from repaircafe.mail.models import Thread, ThreadState
from repaircafe.web.errors import PageError
from repaircafe.web.negotiation import is_htmx, retargeted, uncached
from repaircafe.work.pages import news

blueprint = Blueprint("mail", __name__, url_prefix="/mail")


@blueprint.get("")
def show() -> Response:
    """The list of threads, or how to begin."""
    return pages.list_page(pages.Asked.of_request())


@blueprint.get("/set-up")
def set_up() -> Response:
    """How a mailbox is set up, step by step."""
    is_set_up, days = fetcher().source is not None, fetcher().retention_days
    page = render_template("mail/set_up.html", is_set_up=is_set_up, days=days)
    return uncached(make_response(page))


@blueprint.post("/fetch")
def fetch() -> Response:
    """Starts a fetch, or shows the one that is running."""
    if fetcher().source is None:
        return make_response(redirect(url_for("mail.set_up"), 303))
    fetcher().start(db.session())
    return _to_list()


@blueprint.get("/fetch/<uuid:fetch_id>")
@polled
def progress(fetch_id: uuid.UUID) -> Response:
    """How far a fetch is or, once it has ended, how it ended."""
    if not is_htmx():
        return _to_list()
    found = fetcher().newest(db.session())
    if found and found.id == fetch_id and found.is_under_way:
        return news(pages.view_of(found))
    box = fetcher().box(db.session())
    page = render_template("mail/_fetch.html", **pages.told(found, box), ended_now=True)
    return retargeted(uncached(make_response(page)), "#fetch")


@blueprint.post("/fetch/<uuid:fetch_id>/cancel")
def cancel(fetch_id: uuid.UUID) -> Response:
    """Ends a fetch, in whichever process it runs. What it has stored stays."""
    fetcher().cancel(db.session(), fetch_id)
    return make_response("", 204) if is_htmx() else _to_list()


@blueprint.get("/arrived")
@polled
def arrived() -> Response:
    """The rows that a fetch has brought below the last one of the page, and the look for more of them."""
    asked, last = pages.Asked.of_request(), request.args.get("last", type=uuid.UUID)
    if not is_htmx():
        return _to_list()
    session = db.session()
    box = fetcher().box(session)
    rows = pages.arrived(box, asked, last) if box else []
    running = fetcher().newest(session)
    goes_on = running is not None and running.is_under_way
    if not rows and goes_on:
        return make_response("", 204)
    page = render_template("mail/_arrived.html", rows=rows, asked=asked, goes_on=goes_on, last=last, **pages.WORDS)
    return uncached(make_response(page))


@blueprint.get("/<uuid:thread_id>")
def read(thread_id: uuid.UUID) -> Response:
    """A thread: its newest mail in full, or the one that the address names."""
    if _thread(thread_id).is_unread:
        with tolerating_outage("Not marked as read"):
            inbox.opened(db.session(), thread_id)
        db.session.rollback()
    thread = inbox.thread(db.session(), thread_id)
    if thread is None:
        raise _gone()
    return pages.thread_page(thread, request.args.get("mail", type=uuid.UUID))


@blueprint.post("/<uuid:thread_id>/done")
def done(thread_id: uuid.UUID) -> Response:
    """Takes a thread off the list of those that wait."""
    inbox.set_state(db.session(), thread_id, ThreadState.DONE)
    flash(_("Marked as done. If somebody answers, it comes back by itself."))
    return _to_list()


@blueprint.post("/<uuid:thread_id>/open")
def open_again(thread_id: uuid.UUID) -> Response:
    """Puts a thread back on that list."""
    inbox.set_state(db.session(), thread_id, ThreadState.OPEN)
    return make_response(redirect(url_for("mail.read", thread_id=thread_id), 303))


@blueprint.get("/<uuid:thread_id>/forget")
def ask_to_forget(thread_id: uuid.UUID) -> Response:
    """What goes if the sender of a thread is forgotten."""
    return _ask_to_forget(_thread(thread_id))


@blueprint.post("/<uuid:thread_id>/forget")
def forget(thread_id: uuid.UUID) -> Response:
    """Forgets the sender, if it is the one that the page has named."""
    session, address = db.session(), request.form.get("address", "")
    thread = session.get(Thread, thread_id)
    if thread is None:
        flash(_("This sender has been forgotten already."))
        return _to_list()
    if not address or address != clean_text(thread.counterpart):  # a form comes without what nobody sees
        return _ask_to_forget(thread, 409)
    try:
        gone = forgetting.forget(session, thread.counterpart).messages
    except forgetting.OwnAddressError:
        title = _("This is the café's own address.")
        raise PageError(409, title, _("Nothing was changed: without it, no mail would be left.")) from None
    said = ngettext("Forgotten, with %(num)d mail.", "Forgotten, with %(num)d mails.", gone)
    from_now = _("From now on, Fetch leaves this address out.")
    flash(f"{said} {from_now}")
    return _to_list()


def _ask_to_forget(thread: Thread, status: int = 200) -> Response:
    page = render_template(
        "mail/forget.html",
        thread=thread,
        address=clean_text(thread.counterpart),
        extent=overview.extent(db.session(), thread),
        line=letters.line,
    )
    return uncached(make_response(page, status))


def _thread(thread_id: uuid.UUID) -> Thread:
    if (found := db.session.get(Thread, thread_id)) is None:
        raise _gone()
    return found


def _gone() -> PageError:
    title = _("This mail is no longer here.")
    return PageError(404, title, _("It was too old, or its sender was forgotten. Go back to the list."))


def _to_list() -> Response:
    return make_response(redirect(url_for("mail.show"), 303))
