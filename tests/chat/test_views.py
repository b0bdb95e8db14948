"""repaircafe.chat.views: the page as a plain form, and as the fragments that htmx asks for."""

import re
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from repaircafe.chat.models import Reply
from repaircafe.limits import MAX_MESSAGE_CHARS
from repaircafe.neighbours import checks
from repaircafe.neighbours.explanations import explain
from repaircafe.neighbours.report import Neighbour, Reason
from repaircafe.work.models import State
from tests.chat.scene import Browser
from tests.conftest import MakeApp
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, HTMX, PASSWORD
from tests.harness.conditions import until
from tests.harness.program import comes_to, last, messages, set_up
from tests.harness.visitor import MODEL


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


def test_a_turn_that_was_shown_before_is_in_the_readers_language(browser: Browser) -> None:
    browser.send("My first question")
    assert comes_to(browser.client, browser.session_id, "done")
    browser.open("/chat")
    dutch = browser.client.get(f"/chat/{browser.session_id}", headers=HTML | {"Accept-Language": "nl"}).text
    browser.open("/chat")
    assert '<h2 class="who">You</h2>' in browser.page
    assert '<h2 class="who">Jij</h2>' in dutch
    assert "My first question" in dutch


def test_a_page_without_scripts_never_reloads_over_the_typed_text(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.send("Hi")
    browser.open(f"/chat/{browser.session_id}")
    reloading = r"<noscript><meta http-equiv=\"refresh\".*noscript.css.*</noscript>"
    assert re.search(reloading, browser.page), "the form is not shown, or what is typed would be lost"
    refused = browser.send("x" * (MAX_MESSAGE_CHARS + 1))
    assert "xxx" in refused.text
    assert not re.search(reloading, refused.text)


def test_another_browser_starts_empty(browser: Browser, app: Flask) -> None:
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
def test_a_refused_question_comes_back_with_the_reason(
    browser: Browser, headers: dict[str, str], text: str, said: str
) -> None:
    response = browser.send(text, headers)
    assert response.status_code == 422
    assert said in response.text
    assert f">\n{text}</textarea>" in response.text
    assert ("HX-Retarget" in response.headers) is (headers is HTMX)


def test_the_page_shows_the_real_phases(browser: Browser, ollama: Ollama) -> None:
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
    browser.page = grown
    assert "<span>" not in browser.poll().text  # nothing twice
    pause.set()
    assert until(lambda: "HX-Retarget" in browser.poll().headers)
    ended = browser.poll()
    assert ended.headers["HX-Retarget"].startswith("#reply-")
    assert "Yes, bring it." in ended.text
    assert 'id="announcement"' in ended.text
    assert "hx-get" not in ended.text  # asks no more


def test_a_text_that_was_taken_back_leaves_the_page_even_if_a_longer_one_came(browser: Browser, ollama: Ollama) -> None:
    thought, pause, more = "I must not say this.", threading.Event(), threading.Event()
    ollama.script = [thought, pause, "</think>", "Yes, you can bring your toaster on Saturday", more, "."]
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: thought in browser.poll().text)
    browser.open(f"/chat/{browser.session_id}")
    assert f"from={len(thought)}" in browser.page
    pause.set()
    assert until(lambda: "HX-Retarget" in browser.poll().headers)
    replaced = browser.poll()
    assert replaced.headers["HX-Retarget"].startswith("#job-")
    assert "Yes, you can bring your toaster" in replaced.text
    assert thought not in replaced.text
    more.set()


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


def test_the_page_says_that_a_loaded_model_reads(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: "The model is reading the question" in browser.poll().text)


def test_a_waiting_page_gets_news_immediately_and_polls_again_immediately(browser: Browser, ollama: Ollama) -> None:
    """Not a second later, because the visitor waits for the first word."""
    ollama.go_on.clear()
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert 'hx-trigger="load, ' in browser.page
    assert until(lambda: "The model is reading the question" in browser.poll().text)
    browser.page = browser.poll().text
    threading.Timer(0.1, ollama.go_on.set).start()
    fragment = browser.poll()
    assert "<span>Hi</span>" in fragment.text or "HX-Retarget" in fragment.headers


def test_waiting_pages_leave_threads_free_for_others(make_app: MakeApp, ollama: Ollama) -> None:
    """One of four threads may wait. So if three pages poll at the same time, one gets an immediate response."""
    app = make_app(threads=4)
    set_up(app.test_client(), ollama.url)
    ollama.go_on.clear()
    browser = Browser(app.test_client())
    browser.page = browser.send("Hi", HTMX).text + browser.page
    assert until(lambda: "The model is reading" in browser.poll().text)
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


