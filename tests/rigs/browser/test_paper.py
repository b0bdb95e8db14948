"""Each sheet as Chromium prints it: one sheet, full, with every fact, and with a code that says what it should."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from repaircafe.limits import MAX_LINE_CHARS, MAX_NAME_CHARS, MAX_OFFERINGS_COUNT
from repaircafe.settings.offerings import PRESETS
from tests.harness.client import HTML
from tests.harness.server import Server
from tests.logo.scene import png
from tests.rigs.browser.conftest import A_DAY, NewPage, Watched, save
from tests.rigs.browser.printed import Printed, plain
from tests.rigs.browser.reading import NARROW, assert_fits, press

pytestmark = pytest.mark.browser

LANGUAGES = ("nl", "de", "fr", "en")
SIZES_MM = {"poster": (210, 297), "flyer": (148, 210), "door-sign": (297, 210), "table-card": (210, 297)}
PAPERS = ("A4", "Letter")
MIN_USED = 0.85
"""How much of the sheet's height is between the highest and the lowest thing on it."""
MAX_WHITE, MAX_WHITE_IN_HALF = 0.12, 0.22
"""The highest band of white between them, of the sheet's height: across the sheet, and across its left or right half.

A poster that leaves more looks unfinished. The tint of a tile is no ink: alone, it would fill no sheet.
"""
BEHIND = "pi.localhost"
"""A name for this machine that browsers resolve, and that is no loopback address for the app."""
WIFI = ("Café; gasten", "kom:maar,binnen")
WIFI_CODE = r"WIFI:T:WPA;S:Café\; gasten;P:kom\:maar\,binnen;;"
PUBLIC = "https://assistant.lombok.example"
CUT = """() => [...document.querySelectorAll(".sheet, .sheet *:not(b, svg *)")].filter((one) =>
    one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).display !== "inline" && one.clientHeight > 0
    || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline" && one.clientWidth > 0
).map((one) => [one.tagName, one.className, one.scrollHeight, one.clientHeight])"""
"""What is larger than its box. The letters of the day are lower than their line."""


def long(text: str, length: int = MAX_LINE_CHARS) -> str:
    """The text again and again, as long as a setting may be."""
    return (text * length)[:length].strip()


SHORT = {
    "cafe_name": "Repair Café Lombok",
    "cafe_phone": "030 123 45 67",
    "event_location": "Dorpsstraat 1, Utrecht",
    "event_offerings": "bikes, lamps, clothing, audio",
    "cost": "gift",
}
LONG = {
    "cafe_name": long("Repair Café der Donaudampfschifffahrtsgesellschaft im Bürgerzentrum ", MAX_NAME_CHARS),
    "cafe_town": "Sint-Pieters-Leeuw",
    "cafe_phone": "+31 (0)30 123 45 67",
    "cafe_mail": "vragen@repaircafe-sint-pieters-leeuw.example",
    "cafe_website": "https://www.repaircafe-sint-pieters-leeuw.example/wanneer",
    "event_location": long("Ontmoetingscentrum De Verbinding, Burgemeester van Nieuwenhuizenlaan 123, "),
    "event_offerings": ", ".join(PRESETS),
    "not_repaired": "microwave ovens, gas appliances, televisions",
    "cost": long("New parts cost what we paid for them. Coffee is 1.50 euros. "),
    "appointment": "needed",
    "appointment_note": long("Please call us and say what is broken, and of what make it is. "),
}
NOTE = long("With a knife grinder from the market, who comes at three. ")


def told_at_home(server: Server, language: str, *, tiles: bool) -> list[str]:
    """The facts that the home page tells in that language."""
    text = requests.get(server.url, headers={**HTML, "Accept-Language": language}, timeout=10).text
    lists = re.findall(r'<ul class="(told|offerings)">(.*?)</ul>', text, re.DOTALL)
    rows = [row for name, rows in lists if name == "told" or tiles for row in re.findall(r"<li>(.*?)</li>", rows)]
    return [re.sub("<[^>]+>", "", row) for row in rows]


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Server]:
    """The app, which knows another name of this machine."""
    with Server(tmp_path, database_url, ENVIRONMENT="development", TRUSTED_HOSTS=BEHIND) as running:
        yield running


@pytest.fixture
def page(new_page: NewPage, server: Server, watched: Watched) -> Page:
    """A dark page of the app under its other name, from which a telephone could open it."""
    address = urlsplit(server.url)
    watched.ours.add(f"{BEHIND}:{address.port}")
    return new_page(server, base_url=f"http://{BEHIND}:{address.port}", color_scheme="dark")


@pytest.fixture
def near(server: Server) -> str:
    """The address of the pages in the building."""
    return f"http://{BEHIND}:{urlsplit(server.url).port}"


@pytest.fixture
def short(server: Server) -> Server:
    """A café with a few facts."""
    save(server, **SHORT)
    _plan(server)
    return server


