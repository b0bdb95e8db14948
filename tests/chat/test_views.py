"""repaircafe.chat.views: the page as a plain form, and as the fragments that htmx asks for."""

import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.chat import conversation
from repaircafe.chat.models import Reply, State
from repaircafe.health import checks
from repaircafe.limits import MAX_LISTED_COUNT, MAX_MESSAGE_CHARS, MAX_STRETCH_BYTES
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Reason, Service
from tests.client import HTML, HTMX
from tests.conditions import until
from tests.conftest import MakeApp, make_read_only
from tests.fakes.proxy import Proxy
from tests.fakes.scripted import Ollama
from tests.program import comes_to, last, messages, reply_ids, set_up
from tests.visitor import MODEL


class Browser:
    """A visitor at the page: reads its form and sends it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page = ""
        self.open("/chat")

    def open(self, path: str) -> Any:
        """Opens a page of the chat."""
        response = self.client.get(path, headers=HTML, follow_redirects=True)
        self.page = response.text
        return response

    def field(self, name: str) -> str:
        """The value of a hidden field of the form."""
        found = re.search(rf'name="{name}" value="([^"]+)"', self.page)
        assert found, self.page
        return found[1]

    @property
    def path(self) -> str:
        """Where the form is sent."""
        found = re.search(r'id="ask" method="post" action="([^"#]+)', self.page)
        assert found, self.page
        return found[1]

    @property
    def session_id(self) -> str:
        """The conversation."""
        return self.path.rpartition("/")[2]

    def send(self, text: str, headers: dict[str, str] = HTML, **fields: str) -> Any:
        """Sends the form."""
        data = {"csrf_token": self.field("csrf_token"), "reply_id": self.field("reply_id"), "message": text, **fields}
        return self.client.post(self.path, data=data, headers=headers)

    def press(self, label: str, headers: dict[str, str] = HTML) -> Any:
        """Presses the last button of that label, in a form of its own."""
        forms = re.findall(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', self.page, re.S)
        path = [action for action, inside in forms if f">{label}</button>" in inside][-1]
        return self.client.post(path, data={"csrf_token": self.field("csrf_token")}, headers=headers)

    def poll(self) -> Any:
        """Asks as the phase of the last reply does."""
        path = re.findall(r'class="phase"[^>]* hx-get="([^"]+)"', self.page)[-1]
        return self.client.get(path.replace("&amp;", "&"), headers=HTMX)


@pytest.fixture
def browser(chat: FlaskClient) -> Browser:
    """A visitor who has opened the chat."""
    return Browser(chat)


def test_a_plain_form_asks_and_comes_back_to_the_conversation(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Yes, <b>bring</b> it."]
    response = browser.send("Can you mend <i>this</i>?")
    assert response.status_code == 303
    assert comes_to(browser.client, browser.session_id, "done")
    browser.open(response.location)
    assert "Can you mend &lt;i&gt;this&lt;/i&gt;?" in browser.page
    assert "Yes, &lt;b&gt;bring&lt;/b&gt; it." in browser.page
    assert 'aria-busy="false"' in browser.page


def test_leaving_and_coming_back_shows_everything(browser: Browser) -> None:
    browser.send("My first question")
    assert comes_to(browser.client, browser.session_id, "done")
    before = browser.session_id
    browser.open("/chat")
    assert browser.session_id == before
    assert "My first question" in browser.page
    browser.open("/chat/new")
    assert browser.session_id != before
    assert "My first question" not in browser.page


def test_a_page_without_scripts_is_not_loaded_again_over_what_was_typed(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.send("Hi")
    browser.open(f"/chat/{browser.session_id}")
    reloading = r"<noscript><meta http-equiv=\"refresh\".*noscript.css.*</noscript>"
    assert re.search(reloading, browser.page), "the form is not shown, or what is typed would be lost"
    refused = browser.send("x" * (MAX_MESSAGE_CHARS + 1))
    assert "xxx" in refused.text
    assert not re.search(reloading, refused.text)


def test_another_browser_begins_with_nothing(browser: Browser, app: Flask) -> None:
    browser.send("My first question")
    other = Browser(app.test_client())
    assert "My first question" not in other.page
    assert "My first question" not in other.open("/chat/earlier").text


def test_a_form_that_is_sent_twice_asks_once(browser: Browser, ollama: Ollama) -> None:
    browser.send("Once")
    browser.send("Once")
    assert comes_to(browser.client, browser.session_id, "done")
    assert [one["content"] for one in messages(browser.client, browser.session_id)] == ["Once", "Hi"]
    assert len(ollama.chats()) == 1


@pytest.mark.parametrize("headers", [HTML, HTMX])
@pytest.mark.parametrize(
    ("text", "said"),
    [(" ", "Type a question first."), ("x" * (MAX_MESSAGE_CHARS + 1), "This is too long: 4001 characters")],
)
def test_what_cannot_be_sent_comes_back_with_the_reason(
    browser: Browser, headers: dict[str, str], text: str, said: str
) -> None:
    response = browser.send(text, headers)
    assert response.status_code == 422
    assert said in response.text
    assert f">\n{text}</textarea>" in response.text
    assert ("HX-Retarget" in response.headers) is (headers is HTMX)


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_page_from_before_a_restart_keeps_what_was_typed(browser: Browser, headers: dict[str, str]) -> None:
    response = browser.send("A long thought", headers, csrf_token="stale")
    assert response.status_code == 400
    assert "press Send again" in response.text
    assert ">\nA long thought</textarea>" in response.text


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_with_the_database_away_what_was_typed_stays(
    proxied: Callable[..., Flask], proxy: Proxy, headers: dict[str, str]
) -> None:
    browser = Browser(proxied().test_client())
    proxy.break_with("refuse")
    response = browser.send("A long thought", headers)
    assert response.status_code == 503
    assert ">\nA long thought</textarea>" in response.text
    proxy.mend()
    browser.page = response.text
    assert browser.send("A long thought", reply_id=str(uuid.uuid4())).status_code == 303


def test_with_the_database_away_the_chat_opens_for_who_has_chatted_before(
    proxied: Callable[..., Flask], proxy: Proxy
) -> None:
    browser = Browser(proxied().test_client())
    assert browser.send("My first question").status_code == 303
    before = browser.session_id
    proxy.break_with("refuse")
    opened = browser.open("/chat")
    assert opened.status_code == 200
    assert "shown again as soon as the database is back" in opened.text
    assert "aria-invalid" not in opened.text, "nothing is wrong with what is not typed yet"
    assert browser.session_id != before
    proxy.mend()
    assert "My first question" in browser.open("/chat").text


def test_a_database_that_can_only_be_read_shows_what_was_said(browser: Browser, app: Flask) -> None:
    browser.send("My first question")
    assert comes_to(browser.client, browser.session_id, "done")
    make_read_only(app, "on")
    for path in ("/chat", f"/chat/{browser.session_id}", f"/chat/{browser.session_id}.md", "/chat/earlier"):
        opened = browser.client.get(path, headers=HTML, follow_redirects=True)
        assert (opened.status_code, "My first question" in opened.text) == (200, True), path
    assert last(browser.client, browser.session_id)["state"] == "done"


def test_a_reply_that_is_found_broken_off_is_not_said_to_have_taken_until_then(
    browser: Browser, app: Flask, ollama: Ollama, raw: psycopg.Connection
) -> None:
    for state, told in (("failed", True), ("broken", False)):
        ollama.script = ["Half", b'{"error": "x"}\n']
        browser.open("/chat/new")
        browser.send("Hi", HTMX)
        browser.open("/chat")
        assert comes_to(browser.client, browser.session_id, "failed")
        raw.execute("UPDATE replies SET state = %s", (state,))
        (reply_id,) = reply_ids(app, browser.session_id)
        path = f"/chat/{browser.session_id}/replies/{reply_id}"
        assert ("It took" in browser.client.get(path, headers=HTMX).text) is told


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_a_question_that_was_stored_without_an_answer_is_not_doubled_by_sending_it_again(
    proxied: Callable[..., Flask], proxy: Proxy, raw: psycopg.Connection, headers: dict[str, str]
) -> None:
    browser = Browser(proxied().test_client())
    proxy.break_at(b"COMMIT", "reset")
    response = browser.send("A long thought", headers)
    assert response.status_code == 503
    proxy.mend()
    browser.page = response.text
    assert browser.send("A long thought").status_code == 303
    assert raw.execute("SELECT count(*) FROM chat_messages").fetchone() == (1,)


def test_the_phases_are_told_as_they_are(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    ollama.loaded.clear()
    pause = threading.Event()
    ollama.script = ["Yes", pause, ", bring it."]
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: "Waiting for the model" in browser.poll().text)
    ollama.go_on.set()
    assert until(lambda: "The model is writing" in browser.poll().text)
    grown = browser.poll().text
    before, phase, after = grown.partition('<p class="phase"')
    assert before == "<span>Yes</span>"  # and no blank beside it: the page shows all of them
    assert (phase + after).endswith("</p>")
    assert re.search(r'class="time">\d+:\d\d<', grown)
    browser.page = grown.replace("from=3", "from=15")
    assert "from=15" in browser.poll().text  # though a database that crashed may have forgotten the last words
    browser.page = grown
    assert "<span>" not in browser.poll().text  # nothing twice
    pause.set()
    assert until(lambda: "HX-Retarget" in browser.poll().headers)
    ended = browser.poll()
    assert ended.headers["HX-Retarget"].startswith("#reply-")
    assert "Yes, bring it." in ended.text
    assert 'id="announcement"' in ended.text
    assert "hx-get" not in ended.text  # asks no more


def test_markdown_is_shown_when_the_reply_has_ended(browser: Browser, ollama: Ollama) -> None:
    pause = threading.Event()
    ollama.script = ["**Yes**", pause, "\n- bring it\n- <b>today</b>"]
    browser.page = browser.send("**Hi**", HTMX).text + browser.page
    assert '<p class="said">**Hi**</p>' in browser.page
    assert until(lambda: "<span>**Yes**</span>" in browser.poll().text)
    pause.set()
    assert until(lambda: "HX-Retarget" in browser.poll().headers)
    reply, _, announcement = browser.poll().text.partition('id="announcement"')
    assert "<p><strong>Yes</strong></p>\n<ul>\n<li>bring it</li>\n<li>&lt;b&gt;today&lt;/b&gt;</li>" in reply
    assert "Reply: Yes bring it &lt;b&gt;today&lt;/b&gt; <" in announcement
    browser.open("/chat")
    assert '<p class="said">**Hi**</p>' in browser.page
    assert "<p><strong>Yes</strong></p>" in browser.page


def test_a_model_in_memory_is_said_to_be_reading(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: "The model reads the question" in browser.poll().text)


def test_a_page_that_waits_is_told_at_once_and_asks_at_once(browser: Browser, ollama: Ollama) -> None:
    """Not a second later: the first word is what somebody waits for."""
    ollama.go_on.clear()
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert 'hx-trigger="load, ' in browser.page
    assert until(lambda: "The model reads the question" in browser.poll().text)
    browser.page = browser.poll().text
    threading.Timer(0.1, ollama.go_on.set).start()
    fragment = browser.poll()
    assert "<span>Hi</span>" in fragment.text or "HX-Retarget" in fragment.headers


def test_those_who_wait_leave_threads_to_the_others(make_app: MakeApp, ollama: Ollama) -> None:
    """Of four threads one may wait: of three who ask at the same time, somebody is answered at once."""
    app = make_app(threads=4)
    set_up(app.test_client(), ollama.url)
    ollama.go_on.clear()
    browser = Browser(app.test_client())
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: "The model reads" in browser.poll().text)
    browser.page = browser.poll().text

    def some_are_not_held() -> bool:
        answers: list[str] = []
        asking = [threading.Thread(target=lambda: answers.append(browser.poll().text)) for _ in range(3)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        return any('hx-trigger="every 1s"' in text for text in answers)

    assert until(some_are_not_held)


def test_a_visitor_is_not_told_what_the_technician_can_do(make_app: MakeApp, ollama: Ollama) -> None:
    app, operator = make_app(operator_password="a-long-password"), ("operator", "a-long-password")
    chosen = {"llm_endpoint": ollama.url, "llm_model": MODEL}
    assert app.test_client().post("/config", json=chosen, auth=operator).status_code == 200
    browser = Browser(app.test_client())
    ollama.broken = True
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    cure = str(explain(Service.LLM, Reason.HTTP_ERROR).cure)
    browser.open("/chat")
    assert "Please tell a volunteer." in browser.page
    assert cure not in browser.page
    assert cure in browser.client.get(f"/chat/{browser.session_id}", headers=HTML, auth=operator).text


def test_a_reply_whose_reason_another_version_wrote_is_shown(
    browser: Browser, raw: psycopg.Connection, ollama: Ollama
) -> None:
    """An upgrade that went back leaves what the newer version wrote."""
    ollama.broken = True
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    raw.execute("UPDATE replies SET reason = 'not_known_yet'")
    browser.open("/chat")
    internal = explain(Service.LLM, Reason.INTERNAL)
    assert f"Not finished. {internal.sentence}" in browser.page
    assert str(internal.cure) in browser.page


def test_an_earlier_question_that_is_asked_again_is_waited_for_without_scripts(
    browser: Browser, raw: psycopg.Connection, ollama: Ollama
) -> None:
    browser.send("First")
    assert comes_to(browser.client, browser.session_id, "done")
    raw.execute("UPDATE replies SET state = 'failed', reason = 'timeout'")
    browser.open("/chat")
    browser.send("Second")
    assert comes_to(browser.client, browser.session_id, "done")
    ollama.script = ["Half", threading.Event()]
    browser.open("/chat")
    assert browser.press("Retry").status_code == 303
    browser.open("/chat")
    assert '<meta http-equiv="refresh"' in browser.page


def have_said(browser: Browser, ollama: Ollama, questions: list[str]) -> None:
    """A conversation of which a page takes two replies at most."""
    for text in questions:
        ollama.script = [f"About {text[:20]}: {'words ' * (MAX_STRETCH_BYTES // 15)}"]
        browser.open(f"/chat/{browser.session_id}" if text != questions[0] else "/chat/new")
        browser.send(text)
        assert comes_to(browser.client, browser.session_id, "done")
    browser.open("/chat")


def questions_of(page: str) -> list[str]:
    """What was asked, in the order of the page."""
    return re.findall(r'<div class="question">.*?<p class="said">(.*?)</p>', page, re.S)


def before(page: str) -> str | None:
    """Where a page leads for what was said before."""
    found = re.search(r'id="before" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


@pytest.mark.parametrize("headers", [HTML, HTMX])
def test_of_a_long_conversation_a_page_shows_the_end_and_leads_to_all_before(
    browser: Browser, ollama: Ollama, headers: dict[str, str]
) -> None:
    asked = [f"question {number}" for number in range(6)]
    have_said(browser, ollama, asked)
    page, found = browser.page, questions_of(browser.page)
    assert 'id="question"' in page
    while link := before(page):
        assert len(page.encode()) < MAX_STRETCH_BYTES + 12_000
        page = browser.client.get(link, headers=headers).text
        assert ("<html" in page) == (headers == HTML)
        assert ("To the newest messages" in page) == (headers == HTML)
        assert 'id="question"' not in page, "an answer would stand below what was said before"
        found = questions_of(page) + found
    assert found == asked
    assert "The conversation begins here." in page
    assert "The conversation begins here." not in browser.page


def test_the_longest_question_is_shown_with_its_reply(browser: Browser, ollama: Ollama) -> None:
    asked = ["&" * MAX_MESSAGE_CHARS, "🔧" * MAX_MESSAGE_CHARS, "<" * MAX_MESSAGE_CHARS]
    have_said(browser, ollama, asked)
    assert len(browser.page.encode()) < MAX_STRETCH_BYTES + 12_000
    assert questions_of(browser.page)[-1] == "&lt;" * MAX_MESSAGE_CHARS
    assert "About &lt;" in browser.page


def test_of_many_attempts_the_newest_are_shown_and_all_are_in_the_file(browser: Browser, ollama: Ollama) -> None:
    rest = "words " * (MAX_STRETCH_BYTES // 15)
    for number in range(5):
        ollama.script = [f"Attempt {number}: {rest}", threading.Event()]
        browser.press("Retry") if number else browser.send("Tell me")
        assert until(lambda: last(browser.client, browser.session_id)["content"].endswith(rest.strip()[-9:] + " "))
        browser.open(f"/chat/{browser.session_id}")
        browser.press("Stop")
        assert comes_to(browser.client, browser.session_id, "stopped")
        browser.open(f"/chat/{browser.session_id}")
    assert re.findall(r"Attempt \d", browser.page) == ["Attempt 3", "Attempt 4"]
    assert "Older attempts at a reply are not shown here" in browser.page
    assert before(browser.page) is None
    saved = browser.client.get(f"/chat/{browser.session_id}.md").text
    assert re.findall(r"Attempt \d", saved) == [f"Attempt {number}" for number in range(5)]


def test_asking_again_far_above_leads_to_where_the_reply_comes(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half a thought", threading.Event()]
    browser.send("the first")
    assert until(lambda: last(browser.client, browser.session_id)["content"] == "Half a thought")
    browser.open("/chat")
    assert "until" not in browser.press("Stop").location
    assert comes_to(browser.client, browser.session_id, "stopped")
    session_id = browser.session_id
    for number in range(4):
        ollama.script = ["words " * (MAX_STRETCH_BYTES // 15)]
        browser.send(f"question {number}")
        assert comes_to(browser.client, session_id, "done")
        browser.open("/chat")
    assert "Half a thought" not in browser.page
    while "Half a thought" not in browser.page:
        browser.open(before(browser.page) or "")
    ollama.go_on.clear()
    response = browser.press("Retry")
    browser.open(response.location)
    assert questions_of(browser.page) == ["the first"]
    assert f'id="{response.location.partition("#")[2]}"' in browser.page
    assert 'aria-busy="true"' in browser.page
    reloads = re.search(r'http-equiv="refresh" content="3; url=([^"#]+)', browser.page)
    assert reloads
    assert "until=" in reloads[1]
    browser.open("/chat")
    assert 'aria-busy="false"' in browser.page, "what is written is not on this page"


@pytest.mark.parametrize(("until", "shown"), [("", 1), ("x", 1), ("²", 1), ("9" * 5_000, 1), ("1\x00", 1), ("-1", 0)])
def test_a_stretch_that_nobody_offered_is_no_fault(browser: Browser, until: str, shown: int) -> None:
    browser.send("Hi")
    response = browser.client.get(f"/chat/{browser.session_id}", query_string={"until": until})
    assert (response.status_code, questions_of(response.text)) == (200, ["Hi"] * shown)


def test_the_address_changes_with_the_first_question_alone(browser: Browser) -> None:
    browser.send("First", HTMX)
    here = f"http://localhost/chat/{browser.session_id}"
    for current, pushed in (("http://localhost/chat/new", True), (here, False), (f"{here}?look=1#reply", False)):
        answer = browser.send("Next", {**HTMX, "HX-Current-URL": current})
        assert ("HX-Push-Url" in answer.headers) is pushed, "else Back leads to the same page"


def test_a_reply_is_said_to_have_taken_until_its_end() -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    reply = Reply(state=State.DONE, began_at=began, updated_at=began + timedelta(seconds=75))
    assert conversation.passed(reply) == "1:15"
    reply.state = State.WRITING
    assert conversation.passed(reply).startswith("60:0")


def test_stop_keeps_what_was_said_and_says_so(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half a", threading.Event(), "thought"]
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "writing")
    browser.open("/chat")
    assert browser.press("Stop").status_code == 303
    assert comes_to(browser.client, browser.session_id, "stopped")
    browser.open("/chat")
    assert "Half a" in browser.page
    assert "Stopped." in browser.page
    assert last(browser.client, browser.session_id)["id"]  # among the messages, and shown to the model


def test_stop_ends_the_waiting_in_the_queue_as_well(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.send("First")
    browser.open("/chat")
    browser.send("Second")
    browser.open("/chat")
    assert "1 question is before yours" in browser.page
    assert browser.press("Stop", HTMX).status_code == 204
    assert comes_to(browser.client, browser.session_id, "stopped")


def test_after_a_failure_retry_asks_the_same_again(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half", b'{"error": "x"}\n']
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    browser.open("/chat")
    assert "Not finished." in browser.page
    ollama.script = ["Whole"]
    assert browser.press("Retry").status_code == 303
    assert comes_to(browser.client, browser.session_id, "done")
    browser.open("/chat")
    assert browser.page.count(">Hi</p>") == 1
    assert ">Half</p>" in browser.page
    assert ">Whole</p>" in browser.page
    assert ">Retry</button>" not in browser.page
    assert [one["content"] for one in ollama.chats()[-1]["messages"][1:]] == ["Hi"]


def test_retry_with_htmx_keeps_the_attempt_before(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half", b'{"error": "x"}\n']
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    browser.open("/chat")
    fragment = browser.press("Retry", HTMX).text
    assert ">Half</p>" in fragment
    assert fragment.count('class="phase"') == 1


def test_with_the_model_away_the_question_is_kept_and_sent_when_the_visitor_says_so(
    chat: FlaskClient, ollama: Ollama
) -> None:
    set_up(chat, "http://127.0.0.1:9")
    browser = Browser(chat)
    browser.send("Are you there?")
    assert comes_to(chat, browser.session_id, "failed")
    browser.open("/chat")
    assert "Are you there?" in browser.page
    assert "The language model is not running." in browser.page
    assert ollama.chats() == []
    set_up(chat, ollama.url)
    browser.press("Ask again")
    assert comes_to(chat, browser.session_id, "done")


def test_a_conversation_is_forgotten_at_once(browser: Browser) -> None:
    browser.send("A secret")
    assert comes_to(browser.client, browser.session_id, "done")
    session_id = browser.session_id
    browser.open("/chat")
    assert browser.press("Forget this conversation now").status_code == 303
    assert "has been forgotten" in Browser(browser.client).page
    assert browser.open(f"/chat/{session_id}").status_code == 404
    assert "A secret" not in browser.open("/chat/earlier").text


def test_a_page_that_still_asks_for_a_forgotten_reply_is_told_once(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half", threading.Event()]
    browser.page = browser.send("Hi", HTMX).text + browser.page
    browser.client.delete(f"/api/chat/{browser.session_id}")
    gone = browser.poll()
    assert gone.headers["HX-Retarget"] == "#log"
    assert "has been forgotten" in gone.text


def test_earlier_conversations_are_listed_and_searched(browser: Browser, ollama: Ollama) -> None:
    for text, reply in (("My toaster hums at the École", "Bring it"), ("Is 100% wool_en repaired?", "Ask a volunteer")):
        ollama.script = [reply]
        browser.open("/chat/new")
        browser.send(text)
        assert comes_to(browser.client, browser.session_id, "done")
    listed = browser.open("/chat/earlier").text
    assert listed.index("wool_en") < listed.index("My toaster hums")
    assert re.search(r"removed on \d+ \w+ \d{4}", listed)
    for words, found in (
        ("TOASTER", {"toaster"}),
        ("école", {"toaster"}),
        ("ask volunteer", {"wool"}),
        ("100%", {"wool"}),
        ("%", {"wool"}),
        ("l_e", {"wool"}),
        ("toaster wool", set()),
        ("", {"toaster", "wool"}),
    ):
        text = browser.client.get("/chat/earlier", query_string={"q": words}, headers=HTML).text.partition("<ul")[2]
        assert {word for word in ("toaster", "wool") if word in text} == found, words


def test_a_long_list_of_conversations_is_cut_and_says_so(browser: Browser, raw: psycopg.Connection) -> None:
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "done")
    one_more = (
        "WITH new AS (INSERT INTO conversations (browser_id) SELECT browser_id FROM conversations LIMIT 1 RETURNING id)"
        " INSERT INTO chat_messages (role, content, session_id) SELECT 'user', repeat('&', 100), id FROM new"
    )
    for _ in range(MAX_LISTED_COUNT - 1):
        raw.execute(one_more)
    whole = browser.open("/chat/earlier").text
    assert (whole.count('class="card"'), "There are more" in whole) == (MAX_LISTED_COUNT, False)
    raw.execute(one_more)
    cut = browser.open("/chat/earlier").text
    assert (cut.count('class="card"'), "There are more" in cut) == (MAX_LISTED_COUNT, True)
    assert len(cut.encode()) < MAX_STRETCH_BYTES + 12_000, "a first visit has more than 100 kB"


def test_a_reply_that_has_outlived_its_question_stands_for_no_conversation(
    browser: Browser, raw: psycopg.Connection
) -> None:
    """The retention counts each message's own days: a reply that came after midnight goes a night later."""
    browser.send("My toaster hums")
    assert comes_to(browser.client, browser.session_id, "done")
    raw.execute("DELETE FROM chat_messages WHERE role = 'user'")
    assert "There are none yet." in browser.open("/chat/earlier").text
    assert "Nothing was found." in browser.open("/chat/earlier?q=hello").text


