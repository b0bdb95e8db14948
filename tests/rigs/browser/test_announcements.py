"""Announcements in a browser: what is typed is stored soon, and nothing takes its place unseen."""

import re
import time
from pathlib import Path

import psycopg
import pytest
import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.harness.client import AUTH, PASSWORD
from tests.harness.conditions import until
from tests.harness.server import Server
from tests.harness.visitor import SECRET_KEY
from tests.rigs.browser.conftest import A_DAY, NewPage, save

pytestmark = pytest.mark.browser

LOSS_S = 2.0
"""What the organiser may lose when the app is killed."""
KEYSTROKE_MS = 90
SENTENCE = "Kapot? Breng het mee, dan repareren we het samen. "


def stored(server: Server) -> str:
    """The text of the post that counts."""
    with psycopg.connect(server.database_url) as connection:
        query = "SELECT content FROM announcement_texts WHERE format = 'post' AND replaced_at IS NULL"
        row = connection.execute(query).fetchone()
        return str(row[0]) if row else ""


def field(page: Page, form: str = "post") -> Locator:
    """The field of a format."""
    return page.locator(f"#text-{form}")


def told(page: Page, form: str = "post") -> Locator:
    """What stands below the field."""
    return page.locator(f"#told-{form}")


@pytest.mark.parametrize("keystrokes", [25, 60], ids=["before-a-pause", "while-she-goes-on"])
def test_a_kill_takes_two_seconds_of_typing_at_most_and_the_page_sends_the_rest(
    new_page: NewPage, tmp_path: Path, database_url: str, keystrokes: int
) -> None:
    with Server(tmp_path, database_url, ENVIRONMENT="development", SECRET_KEY=SECRET_KEY) as server:
        save(server, event_date=A_DAY)
        _type_until_killed(new_page(server), server, keystrokes)


def _type_until_killed(page: Page, server: Server, keystrokes: int) -> None:
    page.goto("/announcements")
    field(page).fill("")
    expect(told(page)).to_contain_text("Saved:")
    typed: list[tuple[float, str]] = []
    text = ""
    for sign in (SENTENCE * 2)[:keystrokes]:
        field(page).press_sequentially(sign, delay=KEYSTROKE_MS)
        text += sign
        typed.append((time.monotonic(), text))
    killed = time.monotonic()
    server.kill_whole()
    kept, due = stored(server), [one for at, one in typed if at < killed - LOSS_S]
    assert text.startswith(kept)
    assert len(kept) >= len(due[-1] if due else "")
    expect(page.locator("#lost")).to_be_visible()
    expect(field(page)).to_have_value(text)
    server.start()
    assert until(lambda: stored(server) == text)
    expect(page.locator("#lost")).to_be_hidden()


def test_a_tab_that_is_late_chooses_between_both_texts(new_page: NewPage, configured: Server) -> None:
    first, second = new_page(configured), new_page(configured)
    for page in (first, second):
        page.goto("/announcements")
    field(first).fill("Mend it!")
    expect(told(first)).to_contain_text("Saved:")
    field(second).press_sequentially("X")
    expect(told(second)).to_contain_text("Mend it!")
    field(second).press_sequentially("Y")
    mine = field(second).input_value()
    expect(told(second)).to_contain_text("Mend it!")
    assert stored(configured) == "Mend it!"
    second.get_by_role("button", name="Keep mine").click()
    expect(second.locator("#earlier-post")).to_contain_text("1 earlier text")
    assert stored(configured) == mine
    expect(told(second)).to_be_focused()


def test_a_tab_that_only_reads_is_told_in_words_and_its_field_is_not_drawn_again(
    new_page: NewPage, configured: Server
) -> None:
    writer, reader = new_page(configured), new_page(configured)
    for page in (writer, reader):
        page.goto("/announcements")
    made = field(reader).input_value()
    reader.evaluate("window.drawn = document.getElementById('text-post')")
    field(reader).focus()
    field(writer).fill("Mend it!")
    news = reader.locator("#elsewhere-post")
    expect(news).to_contain_text("This text was changed elsewhere")
    assert reader.evaluate("window.drawn === document.activeElement"), "who writes goes on writing"
    assert field(reader).input_value() == made
    reader.get_by_role("button", name="Show it").click()
    expect(field(reader)).to_have_value("Mend it!")
    expect(news).to_be_empty()
    expect(reader.locator("#earlier-post details")).to_have_count(0)
    expect(writer.locator("#elsewhere .banner")).to_have_count(0)


