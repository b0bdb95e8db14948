"""Which of the explained changes are still met."""

from tests.mutants.__main__ import TESTS, explained, names, unmatched

LINES = ["facts.a: * → x[*]", "facts.b: y → z"]


def test_a_star_stands_for_anything_and_nothing_else_does() -> None:
    assert names("facts.a: * → x[*]", "facts.a: x[1] → x[2]")
    assert not names("facts.a: x.y → z", "facts.a: x_y → z")
    assert not names("facts.a: * → x", "facts.a: y → x + 1")


def test_a_line_that_names_no_change_any_more_is_told() -> None:
    assert unmatched(LINES, ["facts.a: y → x[1]", "facts.c: y → z"]) == ["facts.b: y → z"]
    assert unmatched(LINES, ["facts.a: y → x[1]", "facts.b: y → z"]) == []


def test_a_line_is_asked_for_where_its_package_was_run_alone() -> None:
    of_each = [explained([package]) for package in TESTS]
    assert all(of_each)
    assert sorted(line for lines in of_each for line in lines) == sorted(explained(list(TESTS)))
    assert {line.partition(".")[0] for line in explained(["facts"])} == {"facts"}
