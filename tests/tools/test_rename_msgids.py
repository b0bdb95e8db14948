"""tests.tools.rename_msgids rewords the calls and the catalogues, and nothing else."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.tools import rename_msgids

LONG = "It is long enough for two lines: " + "a word " * 20 + "and the last."
TABLE = {"away": "not reachable", "%(num)d day": "one day", 'Say "no"': 'Say "yes"', "It is long.": LONG}
CODE = """label = _l("away")
state = "away"
text = _("It is "
         "long.")
days = ngettext("%(num)d day", "%(num)d days", 2)  # “é”
said = babel.gettext('Say "no"') + _("é") + _("away")
"""
TEMPLATE = """<p class="away">{{ _('away') }} {{ _("away", why=x) }} {{ ngettext('%(num)d day', '%(num)d days', n) }}
{{ _('Say "no"') }} away</p>"""
CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "away"
msgstr "weg"

msgid "%(num)d day"
msgid_plural "%(num)d days"
msgstr[0] "%(num)d dag"
msgstr[1] "%(num)d dagen"
"""


def project(folder: Path, catalogue: str = CATALOGUE) -> Path:
    """A project with one file of each kind."""
    for name, content in {
        "repaircafe/views.py": CODE,
        "templates/home/show.html": TEMPLATE,
        "repaircafe/translations/nl/LC_MESSAGES/messages.po": catalogue,
    }.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content)
    return folder


def test_calls_get_the_new_text_and_other_texts_stay(tmp_path: Path) -> None:
    rename_msgids.main(TABLE, project(tmp_path))
    code, template = (tmp_path / one for one in ("repaircafe/views.py", "templates/home/show.html"))
    found: dict[str, object] = {}
    calls = {name: lambda *texts: texts for name in ("_", "_l", "ngettext")}
    exec(code.read_text().replace("babel.gettext", "_"), {**calls}, found)  # noqa: S102: the code above, renamed
    assert found["label"] == ("not reachable",)
    assert found["state"] == "away"
    assert found["text"] == (LONG,)
    assert found["days"] == ("one day", "%(num)d days", 2)
    assert found["said"] == ('Say "yes"', "é", "not reachable")
    assert max(map(len, code.read_text().splitlines())) < 120
    assert template.read_text() == TEMPLATE.replace("_('away')", "_('not reachable')").replace(
        '_("away"', '_("not reachable"'
    ).replace("'%(num)d day'", "'one day'").replace('Say "no"', 'Say "yes"')


def test_a_renamed_text_keeps_its_translation(tmp_path: Path) -> None:
    rename_msgids.main(TABLE, project(tmp_path))
    with (tmp_path / "repaircafe/translations/nl/LC_MESSAGES/messages.po").open("rb") as file:
        found = {message.id: message.string for message in read_po(file) if message.id}
    assert found == {"not reachable": "weg", ("one day", "%(num)d days"): ("%(num)d dag", "%(num)d dagen")}


def test_a_text_that_is_there_already_keeps_its_own_translation(tmp_path: Path) -> None:
    both = CATALOGUE + '\nmsgid "not reachable"\nmsgstr "niet bereikbaar"\n'
    rename_msgids.main(TABLE, project(tmp_path, both))
    with (tmp_path / "repaircafe/translations/nl/LC_MESSAGES/messages.po").open("rb") as file:
        known = read_po(file)
    assert (known.get("away"), known["not reachable"].string) == (None, "niet bereikbaar")


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    assert len(rename_msgids.main(TABLE, project(tmp_path))) == 3
    assert rename_msgids.main(TABLE, tmp_path) == []


def test_a_table_that_would_go_on_at_the_second_run_is_refused() -> None:
    with pytest.raises(ValueError, match="b"):
        rename_msgids.check({"a": "b", "b": "c"})
