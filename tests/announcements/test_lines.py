"""The organiser's line for the month: compared with the settings, and put into the texts that she has changed."""

import html
import re

import psycopg
import pytest
from flask.testing import FlaskClient

from repaircafe.announcements.lines import line_in, with_new_line
from tests.announcements.scene import LATER, Tab, actions, plan

OLD, NEW = "We sharpen knives", "We mend bikes!"


@pytest.fixture
def tab(client: FlaskClient) -> Tab:
    """A tab at the post for the next date, which has the line in a text that the organiser has changed."""
    plan(client, event_start="14:00", event_end="17:00")
    Tab(client, "month").type(OLD)
    tab = Tab(client)
    tab.type(f"Come! {tab.fields['content']} Bye.")
    return tab


def line(content: str, client: FlaskClient) -> str:
    """What the page says when the line is typed."""
    answer = Tab(client, "month").type(content)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("form", "words", "old", "new", "expected"),
    [
        ("post", "Come!", None, "Knives", "Come! Knives."),
        ("post", "Come", None, "Knives!", "Come. Knives!"),
        ("post", " ", None, "Knives", "Knives."),
        ("poster", "Come!\n", None, "Knives", "Come!\nKnives"),
        ("post", "Come! Knives. Bye", "Knives", "Bikes", "Come! Bikes. Bye"),
        ("post", "Come! Knives. Bye", "Knives", "Bikes!", "Come! Bikes! Bye"),
        ("post", "Come! Knives! Bye", "Knives!", "Bikes", "Come! Bikes Bye"),
        ("poster", "Come!\nKnives\nBye", "Knives", "Bikes", "Come!\nBikes\nBye"),
        ("poster", "Come!\nKnives\nBye", "Knives", "", "Come!\nBye"),
        ("post", "Come! Knives. Bye", "Knives", "", "Come! Bye"),
        ("post", "Knives. Bye", "Knives", "", "Bye"),
        ("post", "Come! Knives! Bye", "Knives!", "", "Come! Bye"),
        ("post", "Come! Knives. Bikes.", "Knives", "Bikes", "Come! Bikes."),
        ("post", "Come! Bikes.", "Knives", "Bikes", "Come! Bikes."),
        ("post", "Come!", "Knives", "", "Come!"),
    ],
)
def test_a_new_line_takes_the_place_of_the_old_one(form: str, words: str, old: str, new: str, expected: str) -> None:
    assert with_new_line(form, words, old, new) == expected


def test_of_two_lines_in_a_text_the_longer_one_is_meant() -> None:
    assert line_in("We sharpen knives.", ("We sharpen", "We sharpen knives", None, "")) == "We sharpen knives"
    assert line_in("Come!", ("We sharpen",)) is None


def test_a_changed_text_says_that_it_has_the_old_line_and_one_press_puts_the_new_one_in(tab: Tab) -> None:
    before = tab.text
    said = line(NEW, tab.client)
    assert f'<q lang="en">{OLD}</q>' in said, "at once, without another look at the page"
    assert re.findall(r'id="lacking".*?<a href="#line-(\w+)">', said, re.S) == ["post"]
    assert tab.text == before, "nothing is overwritten"
    assert actions(tab.card)["Put the new line in"] == "line"
    answer = tab.press("line")
    assert tab.text == before.replace(f"{OLD}.", NEW)
    assert 'href="#line-post"' not in answer.text
    assert "Put the new line in" not in tab.card


def test_a_line_that_is_gone_can_be_taken_out_of_a_changed_text(tab: Tab) -> None:
    before = tab.text
    line("", tab.client)
    tab.press(tab.buttons()["Take the old line out"], htmx=False)
    assert tab.text == before.replace(f" {OLD}.", "")


@pytest.mark.parametrize("other", ["We sharpen", f"{OLD} and scissors"])
def test_a_line_that_is_a_part_of_the_old_one_is_another_line(tab: Tab, other: str) -> None:
    before = tab.text
    line(other, tab.client)
    tab.type(f"{tab.text}!")
    tab.press(tab.buttons()["Put the new line in"])
    assert tab.text == f"{before.replace(OLD, other)}!"


def test_a_changed_text_without_the_line_gets_it_with_one_press_and_can_start_again(tab: Tab) -> None:
    tab.type("My own words")
    tab.press(tab.buttons()["Add it"])
    assert tab.text == f"My own words. {OLD}."
    line(NEW, tab.client)
    tab.press(tab.buttons()["Back to the text from the settings"])
    assert tab.text.endswith(NEW)
    assert f"My own words. {OLD}." in tab.card, "and the text before stays beside it"


def test_a_text_that_was_changed_elsewhere_is_not_overwritten_by_the_line(tab: Tab) -> None:
    late = Tab(tab.client)
    line(NEW, tab.client)
    tab.open()
    tab.type("Mend it!")
    assert late.press("line").status_code == 409
    assert tab.text == "Mend it!"


def test_a_line_for_another_date_says_nothing_about_the_texts_of_this_one(tab: Tab) -> None:
    late = Tab(tab.client, "month")
    plan(tab.client, LATER)
    answer = late.type(NEW)
    assert "the date of the next repair café has changed" in answer.text
    assert 'id="text-post"' not in answer.text
    assert "line-post" not in answer.text
    tab.open()
    tab.press(tab.buttons()["Use this text"])
    assert OLD in tab.text
    assert actions(tab.card)["Take the old line out"] == "line", "it is the line of another date"


def test_a_wrong_claim_in_the_line_is_marked_and_replaced_as_in_a_text(client: FlaskClient) -> None:
    plan(client, event_start="14:00", event_end="17:00")
    month = Tab(client, "month")
    said = month.type("We sharpen knives from 15:00, for €5: 030 123 45 67").text
    assert "15:00</mark>" in said
    assert "€5</mark>" in said, "the line is not its own proof"
    assert "030 123 45 67</u>" in said
    assert "<mark" not in Tab(client, "post").card, "the line is corrected where it stands, once for all texts"
    assert 'href="#card-month"' in Tab(client, "post").card
    (replace,) = [value for label, value in actions(said).items() if label == "Replace by “14:00”"]
    changed = month.press(replace)
    assert month.text == "We sharpen knives from 14:00, for €5: 030 123 45 67"
    assert "from 14:00, for €5" in html.unescape(changed.text.partition('id="text-post"')[2]), "the texts follow it"
    assert "15:00" not in month.card
    assert 'href="#card-month"' in Tab(client, "post").card, "€5"
    month.type("We sharpen knives")
    assert 'href="#card-month"' not in Tab(client, "post").card


def test_a_right_line_and_an_empty_one_have_no_findings(tab: Tab) -> None:
    for content in ("", f"We begin at 14:00. {OLD}"):
        line(content, tab.client)
        card = Tab(tab.client, "month").card
        assert "<mark" not in card
        assert "<u " not in card


def test_a_text_from_the_version_before_can_still_get_the_line(tab: Tab, raw: psycopg.Connection) -> None:
    raw.execute("UPDATE announcement_texts SET line = NULL")
    line(NEW, tab.client)
    tab.press(tab.buttons()["Add it"])
    assert tab.text.endswith(f"Bye. {NEW}")
