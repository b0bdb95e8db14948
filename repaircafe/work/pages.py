"""What every page shows of a job under way: its phase, its growing text or its bar, and Stop. See templates/work."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, make_response, render_template, request

from repaircafe.database.tables import db
from repaircafe.neighbours.report import Text
from repaircafe.web.negotiation import retargeted, uncached, version_of
from repaircafe.work.models import Job
from repaircafe.work.runner import runner


@dataclass(frozen=True)
class JobView:
    """A job on a page."""

    job: Job
    look: Callable[..., str]
    """Returns the address at which the page asks for news, with the given query."""
    stop: str
    """The address of Stop, which answers nothing: the news tell the rest."""
    stop_label: Text
    words: Text = ""
    """What is going on, if that is not the model's work on a text."""
    bar: str = ""
    """The HTML that shows how far it is, if it has no text."""
    language: str = ""
    """The language of its text, if that is another one than the page's."""

    @property
    def ahead(self) -> int:
        """How many jobs come before this one, if it is queued."""
        return runner().ahead(db.session(), self.job)

    def look_after(self, seen: int) -> str:
        """The address for news on a page that shows `seen` characters of the text."""
        return self.look(**{"from": seen, "known": version_of(self.job.said[:seen])})


def news(view: JobView, *, live: bool = False) -> Response:
    """What is new of a job under way since the page's last poll. `live`: the page may ask again at once.

    The poll says how many characters the page shows (`from`), and their version (`known`): the model may have taken
    them back. Then the page gets all of it.
    """
    seen, known = request.args.get("from", 0, type=int), request.args.get("known")
    if known not in (None, version_of(view.job.said[:seen])):
        page = render_template("work/_job.html", view=view)
        return retargeted(uncached(make_response(page)), f"#job-{view.job.id}")
    page = render_template("work/_growth.html", view=view, seen=seen, live=live)
    return uncached(make_response(page))
