"""The bytes of a mail become its MIME tree, and that becomes a text.

Nothing here raises, and the time grows with the number of bytes, whatever they are.

Python's `email` is not used: its parser fails on a thousand nested parts, and tries every boundary on every line.
"""

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as having

from repaircafe.characters import is_blank
from repaircafe.mail.base import Mail, Part
from repaircafe.mail.charsets import decoded
from repaircafe.mail.flowed import unwrapped
from repaircafe.mail.headers import base64_decoded, field, one_line, value_and_parameters

MAX_DEPTH = 20
MAX_PARTS_COUNT = 200
MAX_FIELDS_COUNT = 1_000
"""Header fields of a part; a mail that went through many servers has about 150."""
MAX_FILE_NAME_CHARS = 150
MAX_HTML_CHARS = 128 * 1024
"""Characters of HTML in one mail."""
_STUB_CHARS = 200
"""A text that is not longer may only say that the mail is in HTML."""

_READ = ("text/plain", "text/html", "text/calendar")
"""The types whose content is kept; nobody here opens the others."""
_TEXTS = ("text/plain", "text/html")
_META = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([A-Za-z0-9_-]{1,40})", re.IGNORECASE)
_META_BYTES = 2_000
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")
_FIRST_BOUNDARY = re.compile(rb"^--([^\s-][^\r\n]{0,200}|-[^\r\n]{1,200})\r?\nContent-", re.MULTILINE)
_NEVER = re.compile(rb"(?!)")
_BASE64_LINE = re.compile(rb"\s*[A-Za-z0-9+/]+={0,2}[ \t]*(?:[\r\n]|$)")

_Headers = tuple[tuple[str, str], ...]


@dataclass
class _Count:
    """How many parts there may still be, and whether some were left out."""

    left: int = MAX_PARTS_COUNT
    is_over: bool = False


def mail_of(content: bytes, cut: bool) -> Mail:
    """The mail of these bytes; `cut` says whether they are only its beginning.

    A mail with more parts, or with parts in parts deeper than anybody writes, counts as cut as well.
    """
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    headers, body = _head(content)
    count = _Count()
    part = _part(headers, body, 0, count)
    return Mail(headers, part, cut or count.is_over)


def _head(content: bytes) -> tuple[_Headers, bytes]:
    """The header fields, unfolded, and what follows them. A line that is no field ends them."""
    found: list[tuple[str, list[bytes]]] = []
    start = 0
    while start < len(content):
        end = content.find(b"\n", start) + 1 or len(content)
        line = content[start:end].rstrip(b"\r\n")
        name = _FIELD.match(line)
        if not line:
            start = end
            break
        if line[:1] in b" \t" and found:
            found[-1][1].append(line)
        elif name and len(found) <= MAX_FIELDS_COUNT:
            found.append((name[1].decode("ascii"), [line[name.end() :]]))
        elif name:
            found[-1] = ("", [])  # collects what is not read
        elif start or not line.startswith(b"From "):  # the first line of a mail in an mbox file
            break
        start = end
    fields = found[:MAX_FIELDS_COUNT]
    return tuple((name, decoded(b"".join(lines), "").strip()) for name, lines in fields), content[start:]


def _part(headers: _Headers, body: bytes, depth: int, count: _Count) -> Part:
    named, parameters = value_and_parameters(field(headers, "content-type"))
    media_type = named if _MEDIA_TYPE.fullmatch(named) else "text/plain"
    if media_type.startswith("multipart/"):
        parts = _parts(body, parameters.get("boundary", ""), depth, count)
        if parts or not body.strip() or count.is_over:
            return Part(media_type, parts=parts)
        media_type = "text/plain"  # no boundary, or none that is found: somebody may still read it
    disposition, more = value_and_parameters(field(headers, "content-disposition"))
    encoding = field(headers, "content-transfer-encoding").strip(" \"';").lower()
    keeps = media_type in _READ and disposition != "attachment" and depth <= MAX_DEPTH
    content = _transferred(body, encoding) if keeps else None
    return Part(
        media_type,
        parameters.get("charset", ""),
        disposition,
        safe_file_name(more.get("filename") or parameters.get("name", "")),
        len(body) * 3 // 4 if content is None and encoding == "base64" else len(body if content is None else content),
        content,
        is_flowed=parameters.get("format", "").lower() == "flowed",
        drops_space=parameters.get("delsp", "").lower() == "yes",
    )


def _parts(body: bytes, boundary: str, depth: int, count: _Count) -> tuple[Part, ...]:
    found = []
    for one in _between(body, boundary):
        if count.left == 0 or depth == MAX_DEPTH:
            count.is_over = True
            break
        count.left -= 1
        found.append(_part(*_head(one), depth + 1, count))
    return tuple(found)


def _between(body: bytes, boundary: str) -> Iterator[bytes]:
    """What is between the boundaries. The last one may be missing, if the mail was cut."""
    line = _boundary_line(boundary.encode("utf-8", "replace"))
    if not boundary or not line.search(body):  # some mails have another one than they say
        first = _FIRST_BOUNDARY.search(body)
        line = _boundary_line(first[1]) if first else _NEVER
    start = -1
    for found in line.finditer(body):
        if start >= 0:
            yield _without_end(body[start : found.start()])
        start = found.end() + 1
        if found[1]:
            return
    if start >= 0:
        yield body[start:]


def _boundary_line(boundary: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"^--%b(--)?[ \t]*\r?$" % re.escape(boundary), re.MULTILINE)


def _without_end(content: bytes) -> bytes:
    """The line break before a boundary belongs to the boundary."""
    return content.removesuffix(b"\n").removesuffix(b"\r")


