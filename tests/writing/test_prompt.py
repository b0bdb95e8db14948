"""repaircafe.writing.prompt: what the prompt contains, and what is left out if not everything fits."""

from datetime import date, timedelta

import pytest

from repaircafe.limits import MAX_REPLY_TOKENS, PROMPT_CONTEXT_TOKENS
from repaircafe.llm.base import Message, TooLongError
from repaircafe.neighbours.report import Reason
from repaircafe.settings.definitions import Settings
from repaircafe.writing import prompt

SETTINGS = Settings.of({})
TALK = [
    Message("user", "first question"),
    Message("assistant", "first reply"),
    Message("user", "second question"),
    Message("assistant", "second reply"),
    Message("user", "third question"),
]


def length(messages: list[Message]) -> int:
    return sum(len(one.content) for one in messages)


def settings(**values: str) -> Settings:
    return Settings.of(values)


def test_the_model_is_told_to_keep_to_the_language_and_to_the_facts() -> None:
    (system, _) = prompt.messages(Settings(), [Message("user", "Hi")])
    for told in (
        "Answer in the language of the question",
        "state only what the facts below say",
        "answer that you don't know and that the visitor should ask a volunteer",
        "Never invent a date, an hour, a place, a price or a name",
    ):
        assert told in system.content


def test_the_prompt_has_the_facts_and_says_which_are_unknown() -> None:
    soon = date.today() + timedelta(days=14)
    (told, _) = prompt.messages(settings(event_date=soon.isoformat(), event_location="Dorpsstraat 1"), TALK[:1])
    assert told.role == "system"
    assert f"- Next repair café: {soon:%A}, {soon.isoformat()}" in told.content
    assert "- Place: Dorpsstraat 1" in told.content
    assert "- What can be repaired: not known yet" in told.content


def test_the_prompt_says_who_the_cafe_is() -> None:
    told = prompt.messages(
        settings(
            cafe_name="Repair Café Lombok",
            cafe_town="Utrecht",
            cafe_phone="030 123 45 67",
            cafe_mail="info@lombok.example",
            cost="free",
            appointment="needed",
            appointment_note="Call us before Thursday.",
            event_offerings="bikes, hats",
            not_repaired="microwaves",
        ),
        TALK[:1],
    )[0].content
    for fact in (
        "- Name: Repair Café Lombok",
        "- Town: Utrecht",
        "- What can be repaired: bikes, hats",
        "- What cannot be repaired: microwaves",
        "- What a repair costs: a repair is free",
        "- Appointment: visitors need an appointment. Call us before Thursday.",
        "- Contact: 030 123 45 67, info@lombok.example",
    ):
        assert f"{fact}\n" in told
    bare = prompt.messages(settings(), TALK[:1])[0].content
    assert not any(f"- {label}:" in bare for label in ("Name", "What a repair costs", "Appointment", "Contact"))


@pytest.mark.parametrize(
    ("days", "said"), [(0, "- Next repair café: {day}"), (-1, "not planned yet; the last one was on {day}")]
)
def test_a_past_day_is_never_the_next_repair_cafe(days: int, said: str) -> None:
    planned = settings().now.date() + timedelta(days=days)
    (told, _) = prompt.messages(settings(event_date=planned.isoformat()), TALK[:1])
    assert said.format(day=f"{planned:%A}, {planned.isoformat()}") in told.content
    assert ("Visitors can come" in told.content) is (days == 0)


def test_the_prompt_has_the_organisers_notes_if_there_are_any() -> None:
    assert "The organiser says" not in prompt.messages(SETTINGS, TALK)[0].content
    assert prompt.messages(settings(organiser_notes="No e-bikes."), TALK)[0].content.endswith(
        "The organiser says:\nNo e-bikes."
    )


def test_a_history_that_fits_is_complete_and_in_order() -> None:
    assert prompt.messages(SETTINGS, TALK)[1:] == TALK


@pytest.mark.parametrize(("missing", "kept"), [(0, TALK), (1, TALK[2:]), (23, TALK[2:]), (24, TALK[2:])])
def test_the_oldest_messages_are_left_out_and_a_reply_keeps_its_question(missing: int, kept: list[Message]) -> None:
    whole = prompt.messages(SETTINGS, TALK)
    assert prompt.messages(SETTINGS, TALK, length(whole) - missing)[1:] == kept


@pytest.mark.parametrize("characters", [-1, 0, 1, 500])
def test_facts_and_question_are_complete_however_little_fits(characters: int) -> None:
    notes = "x" * 4_000
    told = prompt.messages(settings(organiser_notes=notes), TALK, characters)
    assert told[1:] == TALK[-1:]
    assert told[0].content.endswith(notes)


