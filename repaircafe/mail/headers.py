"""The header fields of a mail: words, addresses, message ids and parameters. Nothing here raises, whatever they hold.

Python's `email` is not used for them: its parser of addresses fails on five thousand parentheses, that of message ids
on `<[abc]@[1.2.3.4]>`, and both take quadratic time.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from repaircafe.characters import clean_name, clean_text
from repaircafe.mail.charsets import decoded

Headers = Sequence[tuple[str, str]]

MAX_FIELD_CHARS = 16_000
"""Characters of a field that are read: a list of 60 message ids of 200 characters has 12,000."""
MAX_ID_CHARS = 998
"""A line's length in RFC 5322: a longer id cannot be written into a reply."""
MAX_IDS_COUNT = 100
MAX_ADDRESSES_COUNT = 50
MAX_ADDRESS_CHARS = 320
MAX_NAME_CHARS = 200
_DEPTH = 8

_ENCODED = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?(.{0,2000}?)\?=", re.DOTALL)
"""RFC 2047, and RFC 2231 for the language after `*`. Some mailers leave spaces and question marks inside."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ID = re.compile(r"<([^<>]+)>")
_PARAMETER = re.compile(r';\s*([^\s=;*"]{1,60})(\*\d{1,3})?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SIGN = r"\s\x00-\x1f\x7f-\x9f<>()\[\],;:@\"\\"
_ADDRESS = re.compile(rf"[^{_SIGN}]+@(?:\[[^{_SIGN}]+\]|[^{_SIGN}]+)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True)
class Address:
    """Somebody's address, "" if there is none, and the name beside it."""

    address: str
    name: str = ""


NOBODY = Address("")


def field(headers: Headers, name: str) -> str:
    """The first field of that name, as it came; "" if there is none."""
    return next((value for one, value in headers if one.lower() == name), "")


def words(value: str, most: int = 1_000) -> str:
    """A field that people read, in one line: encoded words are decoded, and what nobody sees is dropped."""
    return one_line(_without_encoding(value[:MAX_FIELD_CHARS]))[:most].rstrip()


def one_line(text: str) -> str:
    """The text without line breaks, control characters and what nobody sees."""
    return " ".join(clean_text(_CONTROL.sub(" ", text)).split())


def addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    """The addresses of all fields of that name, each once."""
    found: dict[str, Address] = {}
    for one, value in headers:
        if one.lower() == name:
            for item in _items(value[:MAX_FIELD_CHARS]):
                address = _address_of(item)
                if address.address or address.name:
                    found.setdefault(address.address.lower() or address.name, address)
    return tuple(found.values())[:MAX_ADDRESSES_COUNT]


def message_ids(headers: Headers, *names: str) -> tuple[str, ...]:
    """The message ids in the fields of these names, with their angle brackets, each once.

    Of more than MAX_IDS_COUNT the first one, which began the thread, and the last ones, which are nearest.
    """
    found: dict[str, None] = {}
    for name in names:
        for one, value in headers:
            if one.lower() == name:
                found.update(dict.fromkeys(_ids(value[-4 * MAX_FIELD_CHARS :])))
    ids = tuple(found)
    return ids if len(ids) <= MAX_IDS_COUNT else (ids[0], *ids[1 - MAX_IDS_COUNT :])


def value_and_parameters(value: str) -> tuple[str, dict[str, str]]:
    """The value of a field such as Content-Type, in lower case, and its parameters by name (RFC 2231 and 2047)."""
    value = value[:MAX_FIELD_CHARS]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, number, star, quoted, bare in _PARAMETER.findall(value):
        text = _ESCAPED.sub(r"\1", quoted) if quoted else bare.strip()
        if number or star:
            pieces.setdefault(name.lower(), {}).setdefault(int(number[1:] or 0) if number else 0, (text, bool(star)))
        else:
            plain.setdefault(name.lower(), one_line(_without_encoding(text)))
    return value.partition(";")[0].strip().lower(), plain | {name: _joined(found) for name, found in pieces.items()}


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """A parameter of RFC 2231, whose first piece may name the charset."""
    charset, content = "", b""
    for number, (text, is_encoded) in sorted(pieces.items()):
        rest = text
        if is_encoded and number == 0 and rest.count("'") >= 2:
            charset, _, rest = text.split("'", 2)
        content += unquote_to_bytes(rest) if is_encoded else rest.encode("utf-8", "replace")
    return one_line(decoded(content, charset))


def _without_encoding(value: str) -> str:
    """The value with its encoded words decoded. Words that follow each other may share a character's bytes."""
    if "=?" not in value:
        return value
    text, end = "", 0
    charset, content = "", b""
    for found in _ENCODED.finditer(value):
        between = value[end : found.start()]
        if between.strip() or (content and found[1].lower() != charset):
            text += decoded(content, charset)
            content = b""
        if between.strip() or not end:
            text += between
        charset = found[1].lower()
        content += _word(found[2], found[3])
        end = found.end()
    return text + decoded(content, charset) + value[end:]


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    return base64_decoded(raw)


def base64_decoded(content: bytes) -> bytes:
    """What base64 holds, up to the first piece that is broken; other characters in it are passed over."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        return b""


def _ids(value: str) -> Iterator[str]:
    found = _ID.findall(value)
    if not found:  # some write it without brackets
        found = [one for one in value.split()[:MAX_IDS_COUNT] if "@" in one]
    for one in found:
        text = "".join(_CONTROL.sub("", one).split())  # a few mailers fold inside an id
        if text and len(text) <= MAX_ID_CHARS - 2 and text.isascii():
            yield f"<{text}>"


def _items(value: str) -> Iterator[str]:
    """The addresses of a list, without comments, and without the names of groups."""
    item: list[str] = []
    depth = 0
    for piece in re.findall(r'"(?:[^"\\]|\\.)*"|\\.|[^"\\(),;:<>]+|.', value, re.DOTALL):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif piece in ",;":
            yield "".join(item)
            item = []
        elif piece == ":" and "<" not in item:
            item = []
        else:
            item.append(piece)
    yield "".join(item)


def _address_of(item: str) -> Address:
    before, bracket, inside = item.rpartition("<")
    found = _ADDRESS.search(clean_name(inside)) if bracket else None
    if found is None:
        found = _ADDRESS.search(clean_name(_QUOTED.sub(" ", item)))
        before = item.replace(found[0], "") if found else item
    address = found[0] if found and len(found[0]) <= MAX_ADDRESS_CHARS else ""
    name = words(_QUOTED.sub(lambda quoted: _ESCAPED.sub(r"\1", quoted[0][1:-1]), before), MAX_NAME_CHARS)
    name = name.strip(" <>\"'")
    return Address(address, "" if name.lower() == address.lower() else name)
