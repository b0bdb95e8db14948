"""Each sheet as Chromium prints it: one sheet, full, with every fact, and with a code that says what it should."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image, ImageOps
from playwright.sync_api import Page, expect

from repaircafe.limits import MAX_LINE_CHARS, MAX_NAME_CHARS, MAX_OFFERINGS_COUNT
from repaircafe.settings.offerings import PRESETS
from tests.harness.client import HTML
from tests.harness.server import Server
from tests.logo.scene import png
from tests.rigs.browser.conftest import A_DAY, NewPage, Watched, save
from tests.rigs.browser.reading import NARROW, assert_fits, press

pytestmark = pytest.mark.browser

LANGUAGES = ("nl", "de", "fr", "en")
SIZES_MM = {"poster": (210, 297), "flyer": (148, 210), "door-sign": (297, 210), "table-card": (210, 297)}
PAPERS = ("A4", "Letter")
MIN_USED = 0.85
"""How much of the sheet's height there is something on."""
DPI = "200"
NO_CODE = 4
"""What zbarimg returns if it finds none."""
MM = 72 / 25.4
"""In points."""
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


@dataclass
class Printed:
    """A page as it was printed."""

    file: Path

    def run(self, *command: str) -> bytes:
        """What one of Debian's programs says about the file."""
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    def sizes_mm(self) -> list[tuple[int, int]]:
        """Width and height of each sheet."""
        told = self.run("pdfinfo", "-f", "1", "-l", "9", str(self.file)).decode()
        found = re.findall(r"^Page +\d+ size: +([\d.]+) x ([\d.]+) pts", told, re.MULTILINE)
        return [(round(float(width) / MM), round(float(height) / MM)) for width, height in found]

    def words(self) -> str:
        """Its text, without the blanks and the breaks of lines."""
        return plain(self.run("pdftotext", "-raw", str(self.file), "-").decode())

    @cached_property
    def picture(self) -> Path:
        """Its first sheet in grey."""
        self.run("pdftoppm", "-r", DPI, "-gray", "-singlefile", str(self.file), str(self.file.with_suffix("")))
        return self.file.with_suffix(".pgm")

    def used(self) -> float:
        """How much of the height is between the highest and the lowest thing on it."""
        picture = ImageOps.invert(Image.open(self.picture))
        box = picture.getbbox()
        return (box[3] - box[1]) / picture.height if box else 0.0

    def codes(self) -> set[str]:
        """What the codes on it say."""
        command = ("zbarimg", "-q", "-S", "disable", "-S", "qrcode.enable", "--raw", str(self.picture))
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, NO_CODE), done.stderr
        told = done.stdout.decode().replace("\r\n", "\n").removesuffix("\n")
        return {told} if told.startswith("BEGIN:") else set(told.splitlines())


def plain(text: str) -> str:
    """The text without blanks, and with one kind of hyphen."""
    return re.sub(r"\s", "", text).replace("\N{NON-BREAKING HYPHEN}", "-").casefold()


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
    """Asserts that it is one sheet of the right size, with something from its top to its bottom."""
    assert found.sizes_mm() == [SIZES_MM[sheet]]
    assert found.used() >= MIN_USED


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