@pytest.fixture
def longest(server: Server, page: Page) -> Server:
    """A café whose facts are as long as they may be, with a wide logo."""
    save(server, **LONG)
    _plan(server, note=NOTE)
    page.goto("/config/logo")
    page.get_by_label("Picture").set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": png(900, 150)})
    press(page, "Upload")
    expect(page.locator(".brand img")).to_have_attribute("src", re.compile("^/logo"))
    return server


def _plan(server: Server, **more: str) -> None:
    date = {"date": A_DAY, "start": "14:00", "end": "17:00", **more}
    assert requests.post(f"{server.url}/api/events", json=date, timeout=10).ok


def printed(page: Page, folder: Path) -> Printed:
    """The page on paper, as a browser prints that follows the style sheet. Nothing on it is cut."""
    file = folder / "printed.pdf"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(CUT) == []
    page.pdf(path=file, prefer_css_page_size=True)
    page.emulate_media(media="screen", color_scheme="dark")
    return Printed(file)


def entry(place: str, name: str) -> str:
    """The date as the code says it; only the beginning of a long place is in it."""
    return (
        f"BEGIN:VEVENT\nSUMMARY:{name}\nDTSTART:20991205T130000Z\nDTEND:20991205T160000Z\nLOCATION:{place}\nEND:VEVENT"
    )


def assert_full(found: Printed, sheet: str) -> None:
    """Asserts that it is one sheet of the right size, with something from its top to its bottom, and all over it."""
    assert found.sizes_mm() == [SIZES_MM[sheet]]
    assert found.used() >= MIN_USED
    assert found.white() <= MAX_WHITE
    assert max(found.white(0, 0.5), found.white(0.5, 1)) <= MAX_WHITE_IN_HALF


@pytest.mark.parametrize("sheet", ["poster", "flyer", "door-sign"])
@pytest.mark.parametrize("facts", ["short", "longest"])
def test_a_sheet_is_full_and_has_every_fact_and_a_code(
    request: pytest.FixtureRequest, page: Page, tmp_path: Path, sheet: str, facts: str
) -> None:
    server: Server = request.getfixturevalue(facts)
    values = SHORT if facts == "short" else LONG
    for language in LANGUAGES:
        page.goto(f"/{sheet}?lang={language}")
        found = printed(page, tmp_path)
        assert_full(found, sheet)
        told = told_at_home(server, language, tiles=sheet != "door-sign")
        own = [values[key] for key in ("cafe_name", "cafe_phone", "cafe_mail") if key in values]
        words = found.words()
        assert [one for one in (*told, *own, "5", "2099") if plain(one) not in words] == []
        assert facts == "short" or plain(NOTE) in words
        (code,) = found.codes()
        place = values["event_location"].replace(",", "\\,")
        if facts == "short":
            assert code == entry(place, values["cafe_name"])
        else:
            begin, end = entry("…", values["cafe_name"]).split("…")
            assert code.startswith(begin)
            assert code.endswith(f"…{end}")
            assert place.startswith(code.removeprefix(begin).removesuffix(f"…{end}"))


@pytest.mark.parametrize("facts", ["short", "longest"])
def test_a_card_is_full_on_both_sides_and_has_the_address_and_the_wifi(
    request: pytest.FixtureRequest, page: Page, tmp_path: Path, near: str, facts: str
) -> None:
    request.getfixturevalue(facts)
    page.goto("/table-card")
    assert printed(page, tmp_path).codes() == set(), "no code leads into the building's own network"
    wifi = WIFI if facts == "short" else ("W" * 32, "kom maar binnen! " * 3 + "kom mee")
    page.get_by_label("Name of the Wi-Fi").fill(wifi[0])
    page.get_by_label("Its password").fill(wifi[1])
    press(page, "Draw the code")
    for language in LANGUAGES:
        page.locator(f".picks button[lang={language}]").click()
        expect(page.locator(f".sheet[lang={language}]")).to_be_visible()
        assert not [one for one in wifi if one in page.url]
        found = printed(page, tmp_path)
        assert_full(found, "table-card")
        words = found.words()
        for said in (near, *wifi):
            assert words.count(plain(said)) == 2
        assert found.codes() == {WIFI_CODE if facts == "short" else f"WIFI:T:WPA;S:{wifi[0]};P:{wifi[1]};;"}


def test_with_a_public_address_every_code_is_that_address(page: Page, short: Server, tmp_path: Path) -> None:
    save(short, public_url=PUBLIC)
    for sheet in SIZES_MM:
        page.goto(f"/{sheet}")
        found = printed(page, tmp_path)
        assert_full(found, sheet)
        assert found.codes() == {f"{PUBLIC}/"}
        assert plain(PUBLIC.removeprefix("https://")) in found.words(), "for who cannot scan it"


