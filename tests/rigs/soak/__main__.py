"""`python -m tests.rigs.soak`: the app with ten tabs, a chat, an organiser, and faults at random, for SOAK_MINUTES.

Prints how it goes each half minute, and what has come of it; ends with 1 where a promise was broken. SOAK_SEED repeats
the choices of an earlier run.
"""

import contextlib
import os
import secrets
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests

from repaircafe.database import embedded
from repaircafe.environment import Environment
from repaircafe.neighbours.report import Neighbour
from tests.fakes.proxy import Proxy
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.stored import DOUBLED_ANSWERS, REPLIES_UNDER_WAY, WAITING_FOR_A_LOCK, WORDLESS_REPLIES, count
from tests.harness.visitor import Visitor, configure
from tests.rigs.soak.people import Asker, Breaker, Met, Organiser, Person, SlowOllama, Tab, Watcher
from tests.rigs.soak.processes import MEGABYTE, Held, held, open_files

WARM_UP_SHARE = 0.25
"""Of the time, before it: until each fault has been met, there are statements, templates and the sources of tracebacks
that have not been read yet, and are kept from then on."""
LINE_S = 30.0
QUIET_LIMIT_S = 90.0
"""For the last replies to end, and for idle connections to be closed."""
TABS, ASKERS = 7, 3
"""Ten tabs: three of them are conversations."""
BURST = 40
"""Requests at once before each measurement, more than there are threads."""
MAX_GROWTH_BYTES = 8 * MEGABYTE
"""Of the memory of master and worker, from the end of the warm-up. What Python's and the C library's allocators keep
differs by a few megabytes from one moment to the next. In twenty minutes there are some 10,000 requests: one kilobyte
left by each would be found."""
POOL = Environment.model_fields["db_pool_size"].default
THREADS = Environment.model_fields["threads"].default


@dataclass(frozen=True)
class House:
    """All that runs."""

    server: Server
    raw: psycopg.Connection
    proxies: dict[Neighbour, Proxy]

    def held(self) -> Held:
        """By the app's processes."""
        return held(self.server.processes(), self.raw)


def main() -> int:
    """The exit code."""
    minutes, seed = float(os.environ.get("SOAK_MINUTES", "20")), os.environ.get("SOAK_SEED") or secrets.token_hex(4)
    print(f"Soaking for {minutes:g} minutes, with SOAK_SEED={seed}", flush=True)
    with house() as running:
        warm_up, met = Met(), Met()
        use(running, f"{seed} warm-up", WARM_UP_SHARE * minutes * 60, warm_up)
        before = rest(running)
        print(f"After the warm-up: {before}", flush=True)
        use(running, seed, minutes * 60, met)
        after = rest(running)
        broken = [*warm_up.failures, *met.failures, *lost(running, [*warm_up.questions, *met.questions])]
        broken += [*undone(running, met.places if met.saved else [*warm_up.places, *met.places])]
        broken += [*grown(before, after), *logged(running)]
        if broken:
            print("Held open:", *open_files(running.server.processes()), sep="\n  ")
    tell(met, before, after)
    print("\n".join(f"BROKEN: {one}" for one in broken) or "Every promise was kept.", flush=True)
    return 1 if broken else 0


