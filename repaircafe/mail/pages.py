"""What the mailbox's pages show: the list, a thread, and how far a fetch is or how it ended."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from flask import Response, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from repaircafe.database.tables import db
from repaircafe.mail import inbox, letters, overview, wording
from repaircafe.mail.fetcher import fetcher
from repaircafe.mail.models import Box, Fetch, Message, Thread, ThreadState
from repaircafe.neighbours.report import Reason, Text
from repaircafe.web.negotiation import uncached
from repaircafe.work.models import State
from repaircafe.work.pages import JobView

ALL = "all"
TABS: dict[str, Text] = {ThreadState.OPEN.value: _l("Open"), ThreadState.DONE.value: _l("Done"), ALL: _l("All")}
"""The lists, by their name in the address."""
MAX_QUERY_CHARS = 200
MAX_PAGES_COUNT = 10_000
MAX_OTHERS_COUNT = 10
"""Other threads of a sender on a page."""
MAX_EARLIER_CHARS = 30_000
"""Characters of earlier mails on the page of a thread; those beyond are opened one at a time."""


@dataclass(frozen=True)
class Asked:
    """Which part of the list is asked for, as the page's address says it."""

    tab: str = ThreadState.OPEN.value
    q: str = ""
    page: int = 1

    @classmethod
    def of_request(cls) -> "Asked":
        """What this request asks for; nonsense counts as not given."""
        tab, page = request.args.get("state", ""), request.args.get("page", 1, type=int)
        q = " ".join(request.args.get("q", "")[:MAX_QUERY_CHARS].replace("\x00", "").split())
        return cls(tab if tab in TABS else ThreadState.OPEN.value, q, min(max(page, 1), MAX_PAGES_COUNT))

    @property
    def state(self) -> ThreadState | None:
        """Which threads those are; None for all."""
        return None if self.tab == ALL else ThreadState(self.tab)

    def path(self, **other: object) -> str:
        """The address of this part of the list, or of another one."""
        given = {"state": self.tab, "q": self.q, "page": self.page, **other}
        plain = {"state": ThreadState.OPEN.value, "q": "", "page": 1}
        return url_for("mail.show", **{name: value for name, value in given.items() if value != plain[name]})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Row:
    """A thread in the list."""

    thread: Thread
    peek: overview.Peek | None


def list_page(asked: Asked) -> Response:
    """The list, the fetch above it, and how to begin if there is nothing to list."""
    session, is_set_up = db.session(), fetcher().source is not None
    box = fetcher().box(session)
    listed = inbox.threads(session, box.id, asked.state, asked.q, asked.page) if box else None
    fetch = fetcher().newest(session) if is_set_up else None
    page = render_template(
        "mail/show.html",
        **told(fetch, box),
        asked=asked,
        tabs=TABS,
        is_set_up=is_set_up,
        rows=_with_peeks(listed.threads) if listed else [],
        counts=inbox.counts(session, box.id) if box else inbox.Counts(0, 0, 0),
        has_more=listed is not None and listed.has_more,
        stored=overview.stored(session, box.id) if box else None,
        **WORDS,
    )
    return uncached(make_response(page))


def told(fetch: Fetch | None, box: Box | None) -> dict[str, object]:
    """What the part of a page about fetching shows."""
    return {
        "fetch": fetch,
        "view": view_of(fetch) if fetch and fetch.is_under_way else None,
        "box": box,
        "ended": fetcher().last_ended(db.session(), box) if box else None,
        "days": fetcher().retention_days,
        "State": State,
        "Reason": Reason,
        "ago": wording.ago,
    }


def view_of(fetch: Fetch) -> JobView:
    """A fetch under way, as every page shows a job."""
    at = partial(url_for, fetch_id=fetch.id)
    bar = render_template("mail/_progress.html", fetch=fetch)
    return JobView(
        fetch,
        partial(at, "mail.progress"),
        at("mail.cancel"),
        _("Cancel"),
        words=_doing(fetch),
        bar=Markup(bar),  # noqa: S704  from our own template  # nosec B704
    )


def arrived(box: Box, asked: Asked, last: uuid.UUID | None) -> list[Row]:
    """The rows that come below the one of the thread `last`: older ones, which a fetch brings after the newer ones."""
    listed = inbox.threads(db.session(), box.id, asked.state).threads
    if last is None:
        return _with_peeks(listed)
    places = [number for number, one in enumerate(listed) if one.id == last]
    return _with_peeks(listed[places[0] + 1 :]) if places else []


@dataclass(frozen=True)
class Letters:
    """The mails of a thread as its page shows them: one in full, and the others, the newest first."""

    shown: Message
    others: Sequence[Message]
    whole: frozenset[uuid.UUID]
    """Those of the others whose text is on the page."""

    @classmethod
    def of(cls, messages: Sequence[Message], wanted: uuid.UUID | None) -> "Letters | None":
        """`wanted`: the mail to show in full; without it the newest. None for a thread without any."""
        newest_first = list(reversed(messages))
        shown = next((one for one in newest_first if one.id == wanted), next(iter(newest_first), None))
        if shown is None:
            return None
        rest = [one for one in newest_first if one is not shown]
        return cls(shown, rest, frozenset(_fitting(rest)))


def thread_page(thread: Thread, wanted: uuid.UUID | None) -> Response:
    """A thread. `wanted`: the mail to show in full, if not the newest."""
    page = render_template(
        "mail/thread.html",
        thread=thread,
        letters=Letters.of(thread.messages, wanted),
        others=inbox.of_counterpart(db.session(), thread)[:MAX_OTHERS_COUNT],
        is_our_own=(box := fetcher().box(db.session())) is not None and box.address == thread.counterpart,
        days=fetcher().retention_days,
        ThreadState=ThreadState,
        **WORDS,
    )
    return uncached(make_response(page))


WORDS = {
    "line": letters.line,
    "as_html": letters.as_html,
    "pieces": letters.pieces,
    "kind_label": wording.kind_label,
    "kind_advice": wording.kind_advice,
    "short_time": wording.short_time,
    "whole_time": wording.whole_time,
    "size": wording.size,
}
"""What the templates need to show a stranger's words."""


def _with_peeks(threads: Iterable[Thread]) -> list[Row]:
    found = list(threads)
    peeks = overview.peeks(db.session(), [one.id for one in found]) if found else {}
    return [Row(one, peeks.get(one.id)) for one in found]


def _fitting(messages: Sequence[Message]) -> Iterable[uuid.UUID]:
    left = MAX_EARLIER_CHARS
    for one in messages:
        left -= len(one.said) + len(one.folded)
        if left < 0:
            return
        yield one.id


def _doing(fetch: Fetch) -> Text:
    if fetch.stop_asked:
        return _("Cancelling …")
    if fetch.state is State.QUEUED:
        return _("Waiting: another fetch is still running.")
    return _("Fetching, the newest first.") if fetch.total else _("Looking for new mail.")