def test_a_card_with_a_wifi_and_a_public_address_has_both_codes_with_what_they_do(
    page: Page, short: Server, tmp_path: Path
) -> None:
    """A visitor without mobile internet needs the first, and everybody the second."""
    save(short, public_url=PUBLIC)
    page.goto("/table-card")
    page.get_by_label("Name of the Wi-Fi").fill(WIFI[0])
    page.get_by_label("Its password").fill(WIFI[1])
    press(page, "Draw the code")
    for language in LANGUAGES:
        page.locator(f".picks button[lang={language}]").click()
        expect(page.locator(f".sheet[lang={language}]")).to_be_visible()
        captions = page.locator(".face:not(.turned) .told p:first-child").all_inner_texts()
        assert len(set(captions)) == 2
        assert all("code" in one.casefold() for one in captions)
        found = printed(page, tmp_path)
        assert_full(found, "table-card")
        assert found.codes() == {WIFI_CODE, f"{PUBLIC}/"}


def test_a_public_address_that_is_none_is_in_no_code(page: Page, short: Server, tmp_path: Path) -> None:
    save(short, public_url="http://pi.local:8000")
    page.goto("/poster")
    (code,) = printed(page, tmp_path).codes()
    assert code.startswith("BEGIN:VEVENT")


@pytest.mark.parametrize("number", [1, 25, MAX_OFFERINGS_COUNT])
def test_any_number_of_own_words_is_one_sheet(page: Page, longest: Server, tmp_path: Path, number: int) -> None:
    words = [
        long(f"{one} of the coffee machines that nobody else repairs, ".replace(",", ""), 60) for one in range(number)
    ]
    save(longest, event_offerings=", ".join(words))
    for sheet in ("poster", "flyer"):
        page.goto(f"/{sheet}")
        found = printed(page, tmp_path)
        assert_full(found, sheet)
        text = found.words()
        assert [one for one in words if plain(one) not in text] == []


def test_a_date_alone_fills_the_sheet(page: Page, server: Server, tmp_path: Path) -> None:
    save(server, event_date=A_DAY)
    for sheet in ("poster", "flyer", "door-sign"):
        page.goto(f"/{sheet}")
        assert_full(printed(page, tmp_path), sheet)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 7, 9, 13, len(PRESETS)])
def test_any_number_of_tiles_fills_the_sheet(page: Page, short: Server, tmp_path: Path, number: int) -> None:
    """In the language with the longest words; with the place and the cost, and without them."""
    save(short, event_offerings=", ".join([*PRESETS][:number]))
    for values in ({}, {"event_location": "", "cost": "", "cafe_phone": ""}):
        save(short, **values)
        for sheet in ("poster", "flyer"):
            page.goto(f"/{sheet}?lang=de")
            assert_full(printed(page, tmp_path), sheet)


def test_a_sheet_with_an_empty_middle_is_not_full(page: Page, tmp_path: Path) -> None:
    """What is printed at the edges alone uses the whole height, and is no poster."""
    page.set_content("<body><p>Above</p><div style='height: 255mm'></div><p>Below</p>")
    page.pdf(path=tmp_path / "hollow.pdf", format="A4")
    hollow = Printed(tmp_path / "hollow.pdf")
    assert hollow.used() >= MIN_USED
    assert hollow.white() > MAX_WHITE


@pytest.mark.parametrize("sheet", ["poster", "flyer", "door-sign"])
def test_without_a_date_nothing_is_printed(page: Page, server: Server, tmp_path: Path, sheet: str) -> None:
    assert server
    page.goto(f"/{sheet}")
    expect(page.get_by_text("Nothing can be printed yet.")).to_be_visible()
    found = printed(page, tmp_path)
    assert found.words() == ""
    assert found.used() == 0


@pytest.mark.parametrize("paper", PAPERS)
def test_a_browser_with_its_own_paper_and_margins_prints_one_sheet(page: Page, longest: Server, paper: str) -> None:
    assert longest
    for sheet in SIZES_MM:
        page.goto(f"/{sheet}")
        file = page.pdf(format=paper, margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"))  # type: ignore[arg-type]
        assert len(re.findall(rb"/Type\s*/Page\b", file)) == 1


def test_the_button_prints_and_without_javascript_the_page_says_how(
    new_page: NewPage, page: Page, short: Server
) -> None:
    page.add_init_script("window.print = () => { window.printed = true; }")
    page.goto("/poster")
    press(page, "Print")
    assert page.evaluate("window.printed")
    plain_page = new_page(short, java_script_enabled=False)
    plain_page.goto("/poster")
    expect(plain_page.get_by_role("button", name="Print")).to_have_count(0)
    expect(plain_page.get_by_text("Print this page with the browser.")).to_be_visible()


def test_a_preview_fits_a_telephone(page: Page, longest: Server) -> None:
    assert longest
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    for sheet in SIZES_MM:
        page.goto(f"/{sheet}")
        assert_fits(page)
        assert page.evaluate(CUT) == []
