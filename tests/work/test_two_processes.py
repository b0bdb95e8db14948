"""Two processes of the app on one database: each shows what the other does, and both share one queue."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY
from tests.work.conftest import FACTS
from tests.work.kinds import KINDS, AnnouncementExample, DownloadExample, Example, ReplyExample, named
from tests.work.pages import ServerPages
from tests.work.scene import Feed, has_come


@pytest.fixture
def here(server: Server) -> ServerPages:
    """A browser at the first process."""
    assert requests.post(f"{server.url}/config", json=FACTS, timeout=10).status_code == 200
    return ServerPages(server.url)


@pytest.fixture
def there(tmp_path: Path, database_url: str, here: ServerPages) -> Iterator[ServerPages]:
    """A browser at another process on the same database."""
    assert here
    with Server(tmp_path, database_url, SECRET_KEY=SECRET_KEY) as other:
        yield ServerPages(other.url)


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_a_job_of_one_process_is_shown_stopped_and_started_again_in_the_other(
    here: ServerPages, there: ServerPages, feed: Feed, raw: psycopg.Connection, kind: type[Example]
) -> None:
    feed.hold("writing")
    job = kind(here, raw)
    job.start()
    job.pages = there
    assert until(lambda: job.shows_growing(1))
    assert job.busy_mark in job.look()
    feed.step()
    assert until(lambda: job.shows_growing(2)), "before it has ended"
    job.stop()
    job.pages = here
    assert job.comes_to("stopped")
    assert job.content == job.whole(2)
    job.pages = there
    feed.answer_whole()
    job.again()
    job.pages = here
    assert job.comes_to("done")
    assert job.shows(job.whole_again())


@pytest.mark.parametrize("kind", KINDS, ids=named)
def test_other_jobs_continue_when_one_process_is_killed(  # noqa: PLR0917
    server: Server, here: ServerPages, there: ServerPages, feed: Feed, raw: psycopg.Connection, kind: type[Example]
) -> None:
    feed.hold("writing")
    job, other = kind(here, raw), ReplyExample(there, raw)
    job.start()
    assert until(lambda: has_come([job], feed, "writing", 1))
    feed.hold("reading")
    other.start()
    assert other.comes_to("queued" if job.lane == other.lane else "reading")
    kept = job.content
    server.kill_whole()
    assert other.comes_to("reading")
    job.pages = there
    assert job.comes_to("broken")
    assert job.shows(kept)
    feed.release()
    assert other.comes_to("done")
    feed.answer_whole()
    job.again()
    assert job.comes_to("done")


def test_both_processes_share_one_queue_in_which_replies_come_before_announcements(
    here: ServerPages, there: ServerPages, feed: Feed, raw: psycopg.Connection
) -> None:
    """A download does not wait for them: it has a place of its own."""
    feed.hold("reading", 1)
    first, draft = ReplyExample(here, raw), AnnouncementExample(there, raw)
    replies = [ReplyExample((there, here)[number % 2], raw) for number in range(4)]
    for job in (first, draft, *replies):
        job.start()
    assert first.comes_to("reading")
    for number, job in enumerate([first, *replies, draft]):
        job.pages = there if job.pages is here else here
        found = re.search(r"Waiting: (\d+) question", job.look())
        assert (int(found[1]) if found else 0) == number
    download = DownloadExample(here, raw)
    download.start()
    assert download.comes_to("loading")
    at_work = "SELECT array_agg(kind ORDER BY kind) FROM jobs WHERE state IN ('loading', 'reading', 'writing')"
    assert raw.execute(at_work).fetchone() == (["download", "reply"],)
    feed.release()
    for job in (first, *replies, draft, download):
        assert job.comes_to("done")
    lane = "SELECT id::text FROM jobs WHERE kind <> 'download' ORDER BY "
    began = [row[0] for row in raw.execute(f"{lane} began_at".encode()).fetchall()]
    assert began == [job.id for job in (first, *replies, draft)]
    overlapping = (
        "SELECT count(*) FROM jobs AS a JOIN jobs AS b ON a.id <> b.id AND a.began_at < b.began_at"
        " AND b.began_at < a.updated_at WHERE a.kind <> 'download' AND b.kind <> 'download'"
    )
    assert raw.execute(overlapping).fetchone() == (0,), "at any time, one of them ran"