def safe_file_name(name: str) -> str:
    """A file's name to show, without any folder. It is never used as the name of a file."""
    return one_line(re.split(r"[/\\]", name)[-1])[-MAX_FILE_NAME_CHARS:]


def _transferred(body: bytes, encoding: str) -> bytes:
    """The content without its transfer encoding. If it is not in that encoding, it stays as it is."""
    if encoding == "base64" and _BASE64_LINE.match(body):
        return base64_decoded(body.partition(b"=")[0])
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    return body


@dataclass(frozen=True)
class Attachment:
    """What a mail carries beside its text. Nobody here opens it."""

    name: str
    media_type: str
    size: int
    """Bytes; about as many, if it was not fetched."""
    is_inline: bool = False
    """Whether it is a picture that belongs into the text, such as a logo."""


@dataclass(frozen=True)
class Text:
    """The text of a mail as a person sees it, and what is beside it."""

    text: str = ""
    hidden: int = 0
    """How many elements with text are hidden in it."""
    is_cut: bool = False
    attachments: tuple[Attachment, ...] = ()
    calendars: tuple[bytes, ...] = ()
    """The content of invitations."""


@dataclass
class _Budget:
    """How much HTML of this mail is still read; the time grows faster than its length."""

    html_chars: int = MAX_HTML_CHARS


@dataclass
class _Found:
    """What was found in a part and those in it."""

    texts: list[str] = having(default_factory=list)
    is_html: bool = False
    hidden: int = 0
    is_cut: bool = False
    attachments: list[Attachment] = having(default_factory=list)
    calendars: list[bytes] = having(default_factory=list)

    @property
    def length(self) -> int:
        """How much somebody sees."""
        return sum(len(one.strip()) for one in self.texts if not is_blank(one))

    def add(self, other: "_Found", with_text: bool = True) -> None:
        """Puts another part's findings after these."""
        if with_text:
            self.texts += other.texts
            self.is_html = self.is_html or other.is_html
            self.is_cut = self.is_cut or other.is_cut
        self.hidden += other.hidden
        self.attachments += other.attachments
        self.calendars += other.calendars


def text_of(mail: Mail) -> Text:
    """The text: as its sender typed it if that is there, else of its HTML. What HTML hides is counted in both cases."""
    budget = _Budget()
    found = _found(mail.body, budget)
    if not found.length:
        found.add(_named_text(mail.body, budget))
    return Text(
        "\n\n".join(one.strip("\r\n") for one in found.texts if not is_blank(one)),
        found.hidden,
        found.is_cut or mail.cut,
        tuple(found.attachments),
        tuple(found.calendars),
    )


def _named_text(part: Part, budget: _Budget, depth: int = 0) -> _Found:
    """The first text that has a file's name: some programs give one to the mail's own text."""
    if part.media_type in _TEXTS and part.content is not None and part.file_name:
        return _read(part, budget)
    inner = (_named_text(one, budget, depth + 1) for one in part.parts if depth < MAX_DEPTH)
    return next((one for one in inner if one.length), _Found())


def _found(part: Part, budget: _Budget, depth: int = 0) -> _Found:
    if depth > MAX_DEPTH:
        return _Found(is_cut=True)
    if part.parts:
        inner = [_found(one, budget, depth + 1) for one in part.parts[:MAX_PARTS_COUNT]]
        return _best(inner) if part.media_type == "multipart/alternative" else _all(part, inner)
    if part.media_type == "text/calendar" and part.content:
        return _Found(calendars=[part.content])
    if part.disposition != "attachment" and not part.file_name:
        if part.media_type in _TEXTS:
            return _read(part, budget) if part.content is not None else _Found(is_cut=True)
        if part.media_type.startswith(("text/", "multipart/")):
            return _Found()  # such as another form of the same text for one program
    is_inline = part.media_type.startswith("image/") and part.disposition != "attachment"
    return _Found(attachments=[Attachment(part.file_name, part.media_type, part.size, is_inline)])


def _all(part: Part, inner: Sequence[_Found]) -> _Found:
    """All parts in their order; of a report, such as a bounce, and of a text with its pictures only the first text."""
    has_one_text = part.media_type in ("multipart/report", "multipart/related")
    found = _Found()
    for one in inner:
        found.add(one, with_text=not (has_one_text and found.length))
    return found


def _best(inner: Sequence[_Found]) -> _Found:
    """The first text that is not HTML, unless it only says that the HTML is to be read; else the HTML."""
    plain = next((one for one in inner if one.length and not one.is_html), None)
    html = next((one for one in inner if one.length and one.is_html), None)
    is_stub = plain is not None and html is not None and plain.length <= _STUB_CHARS and html.length > 4 * plain.length
    chosen = html if plain is None or is_stub else plain
    found = _Found()
    for one in inner:
        found.add(one, with_text=one is chosen)
    return found


def _read(part: Part, budget: _Budget) -> _Found:
    content = part.content or b""
    told = _META.search(content[:_META_BYTES]) if part.media_type == "text/html" and not part.charset else None
    text = decoded(content, told[1].decode("ascii") if told else part.charset)
    if part.media_type != "text/html":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return _Found([unwrapped(text, part.drops_space) if part.is_flowed else text])
    # Imported here: a café without a mailbox does not need to spend the memory.
    from repaircafe.mail.markup import text_of_html  # noqa: PLC0415

    shown = text_of_html(text, budget.html_chars)
    budget.html_chars = max(0, budget.html_chars - len(text))
    return _Found([shown.text], is_html=True, hidden=shown.hidden, is_cut=shown.is_cut)
