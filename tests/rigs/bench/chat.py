"""Compares the chat with the model's server itself: a real llama.cpp server, gunicorn, PostgreSQL, a page's client.

The same questions go to the server directly and through the app, in turns. Both clients read what the server streams,
one from the server, the other from the page's fragments.
"""

import html
import json
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psycopg
import requests

from repaircafe.database import embedded
from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.llm.base import Message
from repaircafe.settings.definitions import Settings
from repaircafe.writing import prompt
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import configure
from tests.llm.conftest import ENDLESS, MODEL, LlamaServer, Told
from tests.rigs.bench.figures import Figure, Table, spread

TITLE = "Chat beside the model's server"
ROUNDS = 15
CONTEXT = 512
"""In tokens. The prompt has about 190; the reply has the rest."""
TEMPERATURE = 1.0
"""At a lower one this small model soon repeats itself, and the app would stop it."""
THREADS = max(1, (os.cpu_count() or 2) // 2)
PARAMETERS = {"n_ctx": CONTEXT, "cpuparams.n_threads": THREADS, **ENDLESS}
"""Replies of one length, on half of the cores: llama.cpp's threads wait for each other, so if one of them shares its
core, all become slow, for the app and for the direct client."""
ANSWER_LIMIT_S = 300.0
LOGGED_WITHIN_S = 3.0
"""The server logs each reply, but not one that the app stops because it repeats itself."""
FIRST_WORD_BUDGET_MS = 50.0
SPEED_BUDGET = 0.97
_ANNOUNCE = """
CREATE OR REPLACE FUNCTION announce_first_word() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('first_word', NEW.id::text); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER announce_first_word AFTER UPDATE ON jobs FOR EACH ROW
WHEN (OLD.first_word_at IS NULL AND NEW.first_word_at IS NOT NULL) EXECUTE FUNCTION announce_first_word()
"""
"""PostgreSQL sends the notification after the commit (its manual, 'NOTIFY')."""
HTMX = {"HX-Request": "true", "Accept": "text/html"}


@dataclass(frozen=True)
class Reply:
    """When the first word came, in seconds after the question, and how fast the rest came."""

    first_word_s: float
    own_first_word_s: float
    """As the server logs it, from the first token of its prompt: without HTTP, template and tokenizing."""
    speed: float
    """As a share of `own_speed`."""
    own_speed: float
    """Tokens a second, as the server logs them for each reply."""
    stored_s: float = 0.0
    """When another process could read the first word in the database, in seconds after the question."""


@dataclass(frozen=True)
class Compared:
    """Replies to the same questions, directly from the server and through the app; as many of each."""

    directly: list[Reply]
    through: list[Reply]


def measure() -> Table:
    """Measures the table; takes about three minutes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cluster = folder / "postgres"
        target = embedded.ensure(cluster)
        try:
            with Server(folder, target) as server:
                return _table(_with_model(server, target, LlamaServer(folder, PARAMETERS)))
        finally:
            embedded.release(cluster)


def _with_model(server: Server, target: str, llama: LlamaServer) -> "Compared":
    try:
        llama.start()
        return _rounds(Page(server, llama, target), llama)
    finally:
        llama.stop()


def _rounds(page: "Page", llama: LlamaServer) -> "Compared":
    """Asks in turns; each goes first in every second round. The first round loads the model and does not count."""
    directly: list[Reply] = []
    through: list[Reply] = []
    for number in range(-1, ROUNDS):
        for ask in (directly, through) if number % 2 else (through, directly):
            question = f"Round {number:02}{'ab'[ask is through]}: can you repair my toaster?"
            reply = page.ask(question) if ask is through else ask_directly(llama, question)
            if number >= 0:
                ask.append(reply)
    return Compared(directly, through)


def ask_directly(llama: LlamaServer, question: str) -> Reply:
    """Asks the server with the messages that the app would send."""
    messages = [asdict(one) for one in prompt.messages(Settings(llm_model=MODEL), [Message("user", question)])]
    limits = {"max_tokens": MAX_REPLY_TOKENS, "temperature": TEMPERATURE}
    body = {"model": MODEL, "messages": messages, "stream": True, **limits}
    replies = len(llama.told())
    began, first = time.monotonic(), 0.0
    with requests.post(f"{llama.url}/v1/chat/completions", json=body, stream=True, timeout=ANSWER_LIMIT_S) as response:
        for _ in _pieces(response):
            first = first or time.monotonic()
    ended = time.monotonic()
    return _reply(llama.told_after(replies), first - began, ended - first)


def _pieces(response: requests.Response) -> Iterator[str]:
    for line in response.iter_lines(chunk_size=1):
        if line.startswith(b"data: {"):
            yield from filter(None, (one["delta"].get("content") for one in json.loads(line[6:])["choices"]))


def set_up(server: Server, llama: LlamaServer) -> None:
    """Saves which model answers, and its temperature."""
    configure(server, llama.url, MODEL)
    changed = {"llm_temperature": str(TEMPERATURE)}
    requests.post(f"{server.url}/config", json=changed, timeout=30).raise_for_status()


class Page:
    """A browser at the chat: sends the form, then polls as the fragments say."""

    def __init__(self, server: Server, llama: LlamaServer, target: str) -> None:
        self._server = server
        self._llama = llama
        self._target = target
        with psycopg.connect(target, autocommit=True) as connection:
            connection.execute(_ANNOUNCE)
        set_up(server, llama)

    def ask(self, question: str) -> Reply:
        """Asks the question in a new conversation."""
        replies = len(self._llama.told())
        browser = requests.Session()
        opened = browser.get(f"{self._server.url}/chat/new", headers={"Accept": "text/html"}, timeout=30).text
        token, path = _found(r'csrf_token" value="([^"]+)"', opened), _found(r'hx-post="(/chat/[^"]+)"', opened)
        reply_id = str(uuid.uuid4())
        form = {"csrf_token": token, "reply_id": reply_id, "message": question}
        with ThreadPoolExecutor(1) as pool, psycopg.connect(self._target, autocommit=True) as connection:
            connection.execute("LISTEN first_word")
            stored = pool.submit(_stored_at, connection, reply_id)
            began, first = time.monotonic(), 0.0
            answer = browser.post(f"{self._server.url}{path}", data=form, headers=HTMX, timeout=ANSWER_LIMIT_S)
            while "HX-Retarget" not in answer.headers:
                answer.raise_for_status()
                first = first or ("<span>" in answer.text and time.monotonic()) or 0.0
                more = html.unescape(_found(r'class="phase"[^>]* hx-get="([^"]+)"', answer.text))
                answer = browser.get(f"{self._server.url}{more}", headers=HTMX, timeout=ANSWER_LIMIT_S)
            ended = time.monotonic()
            first = first or ended
            if not until(lambda: len(self._llama.told()) > replies, LOGGED_WITHIN_S):
                return self.ask(f"{question} Please?")
            return _reply(self._llama.told_after(replies), first - began, ended - first, stored.result() - began)


def _stored_at(connection: psycopg.Connection, reply_id: str) -> float:
    """When the database notified that others can read the first word. Polling for it would slow the database down."""
    if reply_id in (one.payload for one in connection.notifies(timeout=ANSWER_LIMIT_S)):
        return time.monotonic()
    raise AssertionError(f"no first word of {reply_id}")


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    if found is None:
        raise AssertionError(f"{pattern} is not in {text}")
    return found[1]


def _reply(told: Told, first_word_s: float, rest_s: float, stored_s: float = 0.0) -> Reply:
    return Reply(first_word_s, told.prompt_s, told.tokens / rest_s / told.speed, told.speed, stored_s)


def _table(found: Compared) -> Table:
    counted, directly = (
        [reply.own_first_word_s * 1000 for reply in replies] for replies in (found.through, found.directly)
    )
    own = Figure("the server's own count", spread(counted, "ms"), spread(directly, "ms"), "none", None)
    return Table(
        TITLE,
        "The same questions, sent directly to llama.cpp's server and through the app, in turns, "
        f"{len(found.through)} each: median (smallest to largest). The model is SmolLM2 135M, on {THREADS} of the"
        " machine's cores. The reference of the first word is the server when it is asked directly. From both we"
        " subtract the server's own time until its first token, because on a shared machine that time jumps between two"
        " values, whoever asks. The reference of the speed is the server's own count in the same replies. The app's"
        " client behaves like the page.",
        (own, *_first_words(found), *_speeds(found)),
    )


def _first_words(found: Compared) -> Iterator[Figure]:
    beyond = [(reply.first_word_s - reply.own_first_word_s) * 1000 for reply in found.directly]
    for where, ours in (
        ("in the database", [(reply.stored_s - reply.own_first_word_s) * 1000 for reply in found.through]),
        ("on the page", [(reply.first_word_s - reply.own_first_word_s) * 1000 for reply in found.through]),
    ):
        later = median(ours) - median(beyond)
        budget = f"at most {FIRST_WORD_BUDGET_MS:.0f} ms later; {later:.1f}"
        kept = later <= FIRST_WORD_BUDGET_MS
        yield Figure(f"first word {where} after it", spread(ours, "ms"), spread(beyond, "ms"), budget, kept)


def _speeds(found: Compared) -> Iterator[Figure]:
    for what, replies in (("on the page", found.through), ("asked directly", found.directly)):
        share = median(reply.speed for reply in replies)
        ours = spread([reply.speed * reply.own_speed for reply in replies], "/s")
        own_speeds = spread([reply.own_speed for reply in replies], "/s")
        budget = f"at least {SPEED_BUDGET:.0%}; {share:.1%}" if replies is found.through else f"none; {share:.1%}"
        within = share >= SPEED_BUDGET if replies is found.through else None
        yield Figure(f"tokens a second {what}", ours, own_speeds, budget, within)
