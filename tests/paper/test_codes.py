"""What the codes say: an address that opens anywhere, a date for the calendar, or a Wi-Fi."""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from repaircafe.events.models import Occasion
from repaircafe.paper import codes
from repaircafe.settings.definitions import Settings, parse

DAY = date(2099, 12, 5)
SETTINGS = Settings(event_zone=ZoneInfo("Europe/Amsterdam"))


@pytest.mark.parametrize(
    "address",
    [
        "http://192.168.1.9:8000",
        "http://10.0.0.2",
        "http://172.20.1.1",
        "http://169.254.3.4",
        "http://127.0.0.1:8000",
        "http://100.64.1.2",
        "http://3232235777",
        "http://0xc0a80101",
        "http://192.168.1",
        "http://0.0.0.0",
        "http://localhost:8000",
        "http://pi",
        "http://pi.local:8000",
        "http://PI.LOCAL.",
        "http://pi.lan",
        "http://pi.home.arpa",
        "http://pi.internal",
        "http://pi.fritz.box",
        "http://assistant.localhost",
    ],
)
def test_an_address_of_the_buildings_own_network_is_never_in_a_code(address: str) -> None:
    assert codes.public_page(Settings(public_url=parse("public_url", address))) == ""


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("assistant.repaircafe.nl", "https://assistant.repaircafe.nl/"),
        ("http://93.184.216.34:8000", "http://93.184.216.34:8000/"),
        ("https://example.box/cafe/", "https://example.box/cafe/"),
    ],
)
def test_a_public_address_is_in_the_code(address: str, page: str) -> None:
    assert codes.public_page(Settings(public_url=parse("public_url", address))) == page


def test_without_a_public_address_there_is_none() -> None:
    assert codes.public_page(Settings()) == ""


def test_a_date_is_an_entry_with_its_times_in_utc() -> None:
    occasion = Occasion(DAY, time(14), time(17), "")
    assert codes.event(SETTINGS, occasion, "Repair Café, De Hoek", "Dorpsstraat 1; zaal\\2").split("\r\n") == [
        "BEGIN:VEVENT",
        "SUMMARY:Repair Café\\, De Hoek",
        "DTSTART:20991205T130000Z",
        "DTEND:20991205T160000Z",
        "LOCATION:Dorpsstraat 1\\; zaal\\\\2",
        "END:VEVENT",
    ]


def test_a_date_without_hours_is_a_whole_day() -> None:
    lines = codes.event(SETTINGS, Occasion(DAY, None, None, ""), "Repair Café", "").split("\r\n")
    assert lines[2:] == ["DTSTART;VALUE=DATE:20991205", "DTEND;VALUE=DATE:20991206", "END:VEVENT"]


def test_a_long_place_is_cut_between_two_words() -> None:
    occasion = Occasion(DAY, None, None, "")
    (line,) = (one for one in codes.event(SETTINGS, occasion, "x", "zaal " * 60).split("\r\n") if "LOCATION" in one)
    assert line.endswith("zaal…")
    assert len(line) <= len("LOCATION:") + codes.MAX_PLACE_CHARS + 1
    assert "y…" in codes.event(SETTINGS, occasion, "x", "y" * 300)


@pytest.mark.parametrize(
    ("name", "password", "content"),
    [
        ("De Hoek", "kom-maar-binnen", "WIFI:T:WPA;S:De Hoek;P:kom-maar-binnen;;"),
        ('a;b,c:d"e\\f', ';,:"\\pass', r"WIFI:T:WPA;S:a\;b\,c\:d\"e\\f;P:\;\,\:\"\\pass;;"),
        ("Gasten", "", "WIFI:T:nopass;S:Gasten;;"),
    ],
)
def test_what_would_end_a_field_of_the_wifi_is_escaped(name: str, password: str, content: str) -> None:
    assert codes.wifi(name, password) == content
