"""repaircafe.chat.export: a conversation is saved as text and as JSON."""

import re

from tests.chat.scene import Browser
from tests.harness.program import comes_to, messages


def test_a_saved_conversation_has_its_headings_in_the_readers_language(browser: Browser) -> None:
    browser.send("Mijn broodrooster bromt")
    comes_to(browser.client, browser.session_id, "done")
    saved = browser.client.get(f"/chat/{browser.session_id}.md", headers={"Accept-Language": "nl"}).text
    headings = ["# Gesprek met de assistent van het repair café", "## Vraag", "## Antwoord"]
    assert re.findall("^#.*", saved, re.MULTILINE) == headings


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
