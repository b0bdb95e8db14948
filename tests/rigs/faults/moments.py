"""The moments at which a neighbour is broken, and what must hold in each of them."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from repaircafe.neighbours.report import Neighbour
from tests.harness.conditions import until
from tests.harness.visitor import Visitor
from tests.rigs.faults.scene import ANSWER_LIMIT_S, OPENING_S, TRUTH_S, WHOLE, WORDS, Scene

MOMENTS = ("start", "idle", "write", "reply")


class Moments(Scene):
    """A scene with the moments of the matrix.

    Each is a method that breaks the neighbour in it, asserts what must hold, and leaves everything mended.
    """

    def start(self) -> None:
        """The app has been started with the fault on."""
        if self.neighbour is not Neighbour.MAIL:
            assert self.is_told(), self.looked[-1].body
            self.check_pages(*([503] if self.neighbour is Neighbour.DB else []))
            self.check_recovery(OPENING_S if self.neighbour is Neighbour.DB else None)
        else:
            assert until(self._is_open), "the database is well"
            self._check_that_nobody_asks_google()
            self.check_recovery()

    def idle(self) -> None:
        """The fault comes while nothing is under way."""
        self.proxy.break_with(self.fault)
        if self.neighbour is Neighbour.MAIL:
            self._check_that_nobody_asks_google()
            assert self.test_mail() != "ok" or self.fault == "delay"
        if self.neighbour is not Neighbour.MAIL or self.fault != "delay":
            assert self.is_told(), self.looked[-1].body
        self.check_pages()
        self.check_recovery()

    def write(self) -> None:
        """The fault comes in the middle of storing or sending something."""
        moments = {
            Neighbour.DB: self._write_to_database,
            Neighbour.LLM: self._ask_model,
            Neighbour.MAIL: self._send_token,
        }
        moments[self.neighbour]()

    def reply(self) -> None:
        """The fault comes in the middle of an answer."""
        if self.neighbour is Neighbour.MAIL:
            self._receive_token()
        else:
            self._break_in_mid_reply()

    def _write_to_database(self) -> None:
        before, value = self.location(), f"Place {uuid.uuid4()}"
        self.proxy.break_at(b"INSERT INTO settings", self.fault)
        status = self.save(value)
        assert status in (200, 503)
        self.check_recovery_of_setting(value if status == 200 else before)
        visitor, question = self.visitor(), f"Question {uuid.uuid4()}"
        self.proxy.break_at(b"COMMIT", self.fault)
        response = visitor.send(question)
        assert response.status_code in (200, 503)
        assert self.proxy.broken.is_set()
        assert self.is_told(), self.looked[-1].body
        self.check_recovery()
        if response.status_code == 503 and not response.history:
            assert question in visitor.page, "what was typed is still there"
            assert visitor.send(question).status_code == 200
        assert self.stored(question) == 1
        assert self._comes_to_an_answer(visitor)[-1] == "Hi"
        assert self.answers(visitor) == ["Hi"], "neither doubled nor lost"

    def check_recovery_of_setting(self, value: str) -> None:
        """What was answered is what is there, after the fault has been told and has gone."""
        assert self.proxy.broken.is_set()
        assert self.is_told(), self.looked[-1].body
        self.proxy.mend()
        assert self.is_well(TRUTH_S[self.neighbour])
        assert self.location() == value

    def _ask_model(self) -> None:
        visitor, question, value = self.visitor(), f"Question {uuid.uuid4()}", f"Place {uuid.uuid4()}"
        self.proxy.break_at(b"POST /api/chat", self.fault)
        assert visitor.send(question).status_code == 200
        assert self.proxy.broken.wait(ANSWER_LIMIT_S)
        assert self.is_told(), self.looked[-1].body
        assert self.save(value) == 200
        assert self.location() == value
        self.check_recovery()
        assert self.stored(question) == 1
        assert self._comes_to_an_answer(visitor)[-1] == "Hi"
        assert self.answers(visitor) == ["Hi"], "neither doubled nor lost"

    def _send_token(self) -> None:
        self.proxy.break_at(b"POST /token", self.fault)
        assert self.test_mail() != "ok" or self.fault == "delay"
        if self.fault != "delay":
            assert self.is_told()
        self.check_recovery()

    def _receive_token(self) -> None:
        self.google.holds = True
        with ThreadPoolExecutor(1) as pressing:
            found = pressing.submit(self.test_mail)
            assert self.google.begun.wait(ANSWER_LIMIT_S)
            self.proxy.break_with(self.fault)
            self.google.go_on.set()
            assert found.result() != "ok" or self.fault == "delay"
        self.google.holds = False
        if self.fault != "delay":
            assert self.is_told()
        self.check_recovery()

    def _break_in_mid_reply(self) -> None:
        gates = [threading.Event() for _ in WORDS]
        self.ollama.script = [part for pair in zip(WORDS, gates, strict=True) for part in pair]
        visitor, question = self.visitor(), f"Question {uuid.uuid4()}"
        assert visitor.send(question).status_code == 200
        assert until(lambda: visitor.last()["content"] == WORDS[0])
        self.proxy.break_with(self.fault)
        for gate in gates:
            gate.set()
        assert self.is_told(), self.looked[-1].body
        self.check_pages()
        self.ollama.script = ["Hi"]
        self.proxy.mend()
        if self.neighbour is Neighbour.DB:  # for a moment it may count as broken off, until its process takes it back
            assert visitor.comes_to("done"), "the model was there all along"
        assert until(lambda: visitor.last()["state"] in ("done", "failed", "broken"))
        if visitor.last()["state"] != "done":
            assert self.fault != "delay"
            self._check_that_half_is_kept(visitor)
        else:
            assert (visitor.last()["content"], self.answers(visitor)) == (WHOLE, [WHOLE])
        self.check_recovery()
        assert self.stored(question) == 1

    def _check_that_half_is_kept(self, visitor: Visitor) -> None:
        """And marked, and one press brings the whole."""
        half = visitor.last()["content"]
        assert WHOLE.startswith(half)
        assert half.startswith(WORDS[0])
        assert half.strip() in visitor.show()
        assert self._comes_to_an_answer(visitor) == [half, "Hi"]
        assert self.answers(visitor) == ["Hi"], "what is half is no answer"

    def _comes_to_an_answer(self, visitor: Visitor) -> list[str]:
        """By a press of Retry where it did not come by itself; answers all that was said to it."""
        assert until(lambda: visitor.last().get("state") in ("done", "failed", "broken")), visitor.messages()
        if visitor.last()["state"] != "done":
            visitor.show()
            visitor.press("Retry" if visitor.last()["content"] else "Ask again")
            assert visitor.comes_to("done"), visitor.messages()
        return [one["content"] for one in visitor.messages()[1:]]

    def _check_that_nobody_asks_google(self) -> None:
        asked = len(self.google.asked)
        assert self.look().status(Neighbour.MAIL) in ("ok", "degraded")
        self.check_pages()
        assert len(self.google.asked) == asked
