"""What the documents name is there."""

import re

from repaircafe.environment import PROJECT

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = NAMED.findall((PROJECT / "docs" / "threat-model.md").read_text())
    assert len(named) > 20
    for file, function in named:
        assert f"\ndef {function}" in (PROJECT / file).read_text(), (file, function)