def test_a_visitor_does_not_see_advice_for_the_organiser(make_app: MakeApp, ollama: Ollama) -> None:
    app = make_app(operator_password=PASSWORD)
    chosen = {"llm_endpoint": ollama.url, "llm_model": MODEL}
    assert app.test_client().post("/config", json=chosen, auth=AUTH).status_code == 200
    browser = Browser(app.test_client())
    ollama.broken = True
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    cure = str(explain(Neighbour.LLM, Reason.HTTP_ERROR).cure)
    browser.open("/chat")
    assert "Please tell a volunteer." in browser.page
    assert cure not in browser.page
    assert cure in browser.client.get(f"/chat/{browser.session_id}", headers=HTML, auth=AUTH).text


def test_a_reply_with_a_reason_from_another_version_is_shown(
    browser: Browser, raw: psycopg.Connection, ollama: Ollama
) -> None:
    """After an upgrade was undone, the database still has values from the newer version."""
    ollama.broken = True
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    raw.execute("UPDATE jobs SET reason = 'not_known_yet'")
    browser.open("/chat")
    internal = explain(Neighbour.LLM, Reason.INTERNAL)
    assert f"Not finished. {internal.sentence}" in browser.page
    assert str(internal.cure) in browser.page


def test_retrying_an_earlier_question_reloads_the_page_without_scripts(
    browser: Browser, raw: psycopg.Connection, ollama: Ollama
) -> None:
    browser.send("First")
    assert comes_to(browser.client, browser.session_id, "done")
    raw.execute("UPDATE jobs SET state = 'failed', reason = 'timeout'")
    browser.open("/chat")
    browser.send("Second")
    assert comes_to(browser.client, browser.session_id, "done")
    ollama.script = ["Half", threading.Event()]
    browser.open("/chat")
    assert browser.press("Retry").status_code == 303
    browser.open("/chat")
    assert '<meta http-equiv="refresh"' in browser.page


def test_the_address_changes_only_with_the_first_question(browser: Browser) -> None:
    browser.send("First", HTMX)
    here = f"http://localhost/chat/{browser.session_id}"
    for current, pushed in (("http://localhost/chat/new", True), (here, False), (f"{here}?look=1#reply", False)):
        answer = browser.send("Next", {**HTMX, "HX-Current-URL": current})
        assert ("HX-Push-Url" in answer.headers) is pushed, "else Back leads to the same page"


def test_the_time_of_a_reply_counts_until_its_end() -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    reply = Reply(state=State.DONE, began_at=began, updated_at=began + timedelta(seconds=75))
    assert reply.passed == "1:15"
    reply.state = State.WRITING
    assert reply.passed.startswith("60:0")


def test_stop_keeps_the_text_so_far_and_says_so(browser: Browser, ollama: Ollama) -> None:
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


def test_stop_also_ends_the_waiting_in_the_queue(browser: Browser, ollama: Ollama) -> None:
    ollama.go_on.clear()
    browser.send("First")
    browser.open("/chat")
    browser.send("Second")
    browser.open("/chat")
    assert "1 question is ahead of yours" in browser.page
    assert browser.press("Stop", HTMX).status_code == 204
    assert comes_to(browser.client, browser.session_id, "stopped")


def test_after_a_failure_retry_asks_the_same_question(browser: Browser, ollama: Ollama) -> None:
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


def test_retry_with_htmx_keeps_the_earlier_attempt(browser: Browser, ollama: Ollama) -> None:
    ollama.script = ["Half", b'{"error": "x"}\n']
    browser.send("Hi")
    assert comes_to(browser.client, browser.session_id, "failed")
    browser.open("/chat")
    fragment = browser.press("Retry", HTMX).text
    assert ">Half</p>" in fragment
    assert fragment.count('class="phase"') == 1


def test_the_page_says_where_the_model_runs(browser: Browser, ollama: Ollama, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "what you type stays here" in browser.page
    monkeypatch.setattr(checks, "is_private", lambda _address: False)
    browser.client.post("/config/test/llm", json={"llm_endpoint": ollama.url, "llm_model": MODEL})
    browser.open("/chat")
    assert "what you type is sent there" in browser.page
    assert "stays here" not in browser.page


def test_without_a_model_the_page_says_what_to_do(client: FlaskClient) -> None:
    assert "the question is kept" in Browser(client).page
