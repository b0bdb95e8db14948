"""The page around a conversation is rendered once for all visitors."""

from flask import Flask

from tests.chat.scene import Browser
from tests.fakes.scripted import Ollama
from tests.harness.client import AUTH, HTML, csrf_token
from tests.harness.program import comes_to, messages
from tests.harness.visitor import MODEL


def test_each_visitor_has_its_own_conversation_on_a_kept_page(guarded: Flask, ollama: Ollama) -> None:
    chosen = {"llm_endpoint": ollama.url, "llm_model": MODEL}
    assert guarded.test_client().post("/config", json=chosen, auth=AUTH).status_code == 200
    there = {name: Browser(guarded.test_client()) for name in ("Anna", "Bert")}
    for name, browser in there.items():
        browser.send(f"I am {name}")
        assert comes_to(browser.client, browser.session_id, "done")
        browser.open("/chat")
    for name, other in (("Anna", "Bert"), ("Bert", "Anna")):
        mine, page = there[name], there[other].page
        assert f"I am {name}" in mine.page
        for known in (f"I am {name}", mine.session_id, csrf_token(mine.page)):
            assert known not in page
        mine.send(f"{name} again")
        asked = [one["content"] for one in messages(mine.client, mine.session_id) if one["role"] == "user"]
        assert asked == [f"I am {name}", f"{name} again"]


def test_a_kept_page_follows_the_name_of_the_cafe_and_the_language(guarded: Flask) -> None:
    visitor = guarded.test_client()
    before = visitor.get("/chat/new", headers=HTML).text
    assert guarded.test_client().post("/config", json={"cafe_name": "De Hoek"}, auth=AUTH).status_code == 200
    after = visitor.get("/chat/new", headers=HTML).text
    assert ("De Hoek" in before, "De Hoek" in after) == (False, True)
    assert 'lang="nl"' in visitor.get("/chat/new", headers=HTML | {"Accept-Language": "nl"}).text
