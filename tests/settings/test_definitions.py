"""repaircafe.settings.definitions: every key stores its values in one canonical form and refuses all others."""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repaircafe.environment import Environment
from repaircafe.settings.definitions import Settings, UnknownKeyError, check_together, parse, warnings
from repaircafe.settings.keys import KEYS, Key
from repaircafe.settings.values import RefusedError


@pytest.mark.parametrize(
    ("key", "text", "stored"),
    [
        ("llm_endpoint", "http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("llm_endpoint", " HTTP://Pi.Local:8080/ ", "http://pi.local:8080"),
        ("llm_endpoint", "192.168.1.5:11434", "http://192.168.1.5:11434"),
        ("llm_endpoint", "http://[::1]:8080", "http://[::1]:8080"),
        ("llm_endpoint", "http://h:1/v1/", "http://h:1"),
        ("llm_endpoint", "http://h:1/ollama/api", "http://h:1/ollama"),
        ("llm_endpoint", "http://h:1/v1/chat/completions", "http://h:1"),
        ("llm_endpoint", "http://H:1/V1/Chat/Completions/", "http://h:1"),
        ("llm_endpoint", "http://h:1/llm/API/Tags?x=1#y", "http://h:1/llm"),
        ("llm_endpoint", "http://h:1/v1/?key=1", "http://h:1"),
        ("llm_endpoint", "h:1/v1/models/", "http://h:1"),
        ("llm_endpoint", "http://h:1/api/chat", "http://h:1"),
        ("llm_endpoint", "http://h:1/api/generate", "http://h:1"),
        ("llm_endpoint", "http://h:1/ollama/api/tags", "http://h:1/ollama"),
        ("llm_endpoint", "", ""),
        ("llm_model", "ollama run gemma3:1b", "gemma3:1b"),
        ("llm_model", "https://ollama.com/library/gemma3", "gemma3"),
        ("llm_model", "hf.co/org/Model-GGUF:Q4_K_M", "hf.co/org/Model-GGUF:Q4_K_M"),
        ("llm_temperature", "0.2", "0.2"),
        ("llm_temperature", "0,25", "0.25"),
        ("llm_temperature", ".50", "0.5"),
        ("llm_temperature", "0.00", "0"),
        ("llm_temperature", "1.0", "1"),
        ("event_date", "2026-12-05", "2026-12-05"),
        ("event_location", "  Buurthuis   De Hoek ", "Buurthuis De Hoek"),
        ("event_location", "Cafe\u0301", "Café"),
        ("event_offerings", " bikes,clothes ,, bikes", "bikes, clothes"),
        ("event_offerings", ",".join(f"thing {n}" for n in range(40)), ", ".join(f"thing {n}" for n in range(40))),
        ("event_offerings", "x" * 60, "x" * 60),
        ("event_location", "x" * 300, "x" * 300),
        ("event_start", "9", "09:00"),
        ("event_start", "14.05", "14:05"),
        ("event_start", "14h30", "14:30"),
        ("event_start", "23:59", "23:59"),
        ("event_start", "0:00", "00:00"),
        ("event_timezone", "Europe/Berlin", "Europe/Berlin"),
        ("event_date", "2020-01-01", "2020-01-01"),
        ("event_date", "2099-12-31", "2099-12-31"),
        ("cafe_name", " Repair  Café ", "Repair Café"),
        ("cafe_phone", " +31 (0)30  123.45-67", "+31 (0)30 123.45-67"),
        ("cafe_mail", "mailto:Info@Hoek.example", "Info@Hoek.example"),
        ("cafe_website", "Hoek.example", "https://hoek.example"),
        ("cafe_website", "http://hoek.example/a/?page=1#top", "http://hoek.example/a/?page=1"),
        ("public_url", "http://192.168.1.9:8000/", "http://192.168.1.9:8000"),
        ("cost", "free", "free"),
        ("cost", "5 euros, for materials", "5 euros, for materials"),
        ("appointment", "not_needed", "not_needed"),
        ("not_repaired", "microwaves,  gas boilers", "microwaves, gas boilers"),
        ("organiser_notes", " One \r\n\t two  \r\n", "One\n\t two"),
    ],
)
def test_a_good_value_is_stored_in_its_canonical_form(key: str, text: str, stored: str) -> None:
    assert parse(key, text) == stored


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("llm_endpoint", "ftp://h"),
        ("llm_endpoint", "http://"),
        ("llm_endpoint", "http://h:99999"),
        ("llm_endpoint", "http://user:pass@h"),
        ("llm_endpoint", "http://user@h"),
        ("llm_endpoint", "http://h/?q=1"),
        ("llm_endpoint", "http://h/#a"),
        ("llm_endpoint", "http://h h"),
        ("llm_endpoint", "http://[::1"),
        ("llm_endpoint", "http://169.254.169.254"),
        ("llm_endpoint", "http://metadata.google.internal"),
        ("llm_endpoint", "javascript:alert(1)"),
        ("llm_endpoint", "http://" + "a" * 2000),
        ("llm_model", "two words"),
        ("llm_model", "x" * 201),
        *(("llm_temperature", text) for text in ("1.01", "-0.1", "2", "0.123", "warm", "0.", ".", "nan", "1e-1", "٠")),
        ("event_date", "05-12-2026"),
        ("event_date", "2026-02-30"),
        ("event_date", "20261205"),
        ("event_date", "２０２６-12-05"),
        ("event_date", "2019-12-31"),
        ("event_date", "2100-01-01"),
        ("cafe_phone", "12345"),
        ("cafe_phone", "ask for Jan"),
        ("cafe_mail", "info@hoek"),
        ("cafe_mail", "two words@hoek.example"),
        ("cafe_mail", "a@b.example, c@d.example"),
        ("cafe_website", "javascript:alert(1)"),
        ("cafe_website", "ftp://hoek.example"),
        ("cafe_website", "https://user:pass@hoek.example"),
        ("cafe_website", "https://hoek.example/a b"),
        ("public_url", "https://hoek.example/?a=1"),
        ("appointment", "perhaps"),
        ("event_start", "24:00"),
        ("event_start", "14:60"),
        ("event_start", "half two"),
        ("event_timezone", "Europe/Utrecht"),
        ("event_start", "14:٣٠"),
        ("event_start", "１４"),
        ("organiser_notes", "a\x00b"),
        ("organiser_notes", "x" * 3001),
        ("event_location", "a\nb"),
        ("event_location", "a\x00b"),
        ("event_location", "\ud800"),
        ("event_location", "x" * 301),
        ("event_offerings", ",".join(f"thing {n}" for n in range(41))),
        ("event_offerings", "x" * 61),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(key: str, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(key, text)
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
@given(data=st.data())
def test_every_text_that_matches_the_published_pattern_is_accepted(key: Key, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(key.pattern, fullmatch=True).filter(lambda text: len(text) <= key.longest))
    assert parse(key.name, parse(key.name, text)) == parse(key.name, text)


@pytest.mark.parametrize("name", list(Environment.model_fields))
def test_no_variable_of_the_environment_is_a_setting(name: str) -> None:
    for written in (name, name.upper()):
        with pytest.raises(UnknownKeyError) as caught:
            parse(written, "x")
        assert "belongs in .env" in str(caught.value.hint)


def test_the_hint_for_an_unknown_key_suggests_a_similar_one() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        parse("event_dat", "x")
    assert "event_date" in str(caught.value.hint)


@settings(max_examples=300)
@given(st.sampled_from(sorted(KEYS)), st.text(max_size=80))
def test_any_text_becomes_canonical_or_is_refused(key: str, text: str) -> None:
    try:
        stored = parse(key, text)
    except RefusedError:
        return
    assert parse(key, stored) == stored
    assert "\x00" not in stored


@settings(max_examples=300)
@given(st.text(alphabet="htps:/.[]@?#%:0123456789abc-_ \\", max_size=30))
def test_any_text_like_an_address_becomes_canonical_or_is_refused(text: str) -> None:
    try:
        stored = parse("llm_endpoint", text)
    except RefusedError:
        return
    assert parse("llm_endpoint", stored) == stored
    assert stored == "" or stored.startswith(("http://", "https://"))


@pytest.mark.parametrize("key", list(KEYS))
def test_every_example_is_a_valid_value(key: str) -> None:
    assert parse(key, KEYS[key].example) == KEYS[key].example


def test_a_day_that_has_passed_is_a_warning_and_no_fault() -> None:
    assert warnings({"event_date": "2020-01-04"}).keys() == {"event_date"}
    assert warnings({"event_date": "2099-01-04"}) == warnings({}) == {}


EVERY_TEXT = {
    "llm_endpoint": "http://127.0.0.1:11434",
    "llm_model": "gemma",
    "llm_temperature": "0.7",
    "event_date": "2026-12-05",
    "event_start": "14:00",
    "event_end": "17:30",
    "event_timezone": "Europe/Berlin",
    "event_location": "De Hoek",
    "event_offerings": "bikes, clothes",
    "organiser_notes": "A repair is free.",
    "cafe_name": "Repair Café Lombok",
    "cafe_town": "Utrecht",
    "cafe_phone": "030 123 45 67",
    "cafe_mail": "info@lombok.example",
    "cafe_website": "https://lombok.example",
    "public_url": "https://ask.lombok.example",
    "cost": "gift",
    "appointment": "needed",
    "appointment_note": "Call us.",
    "not_repaired": "microwaves, gas boilers",
}
"""A text for each setting."""


def test_settings_are_typed() -> None:
    assert EVERY_TEXT.keys() == KEYS.keys()
    assert Settings.of(EVERY_TEXT) == Settings(
        llm_endpoint="http://127.0.0.1:11434",
        llm_model="gemma",
        llm_temperature=0.7,
        event_date=date(2026, 12, 5),
        event_start=time(14),
        event_end=time(17, 30),
        event_zone=ZoneInfo("Europe/Berlin"),
        event_location="De Hoek",
        event_offerings=("bikes", "clothes"),
        organiser_notes="A repair is free.",
        cafe_name="Repair Café Lombok",
        cafe_town="Utrecht",
        cafe_phone="030 123 45 67",
        cafe_mail="info@lombok.example",
        cafe_website="https://lombok.example",
        public_url="https://ask.lombok.example",
        cost="gift",
        appointment="needed",
        appointment_note="Call us.",
        not_repaired=("microwaves", "gas boilers"),
    )
    assert Settings.of({}) == Settings() == Settings.of(dict.fromkeys(EVERY_TEXT, ""))


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        ("14:00", "14:01", None),
        ("14:00", "14:00", "This must be later than the opening time, 14:00."),
        ("14:00", "13:59", "This must be later than the opening time, 14:00."),
        ("14:00", "", None),
        ("", "14:00", None),
    ],
)
def test_the_closing_time_must_be_later_than_the_opening_time(start: str, end: str, fault: str | None) -> None:
    found = check_together({"event_start": start, "event_end": end})
    assert {key: str(text) for key, text in found.items()} == ({"event_end": fault} if fault else {})


