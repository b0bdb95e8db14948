"""repaircafe.config.fields: tiles and buttons work without scripts, and keep the organiser's own words."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from repaircafe.config.fields import chosen, is_unchanged, own_words, typed
from repaircafe.settings.keys import KEYS, Group
from tests.config.scene import settings, submit
from tests.harness.client import HTML

OFFERINGS, COST = KEYS["event_offerings"], KEYS["cost"]


def sent(*pairs: tuple[str, str]) -> dict[str, str]:
    found = typed(MultiDict(pairs))
    return {name: found[name] for name in found if found[name]}


def test_ticked_tiles_and_own_words_are_one_list() -> None:
    form = (("event_offerings", "bikes"), ("event_offerings", "lamps"), ("event_offerings.own", "hats, kites"))
    assert sent(*form) == {"event_offerings": "bikes, lamps, hats, kites"}
    assert sent(("event_offerings.own", "")) == {}


@pytest.mark.parametrize(
    ("choice", "own", "value"),
    [("free", "5 euros", "free"), ("own", "5 euros", "5 euros"), ("", "5 euros", "5 euros"), ("own", "", "")],
)
def test_a_choice_counts_more_than_words_that_are_left_over(choice: str, own: str, value: str) -> None:
    assert sent(("cost", choice), ("cost.own", own)) == ({"cost": value} if value else {})


def test_a_value_is_shown_as_options_and_own_words() -> None:
    assert chosen(OFFERINGS, "hats, bikes") == ["bikes"]
    assert own_words(OFFERINGS, "hats, bikes, kites") == "hats, kites"
    assert (chosen(COST, "gift"), own_words(COST, "gift")) == (["gift"], "")
    assert (chosen(COST, "5 euros"), own_words(COST, "5 euros")) == (["own"], "5 euros")
    assert (chosen(COST, ""), own_words(COST, "")) == ([], "")


def test_the_order_of_the_tiles_is_no_change() -> None:
    assert is_unchanged(OFFERINGS, "bikes, hats", "hats, bikes")
    assert not is_unchanged(OFFERINGS, "bikes", "hats, bikes")
    assert not is_unchanged(COST, "b, a", "a, b")
    assert not is_unchanged(OFFERINGS, "", None)


def test_the_form_saves_tiles_buttons_and_choices(client: FlaskClient) -> None:
    client.post("/config", json={"event_offerings": ["hats", "clothing", "bikes"], "cost": "5 euros"})
    page = client.get("/config", headers=HTML).text
    ticked = re.findall(r'name="event_offerings" value="(\w+)" checked', page)
    assert (set(ticked), re.findall(r'name="event_offerings.own" value="([^"]*)"', page)) == (
        {"bikes", "clothing"},
        ["hats"],
    )
    assert re.findall(r'name="cost" value="(\w*)" checked', page) == ["own"]
    changed = {"cost": "free", "was.cost": "5 euros", "cost.own": "5 euros", "appointment": "not_needed"}
    assert submit(client, **changed).status_code == 303
    found = settings(client)
    assert (found["cost"], found["appointment"]) == ("free", "not_needed")


def test_the_page_has_four_groups_with_every_setting_in_its_own(client: FlaskClient) -> None:
    page = client.get("/config", headers=HTML).text
    places = [page.index(f'id="group-{group}"') for group in Group]
    assert places == sorted(places)
    for key in KEYS.values():
        found = page.index(f'id="field-{key.name}"')
        assert [*Group][sum(place < found for place in places) - 1] is key.group


def test_a_fault_of_a_group_of_tiles_is_shown_at_it(client: FlaskClient) -> None:
    answer = submit(client, **{"event_offerings.own": "x" * 61, "event_offerings": "bikes"})
    assert answer.status_code == 422
    assert 'id="event_offerings-fault"' in answer.text
    assert 'value="bikes" checked' in answer.text
    assert f'value="{"x" * 61}"' in answer.text