def test_unanswered_questions_are_joined_with_the_next_one() -> None:
    asked = [Message("user", "first"), Message("user", "second"), *TALK]
    told = prompt.messages(SETTINGS, asked)
    assert told[1] == Message("user", "first\n\nsecond\n\nfirst question")
    assert [one.role for one in told] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_unanswered_questions_are_left_out_if_they_do_not_fit() -> None:
    """During an outage of the model, visitors asked ten long questions. The eleventh must still fit."""
    asked = [Message("user", f"{number} " + "x" * 3_998) for number in range(10)] + [Message("user", "And now?")]
    told = prompt.messages(SETTINGS, asked)
    assert told[1].content.endswith("And now?")
    assert length(told) <= (PROMPT_CONTEXT_TOKENS - MAX_REPLY_TOKENS) * prompt.CHARACTERS_PER_TOKEN
    assert told[1].content.startswith("8 "), "the newest of them stay"
    assert prompt.messages(SETTINGS, asked, 0)[1:] == [Message("user", "And now?")]


@pytest.mark.parametrize("answered", range(0, 40, 7))
@pytest.mark.parametrize("characters", [0, 700, 1_500, 3_000])
def test_question_and_reply_alternate_whatever_is_left_out(answered: int, characters: int) -> None:
    said = []
    for number in range(40):
        said.append(Message("user", f"question {number} " * 3))
        if (number * 3 + answered) % 4:
            said.append(Message("assistant", f"reply {number} " * 5))
    said.append(Message("user", "the question"))
    told = prompt.messages(SETTINGS, said, characters)
    assert [one.role for one in told] == ["system", *("user", "assistant") * (len(told) // 2)][: len(told)]
    assert told[-1].role == "user"
    assert told[-1].content.endswith("the question")
    assert length(told) <= max(characters, length([told[0], said[-1]])) + 2 * len(said)


def test_what_fits_after_a_count_leaves_room_for_the_reply() -> None:
    sent = [Message("user", "x" * 30_000)]
    fitting = prompt.characters_that_fit(sent, TooLongError(prompt_tokens=10_000, context_tokens=4_096))
    assert fitting == (4_096 - MAX_REPLY_TOKENS) * 3
    small = prompt.characters_that_fit(sent, TooLongError(prompt_tokens=10_000, context_tokens=512))
    assert small == 384 * 3


@pytest.mark.parametrize(
    ("sent", "context", "fitting"),
    [
        (100_000, 4_096, (4_096 - MAX_REPLY_TOKENS) * 3),  # at once, since each attempt may cost a whole reply
        (8_000, 4_096, 6_000),
        (8_000, 0, 6_000),
    ],
)
def test_what_fits_is_estimated_from_the_context_if_nothing_was_counted(sent: int, context: int, fitting: int) -> None:
    assert prompt.characters_that_fit([Message("user", "x" * sent)], TooLongError(0, context)) == fitting


@pytest.mark.parametrize("counted", [1_100, 1_300, 2_047])
def test_what_fits_leaves_room_for_the_longest_reply_if_the_server_counts_it_as_well(counted: int) -> None:
    sent = [Message("user", "x" * counted * 4)]
    assert prompt.characters_that_fit(sent, TooLongError(counted, 2_048)) == (2_048 - MAX_REPLY_TOKENS) * 4
    facts = [Message("system", "f" * counted * 4), Message("user", "Hi")]
    assert prompt.blamed(facts, TooLongError(counted, 2_048)).reason is Reason.FACTS_TOO_LONG


@pytest.mark.parametrize("numbers", [(0, 0), (0, 10**6), (100, 10**6), (100, 2_000), (4_000, 4_000)])
def test_what_fits_is_always_less_than_what_did_not(numbers: tuple[int, int]) -> None:
    assert prompt.characters_that_fit([Message("user", "x" * 9_000)], TooLongError(*numbers)) < 9_000


def test_short_facts_are_not_blamed_by_a_server_that_counts_nothing() -> None:
    sent = [Message("system", "f" * 1_000), Message("user", "Hi")]
    assert prompt.blamed(sent, TooLongError(0, 0)).reason is Reason.TOO_LONG


@pytest.mark.parametrize(
    ("question", "counted", "reason"),
    [
        ("Hi", (2_500, 2_048), Reason.FACTS_TOO_LONG),
        ("Hi", (0, 0), Reason.FACTS_TOO_LONG),
        ("Hi", (0, 2_048), Reason.FACTS_TOO_LONG),
        ("Hi", (0, 4_096), Reason.TOO_LONG),
        ("x" * 4_000, (2_150, 2_048), Reason.TOO_LONG),  # with a short question, the facts fit
    ],
)
def test_the_facts_are_blamed_only_if_a_short_question_would_not_fit_either(
    question: str, counted: tuple[int, int], reason: Reason
) -> None:
    sent = [Message("system", "f" * 5_000), Message("user", question)]
    assert prompt.blamed(sent, TooLongError(*counted)).reason is reason
