"""Two hosts behind nginx, which sends each request to the other one: to a browser they are one."""

import threading

import psycopg
import pytest
import requests

from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, csrf_token
from tests.harness.conditions import until
from tests.harness.database import DATABASE_AWAY
from tests.harness.server import Server
from tests.harness.visitor import Visitor
from tests.rigs.hosts.conftest import MakeHost
from tests.rigs.hosts.nginx import NAME, Nginx

pytestmark = pytest.mark.hosts

WRONG = ("operator", "a-wrong-password")


def asked(nginx: Nginx, method: str, path: str) -> list[str]:
    """Which host answered each of those requests."""
    return [one.by[-1] for one in nginx.answered() if (one.method, one.path) == (method, path)]


def test_who_signs_in_at_one_is_signed_in_at_the_other(nginx: Nginx) -> None:
    organiser = Visitor(nginx.url)
    organiser.sign_in()
    for _ in range(4):
        assert "Sign out" in organiser.get("/config").text
    assert len(set(asked(nginx, "GET", "/config"))) == 2
    form = {"csrf_token": csrf_token(organiser.get("/").text)}
    organiser.http.post(f"{nginx.url}/sign-out", data=form, timeout=30)
    assert until(lambda: all(organiser.get("/config").url.endswith("/sign-in?next=/config") for _ in range(2)))


def test_a_form_of_one_is_taken_by_the_other(nginx: Nginx) -> None:
    visitor = Visitor(nginx.url)
    for number in range(3):
        visitor.ask(f"Question {number}")
    shown, sent = asked(nginx, "GET", "/chat/new"), [one for one in nginx.answered() if one.method == "POST"]
    assert [one.status for one in sent] == [303] * 3
    assert all(form != taken.by[-1] for form, taken in zip(shown, sent, strict=True))


def test_a_reply_begun_at_one_grows_at_both(nginx: Nginx, ollama: Ollama) -> None:
    more, end = threading.Event(), threading.Event()
    ollama.script = ["Yes", more, ", bring", end, " it."]
    visitor = Visitor(nginx.url)
    reply_id = visitor.ask("Can you mend my toaster?")
    assert until(lambda: "<span>Yes</span>" in visitor.poll(reply_id))
    more.set()
    assert until(lambda: "<span>Yes, bring</span>" in visitor.poll(reply_id))
    end.set()
    assert visitor.comes_to("done")
    for _ in range(2):
        assert "Yes, bring it." in visitor.show()
    assert len(set(asked(nginx, "GET", f"/chat/{visitor.session_id}"))) == 2


def test_what_is_saved_at_one_is_shown_by_both_within_a_second(nginx: Nginx) -> None:
    def shown() -> list[bool]:
        return ["Zaal 3" in requests.get(nginx.url, headers=HTML, timeout=30).text for _ in range(2)]

    assert shown() == [False, False]
    organiser = Visitor(nginx.url)
    organiser.sign_in()
    assert organiser.http.post(f"{nginx.url}/config", json={"event_location": "Zaal 3"}, timeout=30).status_code == 200
    assert [organiser.get("/config").text.count('value="Zaal 3"') for _ in range(2)] == [2, 2], "its own page at once"
    assert until(lambda: shown() == [True, True])


def test_the_name_that_was_opened_is_looked_at(nginx: Nginx) -> None:
    for name, status in ((NAME, 200), ("evil.example", 421)):
        answers = [requests.get(nginx.url, headers={"Host": name}, timeout=30).status_code for _ in range(2)]
        assert answers == [status, status]
    card = requests.get(f"{nginx.url}/table-card", headers={**HTML, "Host": NAME}, timeout=30).text
    assert f"http://{NAME}</p>" in card, "an address that visitors can open, not that of a host"


def test_all_behind_the_proxy_count_as_one_whatever_address_they_claim(nginx: Nginx) -> None:
    answers = []
    for number in range(12):
        claimed = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        answers.append(requests.get(f"{nginx.url}/config", auth=WRONG, headers=claimed, timeout=30).status_code)
    assert answers == [401] * 10 + [429] * 2, "five of each host"


def test_a_host_that_waits_for_its_database_turns_nobody_away(
    make_host: MakeHost, hosts: tuple[Server, Server], nginx: Nginx
) -> None:
    waiting = make_host(DATABASE_AWAY, PORT=str(hosts[0].port), DB_STARTUP_TIMEOUT="0")
    hosts[0].stop()
    waiting.start()
    visitor = Visitor(nginx.url)
    for number in range(3):
        visitor.ask(f"Question {number}")
        assert visitor.get("/health/ready").status_code == 200
    assert {len(one.by) for one in nginx.answered()} == {1, 2}, "some were asked of it and then of the other one"
    assert requests.get(f"{waiting.url}/health", timeout=10).json()["status"] == "starting"


def test_when_no_host_has_its_database_the_waiting_page_is_what_visitors_see(
    make_host: MakeHost, hosts: tuple[Server, Server], nginx: Nginx
) -> None:
    for host in hosts:
        host.stop()
        make_host(DATABASE_AWAY, PORT=str(host.port), DB_STARTUP_TIMEOUT="0").start()
    for _ in range(4):
        answer = requests.get(nginx.url, headers=HTML, timeout=30)
        assert answer.status_code == 503
        assert "It is waiting for its database" in answer.text


def test_when_a_host_dies_in_the_middle_of_a_reply_it_is_broken_off_and_can_be_retried(
    hosts: tuple[Server, Server], nginx: Nginx, ollama: Ollama, raw: psycopg.Connection
) -> None:
    pause = threading.Event()
    ollama.script = ["Half a", pause, " thought"]
    visitor = Visitor(nginx.url)
    visitor.ask("Can you mend my toaster?")
    assert visitor.comes_to("writing")
    (sent,) = [one for one in nginx.answered() if one.method == "POST"]
    (dying,) = [host for host in hosts if sent.by[-1].endswith(f":{host.port}")]
    ollama.script = ["Whole"]
    dying.kill_whole()
    assert visitor.comes_to("broken")
    assert "Half a" in visitor.show()
    visitor.press("Retry")
    assert visitor.comes_to("done")
    pause.set()
    stored = raw.execute("SELECT role, content FROM chat_messages ORDER BY id").fetchall()
    assert stored == [("user", "Can you mend my toaster?"), ("assistant", "Whole")]
    assert requests.get(f"{nginx.url}/config", auth=AUTH, timeout=30).status_code == 200