def test_a_new_line_for_the_month_goes_into_a_changed_text_with_one_press(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/announcements")
    field(page, "month").fill("We sharpen knives")
    expect(field(page)).to_have_value(re.compile("knives"))
    field(page).press("End")
    field(page).press_sequentially(" Come!")
    expect(told(page)).to_contain_text("Saved:")
    field(page, "month").fill("We sew")
    page.locator("#lacking").get_by_role("link", name="For social media").click()
    page.locator("#line-post").get_by_role("button", name="Put the new line in").click()
    expect(field(page)).to_have_value(re.compile(r"We sew\."))
    expect(field(page)).not_to_have_value(re.compile("knives"))
    expect(page.locator("#lacking")).to_be_empty()


def type_while_signed_out(page: Page) -> None:
    """Types, and reads that it is not saved."""
    field(page).fill("Mend it!")
    expect(page.locator("#message")).to_contain_text("Not saved: you are no longer signed in.")
    expect(page.locator("#message")).to_contain_text("What you typed is still here.")
    field(page).press_sequentially("!")


def sign_in_elsewhere(page: Page) -> Page:
    """Signs in again in another tab of the same browser."""
    with page.context.expect_page() as opened:
        page.locator("#message a").click()
    opened.value.get_by_label("Password").fill(PASSWORD)
    opened.value.get_by_role("button", name="Sign in").click()
    expect(opened.value.get_by_role("button", name="Sign out")).to_be_visible()
    return opened.value


def test_what_is_typed_after_the_sign_in_has_ended_is_stored_after_the_next_one(
    new_page: NewPage, tmp_path: Path, database_url: str
) -> None:
    with Server(tmp_path, database_url, OPERATOR_PASSWORD=PASSWORD) as server:
        requests.post(f"{server.url}/config", json={"event_date": A_DAY}, timeout=10, auth=AUTH).raise_for_status()
        page = new_page(server)
        page.goto("/sign-in?next=/announcements")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(field(page)).to_be_visible()
        server.stop()
        server.start()  # with another key, so that no sign-in counts any more
        type_while_signed_out(page)
        other = sign_in_elsewhere(page)
        assert until(lambda: stored(server) == "Mend it!!", 15)
        expect(page.locator("#message")).to_be_empty()
        expect(field(page)).to_have_value("Mend it!!")
        other.goto("/announcements")
        field(other).fill("Mend that!")
        expect(page.locator("#elsewhere-post")).to_contain_text("This text was changed elsewhere")


def test_without_a_password_a_restart_loses_nothing_and_says_nothing(
    new_page: NewPage, tmp_path: Path, database_url: str
) -> None:
    with Server(tmp_path, database_url, ENVIRONMENT="development") as server:
        save(server, event_date=A_DAY)
        page = new_page(server)
        page.goto("/announcements")
        server.stop()
        server.start()
        field(page).fill("Mend it!")
        assert until(lambda: stored(server) == "Mend it!")
        expect(page.locator("#message")).to_be_empty()


def test_a_wrong_word_is_replaced_with_one_press(page: Page, configured: Server) -> None:
    save(configured, event_start="14:00")
    page.goto("/announcements")
    field(page).fill("At 15:00!")
    replace = told(page).get_by_role("button", name="Replace by “14:00”")
    replace.click()
    expect(field(page)).to_have_value("At 14:00!")
    expect(replace).to_have_count(0)
    expect(page.locator("#announcement")).to_have_text("The text was changed.")
    field(page).press_sequentially("1")
    assert until(lambda: stored(configured) in ("1At 14:00!", "At 14:00!1"))


def test_the_line_of_the_month_reaches_the_texts_but_not_what_is_being_written(page: Page, configured: Server) -> None:
    assert configured
    page.goto("/announcements")
    page.route("**/announcements/post/text", lambda route: route.fulfill(status=503))
    field(page).fill("I am writing this")
    field(page, "month").fill("We sharpen knives")
    field(page, "month").press("Enter")
    expect(field(page, "newsletter")).to_have_value(re.compile("We sharpen knives"))
    expect(page.locator("#mail-newsletter")).to_have_attribute("href", re.compile("knives"))
    expect(field(page)).to_have_value("I am writing this")
    page.unroute("**/announcements/post/text")
    assert until(lambda: stored(configured) == "I am writing this")


def test_what_is_typed_stays_when_the_page_gets_another_language(page: Page, configured: Server) -> None:
    page.goto("/announcements?lang=nl")
    field(page).fill("Kapot? Kom!")
    page.get_by_role("button", name="Français").click()
    expect(field(page)).to_have_value("Kapot? Kom!")
    assert until(lambda: stored(configured) == "Kapot? Kom!")


def test_share_is_there_where_the_browser_can_and_each_card_has_one_filled_button(
    new_page: NewPage, configured: Server
) -> None:
    page = new_page(configured)
    page.goto("/announcements")
    expect(page.get_by_role("button", name="Copy").first).to_be_visible()
    expect(told(page).get_by_text("every change is saved at once.")).to_be_visible()
    expect(told(page)).not_to_contain_text("press “Save”", use_inner_text=True)
    expect(page.locator("[data-share]").first).to_be_hidden()
    page.add_init_script("navigator.share = (what) => { window.shared = what.text; return Promise.resolve(); };")
    page.reload()
    stores: list[Route] = []
    page.route("**/*", lambda route: stores.append(route) if route.request.method == "POST" else route.continue_())
    with page.expect_request(lambda request: request.method == "POST"):
        field(page).fill("Mend it!")
    page.locator("#share-post").click()  # while the text is being stored
    assert page.evaluate("window.shared") == "Mend it!"
    stores[0].continue_()
    page.unroute_all(behavior="wait")
    for card in page.locator(".columns > .card").all():
        filled = card.locator("button:visible:not(.second, .link), a.button:visible:not(.second)")
        expect(filled).to_have_count(1)


def test_without_javascript_everything_works_with_forms(new_page: NewPage, configured: Server) -> None:
    save(configured, event_start="14:00")
    page = new_page(configured, java_script_enabled=False)
    page.goto("/announcements")
    expect(told(page).locator("noscript span")).to_have_text(re.compile("then press “Save”"))
    expect(told(page).locator("noscript span")).to_be_visible()
    expect(told(page).get_by_text("every change is saved at once")).to_be_hidden()
    field(page).fill("At 15:00!")
    page.locator("#card-post").get_by_role("button", name="Save").click()
    told(page).get_by_role("button", name="Replace by “14:00”").click()
    expect(field(page)).to_have_value("At 14:00!")
    told(page).get_by_role("button", name="Back to the text from the settings").click()
    page.locator("#earlier-post summary").click()
    page.locator("#earlier-post").get_by_role("button", name="Use this text").click()
    expect(field(page)).to_have_value("At 14:00!")
    late = new_page(configured, java_script_enabled=False)
    late.goto("/announcements")
    field(page).fill("Mend it!")
    page.locator("#card-post").get_by_role("button", name="Save").click()
    field(late).fill("No, mend that!")
    late.locator("#card-post").get_by_role("button", name="Save").click()
    expect(told(late)).to_contain_text("Mend it!")
    expect(field(late)).to_have_value("No, mend that!")
    late.get_by_role("button", name="Take the other one").click()
    expect(field(late)).to_have_value("Mend it!")
    expect(late.locator("#earlier-post")).to_contain_text("No, mend that!")
    late.locator("#earlier-post summary").click()
    late.locator("#earlier-post").get_by_role("button", name="Remove").first.click()
    expect(late.locator("#earlier-post")).not_to_contain_text("No, mend that!")
