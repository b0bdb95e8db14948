"""The catalogues of the pages' words: what is in the code, and what each language has of it.

`python -m tests.catalogues` brings new words into them, for somebody to translate, and takes out what nobody says any
more. Order and header are always the same, so that a change shows what was changed.
"""

import io
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from repaircafe.environment import PROJECT

FOLDER = PROJECT / "repaircafe" / "translations"
METHODS = [("repaircafe/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
PLURALS = {"fr": "n > 1"}
"""Where one is not the only singular (Unicode CLDR, 'Language Plural Rules')."""
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=({plural});\\n"

"""


def said() -> list[Message]:
    """Every word of the pages, in the order of the files."""
    found = Catalog()
    for _, _, message, _, context in extract_from_dir(PROJECT, METHODS, keywords=KEYWORDS):
        found.add(message, context=context)
    return [message for message in found if message.id]


def path(language: str) -> Path:
    """A language's catalogue."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> dict[str | tuple[str, ...], Message]:
    """What a language has, by the English."""
    with path(language).open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message for message in catalogue if message.id
    }


def renew(language: str) -> int:
    """Writes the catalogue anew; answers how many words wait for a translation."""
    known, missing = read(language), 0
    catalogue = Catalog(locale=language)
    for message in said():
        before = known.get(message.id if isinstance(message.id, str) else tuple(message.id))
        missing += before is None or not before.string
        catalogue.add(message.id, before.string if before else None, flags=message.flags)
    written = io.BytesIO()
    write_po(written, catalogue, width=0, no_location=True, omit_header=True)
    header = HEADER.format(language=language, plural=PLURALS.get(language, "n != 1"))
    path(language).write_bytes(header.encode() + written.getvalue())
    return missing


def languages() -> list[str]:
    """Those that there are catalogues of."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


if __name__ == "__main__":
    for one in languages():
        print(f"{path(one).relative_to(PROJECT)}: {renew(one)} to translate")