@settings(max_examples=200)
@given(st.lists(st.sampled_from(["/", "v1", "api", "ollama", " "]), max_size=8))
def test_any_path_of_an_address_becomes_canonical_or_is_refused(parts: list[str]) -> None:
    try:
        stored = parse("llm_endpoint", "http://h/" + "".join(parts))
    except RefusedError:
        return
    assert parse("llm_endpoint", stored) == stored


@pytest.mark.parametrize(
    "host",
    [
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254%25eth0]",
        "2852039166",
        "0xa9fea9fe",
        "169.254.169.254.",
        "metadata.google.internal.",
    ],
)
def test_the_metadata_address_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(RefusedError, match="cloud machine's credentials"):
        parse("llm_endpoint", f"http://{host}")


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("llm_endpoint", "ftp://h", "Expected: http://HOST:PORT"),
        ("llm_endpoint", "http://user:pass@h", "user name or a password"),
        ("llm_endpoint", "http://h/?q=1", "without ? or #"),
        ("llm_endpoint", "http://169.254.169.254", "cloud machine's credentials"),
        ("llm_endpoint", "http://user@h", "user name or a password"),
        ("llm_endpoint", "http://h/#a", "without ? or #"),
        ("llm_endpoint", "http://[::1", "Expected: http://HOST:PORT"),
        ("llm_endpoint", "http://", "Expected: http://HOST:PORT"),
        ("llm_model", "two words", "no spaces"),
        ("event_date", "2026-02-30", "Expected: YYYY-MM-DD"),
        ("event_start", "24:00", "Expected: HH:MM"),
        ("event_timezone", "Europe/Utrecht", "a name such as Europe/Amsterdam"),
        ("event_location", "a\x00b", "cannot be stored"),
        ("event_location", "x" * 301, "At most 300 characters"),
        ("event_offerings", ",".join(str(n) for n in range(41)), "At most 40 entries"),
        ("event_offerings", "x" * 61, "At most 60 characters"),
    ],
)
def test_a_refusal_says_what_is_wrong(key: str, text: str, message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(key, text)
    assert message in str(caught.value)


def test_the_hint_for_a_key_without_a_similar_one_lists_all_keys() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        parse("zzz", "x")
    assert all(name in str(caught.value.hint) for name in KEYS)
