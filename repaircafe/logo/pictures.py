"""A picture that may be shown: of one of two kinds, decoded, and written anew without anything it does not need."""

import hashlib
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from repaircafe.limits import MAX_LOGO_BYTES
from repaircafe.neighbours.report import Text

PNG, SVG = "image/png", "image/svg+xml"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class RefusedPictureError(ValueError):
    """The file cannot be the logo. The message is for the page."""

    def __init__(self, message: Text) -> None:
        super().__init__(str(message))
        self.message = message


@dataclass(frozen=True)
class Picture:
    """A picture as we have written it."""

    media_type: str
    content: bytes

    @property
    def version(self) -> str:
        """The SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


def clean(uploaded: bytes) -> Picture:
    """The uploaded picture, written anew. Its first bytes decide about its kind, never the name of the file.

    Raises RefusedPictureError.
    """
    from repaircafe.logo import png, svg  # noqa: PLC0415  both decoders take memory, and an upload is rare

    if not uploaded:
        raise RefusedPictureError(_l("Choose a file first."))
    if len(uploaded) > MAX_LOGO_BYTES:
        raise RefusedPictureError(_l("The file is too large: at most %(most)d kB.", most=MAX_LOGO_BYTES // 1000))
    if uploaded.startswith(SIGNATURE):
        return Picture(PNG, png.rewritten(uploaded))
    if uploaded.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"<"):
        return Picture(SVG, svg.rewritten(uploaded))
    raise RefusedPictureError(_l("This file is neither a PNG nor an SVG."))