def test_times_are_those_of_the_cafe(browser: Browser, raw: psycopg.Connection) -> None:
    assert browser.client.post("/config", json={"event_timezone": "Europe/Amsterdam"}).status_code == 200
    browser.send("Hi")
    session_id = browser.session_id
    raw.execute("UPDATE conversations SET updated_at = '2026-07-01 22:30:00+00'")
    raw.execute("UPDATE chat_messages SET created_at = '2026-07-01 22:30:00+00'")
    listed = browser.open("/chat/earlier").text
    assert "2 Jul 2026, 00:30:00" in listed
    assert "removed on 1 August 2026" in listed, "in the night of that day"
    raw.execute("UPDATE conversations SET updated_at = '2026-07-02 13:00:00+00'")
    assert "removed on 2 August 2026" in browser.open("/chat/earlier").text, "that night it is not old enough yet"
    saved = browser.client.get(f"/chat/{session_id}.md")
    assert 'filename="repair-cafe-2026-07-02.md"' in saved.headers["Content-Disposition"]


def test_a_saved_conversation_has_its_headings_in_the_readers_language(browser: Browser) -> None:
    browser.send("Mijn broodrooster bromt")
    comes_to(browser.client, browser.session_id, "done")
    saved = browser.client.get(f"/chat/{browser.session_id}.md", headers={"Accept-Language": "nl"}).text
    headings = ["# Gesprek met de assistent van het repair café", "## Vraag", "## Antwoord"]
    assert re.findall("^#.*", saved, re.MULTILINE) == headings


