"""`python -m tests.tools.rename_msgids TABLE`: rewords the pages' English, and keeps the translations.

TABLE is a JSON object: each English text as it is, with the text that replaces it. The calls for a translation in
`repaircafe/` and `templates/` are changed, and the catalogues with them; a text outside such a call stays. A second
run changes nothing. Then run `make translations`, which brings the catalogues into the order of the files.
"""

import ast
import io
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from repaircafe.environment import PROJECT

KEYWORDS = ("_", "_l", "gettext", "lazy_gettext", "ngettext", "lazy_ngettext")
WIDTH = 90
"""A longer text becomes several literals, one below the other."""

_STRING = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_CALL = re.compile(rf"(?<![\w.])(?:{'|'.join(KEYWORDS)})\(\s*(?:{_STRING})(?:\s*,\s*(?:{_STRING}))?")


def check(table: Mapping[str, str]) -> None:
    """Refuses a table whose second run would change more than its first. Raises ValueError."""
    if chained := sorted(set(table.values()) & set(table)):
        raise ValueError(f"new and old at once: {chained}")


def in_python(code: str, table: Mapping[str, str]) -> str:
    """The code with the new texts; `ruff format` puts their lines in place."""
    lines = code.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    content = code.encode()
    found = sorted(
        (
            (starts[one.lineno - 1] + one.col_offset, _end(starts, one), table[str(one.value)])
            for one in _texts(code)
            if one.value in table
        ),
        reverse=True,
    )
    for start, end, text in found:
        content = content[:start] + _literal(text).encode() + content[end:]
    return content.decode()


def in_template(code: str, table: Mapping[str, str]) -> str:
    """The template with the new texts."""

    def renamed(string: re.Match[str]) -> str:
        text = ast.literal_eval(string[0])
        return _quoted(table[text], string[0][0]) if text in table else string[0]

    return _CALL.sub(lambda call: re.sub(_STRING, renamed, call[0]), code)


def in_catalogue(content: bytes, table: Mapping[str, str]) -> bytes:
    """The catalogue with the new texts. Where a new text is there already, it keeps its own translation."""
    known = read_po(io.BytesIO(content))
    renamed = Catalog(header_comment=known.header_comment, fuzzy=known.fuzzy)
    renamed.mime_headers = known.mime_headers
    messages = [message for message in known if message.id]
    taken = {message.id for message in messages}
    for message in messages:
        new = _renamed(message, table)
        if new == message.id or new not in taken:
            taken.add(new)
            renamed.add(new, message.string, flags=message.flags, user_comments=message.user_comments)
    written = io.BytesIO()
    write_po(written, renamed, width=0)
    return written.getvalue()


def main(table: Mapping[str, str], project: Path = PROJECT) -> list[Path]:
    """Changes the files, and says which."""
    check(table)
    changed = []
    for path in sorted(project.glob("repaircafe/**/*")) + sorted(project.glob("templates/**/*")):
        before = path.read_bytes() if path.suffix in (".py", ".html", ".po") else b""
        after = before
        if path.suffix == ".py":
            after = in_python(before.decode(), table).encode()
        elif path.suffix == ".html":
            after = in_template(before.decode(), table).encode()
        elif path.suffix == ".po" and any(_renamed(one, table) != one.id for one in read_po(io.BytesIO(before))):
            after = in_catalogue(before, table)
        if after != before:
            path.write_bytes(after)
            changed.append(path)
    return changed


def _texts(code: str) -> Iterator[ast.Constant]:
    """The English texts of all calls for a translation."""
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in KEYWORDS:
            yield from (one for one in call.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _end(starts: list[int], one: ast.Constant) -> int:
    assert one.end_lineno is not None
    assert one.end_col_offset is not None
    return starts[one.end_lineno - 1] + one.end_col_offset


def _literal(text: str) -> str:
    pieces = textwrap.wrap(text, WIDTH, drop_whitespace=False, replace_whitespace=False, break_long_words=False)
    return "\n".join(_quoted(piece, '"') for piece in pieces)


def _quoted(text: str, quote: str) -> str:
    other = "'" if quote == '"' else '"'
    quote = other if quote in text and other not in text else quote
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def _renamed(message: Message, table: Mapping[str, str]) -> str | tuple[str, ...]:
    if isinstance(message.id, str):
        return table.get(message.id, message.id)
    return tuple(table.get(one, one) for one in message.id)


if __name__ == "__main__":
    for path in main(json.loads(Path(sys.argv[1]).read_text())):
        print(path.relative_to(PROJECT))