@contextlib.contextmanager
def house() -> Iterator[House]:
    """A PostgreSQL of its own, a scripted model, both behind proxies, and the app."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = embedded.ensure(folder / "postgres")
        stack.callback(embedded.release, folder / "postgres")
        sockets = embedded.socket_folder(folder / "postgres")
        model = stack.enter_context(SlowOllama())
        proxies = {
            Neighbour.DB: stack.enter_context(Proxy(str(sockets / ".s.PGSQL.5432"))),
            Neighbour.LLM: stack.enter_context(Proxy(model.port)),
        }
        through = f"postgresql://postgres@127.0.0.1:{proxies[Neighbour.DB].port}/{embedded.DATABASE}"
        server = stack.enter_context(Server(folder, through))
        configure(server, proxies[Neighbour.LLM].url)
        raw = stack.enter_context(psycopg.connect(url, autocommit=True))
        yield House(server, raw, proxies)


def use(running: House, seed: str, for_s: float, met: Met) -> None:
    """Everybody uses it for so long; then all have gone and everything is mended."""
    url = running.server.url
    people: list[Person] = [Tab(url, f"{seed} tab {number}", met) for number in range(TABS)]
    people += [Asker(url, f"{seed} asker {number}", met) for number in range(ASKERS)]
    people += [Organiser(url, f"{seed} organiser", met), Watcher(url, f"{seed} watcher", met)]
    people.append(Breaker(url, f"{seed} breaker", met, running.proxies))
    began = time.monotonic()
    for person in people:
        person.start()
    while (passed := time.monotonic() - began) < for_s:
        time.sleep(min(LINE_S, for_s - passed))
        print(line(running, met, time.monotonic() - began), flush=True)
    for person in reversed(people):
        person.ended.set()
    for person in reversed(people):  # the one who breaks goes first, or others would wait for ever
        person.join(QUIET_LIMIT_S)
        if person.is_alive():
            met.failures.append(f"{person.name} waits for ever")


def line(running: House, met: Met, passed_s: float) -> str:
    """How it goes."""
    statuses = " ".join(f"{status}:{number}" for status, number in sorted(met.statuses.items()))
    doing = f"{len(met.questions)} questions, {met.faults.total()} faults"
    return f"{passed_s / 60:5.1f} min  {statuses}  {doing}  {running.held()}"


def rest(running: House) -> Held:
    """What is held when nobody does anything any more."""
    use_once_more(running)
    crowd(running)
    found = [running.held()]

    def is_still() -> bool:
        time.sleep(3)
        found.append(running.held())
        return found[-1].threads == found[-2].threads and found[-1].files == found[-2].files

    until(lambda: is_still() and is_still(), QUIET_LIMIT_S)
    return found[-1]


def use_once_more(running: House) -> None:
    """Opens what a fault may have closed last and nobody has needed since: the connections of health and of replies.

    If the last replies failed, health tells of them until one succeeds.
    """
    assert until(lambda: running.server.health() in ("healthy", "degraded"), QUIET_LIMIT_S), "the database is there"
    assert until(lambda: is_answered(running), QUIET_LIMIT_S), "the model answers"
    assert until(lambda: running.server.health() == "healthy", QUIET_LIMIT_S), "everything is mended"
    assert until(lambda: count(running.raw, REPLIES_UNDER_WAY) == 0, QUIET_LIMIT_S)


def is_answered(running: House) -> bool:
    """Whether a question has its reply."""
    visitor = Visitor(running.server.url)
    visitor.ask("Is everything there again?")
    return visitor.comes_to("done")


def crowd(running: House) -> None:
    """Opens every thread and every connection that may stay: all wait for the database at once."""
    path = f"{running.server.url}/api/chat/{uuid.uuid4()}"
    with ThreadPoolExecutor(BURST) as pool, running.raw.transaction():
        running.raw.execute("LOCK TABLE jobs")
        asked = [pool.submit(requests.get, path, timeout=60) for _ in range(BURST)]
        until(lambda: count(running.raw, WAITING_FOR_A_LOCK) >= POOL, QUIET_LIMIT_S)
        until(lambda: running.held().threads >= THREADS, QUIET_LIMIT_S)
    for one in asked:
        one.result()


def lost(running: House, questions: list[str]) -> Iterator[str]:
    """What was taken and is not there exactly once: questions, their replies, the answers. And what has no end."""
    query = "SELECT content, count(*) FROM chat_messages WHERE role = 'user' GROUP BY content"
    stored: dict[str, int] = dict(running.raw.execute(query).fetchall())
    yield from (f"stored {stored.get(one, 0)} times: {one}" for one in questions if stored.get(one) != 1)
    if endless := count(running.raw, REPLIES_UNDER_WAY):
        yield f"{endless} replies have no end"
    unanswered = "SELECT count(*) FROM chat_messages AS q WHERE role = 'user' AND NOT EXISTS (%s)"
    if missing := count(running.raw, unanswered % "SELECT FROM jobs WHERE question_id = q.id"):
        yield f"{missing} questions have no reply"
    if wordless := count(running.raw, WORDLESS_REPLIES):
        yield f"{wordless} replies are done and have no answer among the messages"
    if doubled := count(running.raw, DOUBLED_ANSWERS):
        yield f"{doubled} answers among the messages are not those of exactly one reply"


def undone(running: House, places: list[str]) -> Iterator[str]:
    """The setting, where it is none of those that it may be; what was answered with an error may be saved or not."""
    row = running.raw.execute("SELECT value FROM settings WHERE key = 'event_location'").fetchone()
    if places and (row is None or row[0] not in places):
        yield f"the place is {row and row[0]}, and was last saved as {places[0]}"


def grown(before: Held, after: Held) -> Iterator[str]:
    """What has not come back to where it was."""
    if after.memory > before.memory + MAX_GROWTH_BYTES:
        yield f"memory has grown by {(after.memory - before.memory) / MEGABYTE:.1f} MB"
    for name in ("threads", "files", "connections"):
        if getattr(after, name) > getattr(before, name):
            yield f"{name}: {getattr(before, name)} before, {getattr(after, name)} after"


def logged(running: House) -> Iterator[str]:
    """The log's lines about faults of ours."""
    for entry in running.server.log_lines():
        if entry["level"] in ("error", "critical"):
            yield f"logged: {entry['message']}: {entry['exception']}"


def tell(met: Met, before: Held, after: Held) -> None:
    """The figures."""
    print(f"Answers: {dict(sorted(met.statuses.items()))}; the slowest of /health took {met.longest_health_s:.2f} s")
    print(f"Questions taken: {len(met.questions)}; settings saved: {met.saved}; faults: {met.faults.total()}")
    print(f"Before: {before}\nAfter:  {after}")


if __name__ == "__main__":
    sys.exit(main())
