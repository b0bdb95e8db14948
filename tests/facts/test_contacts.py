"""repaircafe.facts.contacts finds addresses, numbers and gaps that are written as a whole."""

import pytest

from repaircafe.facts.claims import Kind
from tests.facts.scene import found


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("Mail Info@Dehoek.LUX.", Kind.EMAIL, "Info@Dehoek.LUX"),
        ("Mail info@dehoek.example- of bel", Kind.EMAIL, "info@dehoek.example"),
        ("zie https://dehoek.example/agenda?x=1.", Kind.WEB, "https://dehoek.example/agenda?x=1"),
        ("www.dehoek.nl", Kind.WEB, "www.dehoek.nl"),
        ("(dehoek.nl)", Kind.WEB, "dehoek.nl"),
        ("Tél. 06.12.13.14.15", Kind.PHONE, "06.12.13.14.15"),
        ("06 12 34 56 78", Kind.PHONE, "06 12 34 56 78"),
        ("bel 030-1234567", Kind.PHONE, "030-1234567"),
        ("+49 30 1234567", Kind.PHONE, "+49 30 1234567"),
        ("0471 12 34 56", Kind.PHONE, "0471 12 34 56"),
        ("044 123 45 67", Kind.PHONE, "044 123 45 67"),
        ("(514) 555-0123", Kind.PHONE, "(514) 555-0123"),
        ("020 7946 0123", Kind.PHONE, "020 7946 0123"),
        ("NL91 ABNA 0417 1643 00", Kind.IBAN, "NL91 ABNA 0417 1643 00"),
        ("bel 123456", Kind.PHONE, "123456"),
        ("+311234567", Kind.PHONE, "+311234567"),
        ("op [datum] om", Kind.PLACEHOLDER, "[datum]"),
        ("op XX maart", Kind.PLACEHOLDER, "XX"),
        ("om xx:xx uur", Kind.PLACEHOLDER, "xx:xx"),
        ("am _____", Kind.PLACEHOLDER, "_____"),
        ("Date: TBC", Kind.PLACEHOLDER, "TBC"),
    ],
)
def test_it_is_found_as_a_whole(text: str, kind: Kind, part: str) -> None:
    assert [(one.kind, one.text) for one in found(text) if one.kind is kind] == [(kind, part)]


@pytest.mark.parametrize("text", ["bel 12345", "bel 12-345", "bel 12-03-2027"])
def test_what_is_too_short_or_a_day_is_no_phone_number(text: str) -> None:
    assert Kind.PHONE not in {one.kind for one in found(text)}


@pytest.mark.parametrize("text", ["05/12/2026", "05.12.2026", "09.30-12.00", "05-12-2026 14:00", "2026-12-05", "5 x x"])
def test_a_day_or_an_hour_is_no_phone_number(text: str) -> None:
    assert {one.kind for one in found(text)} & {Kind.PHONE, Kind.WEB, Kind.PLACEHOLDER} == set()


@pytest.mark.parametrize("text", ["Utrecht[x]Church", "12[x]Dorpsstraat", "120612345678 3512 AB€", "5 [x] december"])
def test_nothing_goes_on_behind_it(text: str) -> None:
    parts = [one.text for one in found(text)]
    assert sum(map(len, parts)) <= len(text)
    assert all(("[x]" in one) == (one == "[x]") for one in parts)