def test_what_postgresql_cannot_hold_is_not_searched_for(browser: Browser) -> None:
    browser.send("My toaster hums")
    for words in ("\x00", "toas\x00ter"):
        found = browser.client.get("/chat/earlier", query_string={"q": words}, headers=HTML)
        assert (found.status_code, "My toaster hums" in found.text) == (200, True)


def test_a_conversation_is_found_by_what_a_broken_reply_had_said(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half of a xylophone", b'{"error": "x"}\n']
    browser.send("Hi")
    session_id = browser.session_id
    assert comes_to(browser.client, session_id, "failed")
    assert session_id in browser.open("/chat/earlier?q=xylophone").text
    assert session_id not in browser.open("/chat/earlier?q=marimba").text


def test_a_conversation_is_saved_as_text_and_as_json(browser: Browser) -> None:
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "done")
    text = browser.client.get(f"/chat/{browser.session_id}.md")
    assert text.mimetype == "text/markdown"
    assert "attachment" in text.headers["Content-Disposition"]
    assert text.text.endswith("## Question\n\nHi\n\n## Reply\n\nHi\n")
    assert browser.client.get(f"/chat/{browser.session_id}.json").get_json()["messages"] == messages(
        browser.client, browser.session_id
    )


def test_the_page_says_how_long_things_are_kept(make_app: MakeApp, ollama: Ollama) -> None:
    app = make_app(chat_retention_days=7)
    set_up(app.test_client(), ollama.url)
    browser = Browser(app.test_client())
    assert "kept for 7 days" in browser.page
    browser.send("Hi")
    assert re.search(r"removed on \d+ \w+ \d{4}", browser.open("/chat").text)


def test_the_page_says_where_the_model_runs(browser: Browser, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "what you type stays here" in browser.page
    monkeypatch.setattr(checks, "is_private", lambda _address: False)
    browser.client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": MODEL})
    browser.open("/chat")
    assert "what you type is sent there" in browser.page
    assert "stays here" not in browser.page


def test_without_a_model_the_page_says_what_can_be_done(client: FlaskClient) -> None:
    assert "the question is kept" in Browser(client).page


def test_an_unknown_conversation_is_a_page_that_says_so(browser: Browser) -> None:
    response = browser.client.get(f"/chat/{uuid.uuid4()}", headers=HTML)
    assert response.status_code == 404
    assert "not there any more" in response.text
