"""repaircafe.unanswered.groups puts together what asks the same, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from repaircafe.chat.models import Settled
from repaircafe.facts.words import LANGUAGES
from repaircafe.unanswered.groups import MAX_SHOWN_CHARS, MAX_WORDINGS, Asked, grouped

BEGAN = datetime(2026, 11, 28, 14, tzinfo=UTC)
ANSWERED, NOT_NEEDED = Settled.ANSWERED, Settled.NOT_NEEDED


def asked(*texts: str, language: str = "en", settled: tuple[Settled | None, ...] = ()) -> list[Asked]:
    """Questions, oldest first."""
    return [
        Asked(
            number, text, language, BEGAN + timedelta(days=number), settled[number] if number < len(settled) else None
        )
        for number, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("Where can I park?", "where can i PARK my car", "Hello! Where can I park, please?")),
        ("en", ("Can I pay by card?", "Is it possible to pay by card?", "May I pay with cards?")),
        ("en", ("Is there a toilet for wheelchair users?", "Is there a wheelchair toilet")),
        ("nl", ("Waar kan ik parkeren?", "Waar kan ik mijn auto parkeren?", "waar parkeren")),
        ("nl", ("Kan ik pinnen?", "Kun je hier ook pinnen?")),
        ("de", ("Wo kann ich parken?", "Hallo, wo kann man hier parken?", "Wo kann ich mein Auto parken?")),
        ("de", ("Gibt es Kaffee?", "Habt ihr auch Kaffee?")),
        ("fr", ("Où puis-je me garer ?", "Où est-ce que je peux garer ma voiture ?")),
        ("fr", ("Est-ce qu'il y a du café ?", "Y a-t-il du café ?")),
    ],
)
def test_nearly_the_same_questions_are_one_group(language: str, texts: tuple[str, ...]) -> None:
    (group,) = grouped(asked(*texts, language=language))
    assert len(group.counting) == len(texts)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("Where can I park?", "Where is the toilet?", "Can I pay by card?", "May I bring my dog?")),
        ("en", ("Can you repair a computer?", "Can you repair a compressor?", "Can you repair a coffee machine?")),
        ("en", ("When is the bar open?", "Where is the bar?")),
        ("nl", ("Waar kan ik parkeren?", "Waar is het toilet?", "Kan ik pinnen?", "Mag mijn hond mee?")),
        ("de", ("Wo kann ich parken?", "Wo ist die Toilette?", "Kann ich mit Karte zahlen?", "Darf mein Hund mit?")),
        ("fr", ("Où me garer ?", "Où sont les toilettes ?", "Puis-je payer par carte ?", "Mon chien peut-il venir ?")),
    ],
)
def test_other_questions_are_groups_of_their_own(language: str, texts: tuple[str, ...]) -> None:
    assert len(grouped(asked(*texts, language=language))) == len(texts)


def test_the_same_words_in_two_languages_are_two_groups() -> None:
    both = [*asked("Wifi?", language="nl"), Asked(7, "Wifi?", "de", BEGAN)]
    assert len(grouped(both)) == 2


def test_a_question_of_small_words_alone_is_compared_as_it_is() -> None:
    groups = grouped(asked("And you?", "And you", "Is it?", "?!"))
    assert sorted(len(one.questions) for one in groups) == [1, 1, 2]


def test_the_most_asked_group_comes_first_and_of_equals_the_newest() -> None:
    groups = grouped(asked("Is there coffee?", "Where can I park?", "Is there coffee", "May I bring my dog?"))
    assert [one.wordings[0] for one in groups] == ["Is there coffee", "May I bring my dog?", "Where can I park?"]


def test_a_group_shows_its_wordings_once_and_not_without_end() -> None:
    texts = ["Where can I park?", "where can I park", *(f"Where can I park {'now ' * n}?" for n in range(1, 9))]
    (group,) = grouped(asked(*texts, "Where can I park " + "my car " * 200))
    assert len(group.wordings) == MAX_WORDINGS
    assert len(group.wordings[0]) <= MAX_SHOWN_CHARS + 1
    assert group.wordings[0].endswith("…")
    assert len(grouped(asked("Where can I park?", "where can I park"))[0].wordings) == 1


@pytest.mark.parametrize(
    ("settled", "expected", "count"),
    [
        ((None, None, None), None, 3),
        ((ANSWERED, ANSWERED, ANSWERED), ANSWERED, 3),
        ((ANSWERED, ANSWERED, None), None, 1),
        ((NOT_NEEDED, None, None), NOT_NEEDED, 3),
        ((ANSWERED, NOT_NEEDED, None), NOT_NEEDED, 3),
    ],
)
def test_an_answer_settles_what_was_asked_before_and_not_needed_all(
    settled: tuple[Settled | None, ...], expected: Settled | None, count: int
) -> None:
    (group,) = grouped(asked(*["Where can I park?"] * 3, settled=settled))
    assert (group.settled, len(group.counting)) == (expected, count)
    assert group.is_open_again is (expected is None and any(settled))


def test_every_language_has_its_small_words() -> None:
    for language in LANGUAGES:
        assert len(grouped(asked("x q z", "x q", language=language))) == 1
    assert len(grouped(asked("x q z", "x q", language="xx"))) == 1
