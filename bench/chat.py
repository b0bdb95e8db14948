"""The chat beside the model's server itself: a real llama.cpp server, gunicorn, PostgreSQL, and a client like the page.

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

from bench.figures import Figure, Table, spread
from repaircafe.chat import prompt
from repaircafe.database import embedded
from repaircafe.limits import MAX_REPLY_TOKENS
from repaircafe.llm.base import Message
from repaircafe.settings.definitions import Settings
from tests.llm.conftest import MODEL, LlamaServer, Told
from tests.server import Server

TITLE = "Chat beside the model's server"
ROUNDS = 15
CONTEXT = 512
"""Tokens. The prompt is some two hundred and thirty; the reply is the rest."""
THREADS = max(1, (os.cpu_count() or 2) // 2)
PARAMETERS = {"n_ctx": CONTEXT, "sampling.ignore_eos": True, "cpuparams.n_threads": THREADS}
"""Replies of one length; and half of the cores, since llama.cpp's threads wait for each other: if one of them shares
its core with anything else, all of them become slow, whoever asks."""
ANSWER_LIMIT_S = 300.0
FIRST_WORD_BUDGET_MS = 50.0
SPEED_BUDGET = 0.97
_ANNOUNCE = """
CREATE OR REPLACE FUNCTION announce_first_word() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('first_word', NEW.id::text); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER announce_first_word AFTER UPDATE ON replies FOR EACH ROW
WHEN (OLD.first_word_at IS NULL AND NEW.first_word_at IS NOT NULL) EXECUTE FUNCTION announce_first_word()
"""
"""PostgreSQL sends it after the commit (its manual, 'NOTIFY')."""
HTMX = {"HX-Request": "true", "Accept": "text/html"}


@dataclass(frozen=True)
class Reply:
    """When the first word was there, in seconds after the question, and how fast the rest came."""

    first_word_s: float
    own_first_word_s: float
    """As the server counts it in its log, from its prompt's first token: without HTTP, template and tokens."""
    speed: float
    """As a share of the server's own, which it counts for each reply in its log."""
    own_speed: float
    """Tokens a second."""
    stored_s: float = 0.0
    """When another process could see the first word in the database."""


@dataclass(frozen=True)
class Compared:
    """The same number of replies each."""

    directly: list[Reply]
    through: list[Reply]


def measure() -> Table:
    """Some three minutes."""
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
    """After a first question each, which loads what is loaded once; and each goes first in every second round."""
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
    """With the messages that the app sends."""
    messages = [asdict(one) for one in prompt.messages(Settings(llm_model=MODEL), [Message("user", question)])]
    body = {"model": MODEL, "messages": messages, "stream": True, "max_tokens": MAX_REPLY_TOKENS}
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


class Page:
    """A browser at the chat: sends the form, then asks for more as the fragments tell it to."""

    def __init__(self, server: Server, llama: LlamaServer, target: str) -> None:
        self._server = server
        self._llama = llama
        self._target = target
        settings = {"llm_endpoint": llama.url, "llm_model": MODEL}
        with psycopg.connect(target, autocommit=True) as connection:
            connection.execute(_ANNOUNCE)
        requests.post(f"{server.url}/config", json=settings, timeout=30).raise_for_status()

    def ask(self, question: str) -> Reply:
        """In a conversation of its own."""
        replies = len(self._llama.told())
        browser = requests.Session()
        opened = browser.get(f"{self._server.url}/chat/new", headers={"Accept": "text/html"}, timeout=30).text
        token, path = _found(r'csrf_token" value="([^"]+)"', opened), _found(r'hx-post="(/chat/[^"]+)"', opened)
        reply_id = str(uuid.uuid4())
        form = {"csrf_token": token, "reply_id": reply_id, "message": question}
        with ThreadPoolExecutor(1) as pool, psycopg.connect(self._target, autocommit=True) as connection:
            connection.execute("LISTEN first_word")
            stored = pool.submit(_told, connection, reply_id)
            began, first = time.monotonic(), 0.0
            answer = browser.post(f"{self._server.url}{path}", data=form, headers=HTMX, timeout=ANSWER_LIMIT_S)
            while "HX-Retarget" not in answer.headers:
                answer.raise_for_status()
                first = first or ("<span>" in answer.text and time.monotonic()) or 0.0
                more = html.unescape(_found(r'class="phase"[^>]* hx-get="([^"]+)"', answer.text))
                answer = browser.get(f"{self._server.url}{more}", headers=HTMX, timeout=ANSWER_LIMIT_S)
            ended = time.monotonic()
            first = first or ended
            return _reply(self._llama.told_after(replies), first - began, ended - first, stored.result() - began)


def _told(connection: psycopg.Connection, reply_id: str) -> float:
    """When the database told that others can see the first word: asking it again and again would take its time."""
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
        "The same questions directly to llama.cpp's server and through the app, in turns, "
        f"{len(found.through)} each: median (smallest to largest). The model is SmolLM2 135M, on {THREADS} of the"
        " machine's cores. The reference of the first word is the server asked directly; of both, what the server"
        " counts in the same reply until its first token is taken off, since on a machine that others share it leaps"
        " between two values, whoever asks. The reference of the speed is what the server counts itself in the same"
        " replies. The app's client behaves as the page does.",
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
