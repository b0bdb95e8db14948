"""Decodes a PNG and writes it anew: smaller, and without metadata."""

import io
import struct

from flask_babel import lazy_gettext as _l
from PIL import Image

from repaircafe.limits import LOGO_PNG_BYTES, MAX_LOGO_SIDE_PX
from repaircafe.logo.pictures import RefusedPictureError

SIDES = (512, 384, 256, 128)
"""The sizes that are tried, in pixels: the first whose file is not longer than LOGO_PNG_BYTES is used, or the last."""
_HEADER = struct.Struct(">16xII")
"""The signature, the length and name of the first chunk, then width and height (PNG specification, 'IHDR')."""


def rewritten(uploaded: bytes) -> bytes:
    """The picture as a new PNG. Raises RefusedPictureError if it is damaged, or larger than a logo needs."""
    try:
        _check_size(*_HEADER.unpack_from(uploaded))
        with Image.open(io.BytesIO(uploaded), formats=("PNG",)) as opened:
            _check_size(*opened.size)  # a second header could say something else
            decoded = opened.convert("RGBA")
    except RefusedPictureError:
        raise
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise RefusedPictureError(_l("This PNG file is damaged.")) from error
    written = b""
    for side in SIDES:
        written = _written(decoded, side)
        if len(written) <= LOGO_PNG_BYTES:
            break
    return written


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MAX_LOGO_SIDE_PX and 0 < height <= MAX_LOGO_SIDE_PX):
        raise RefusedPictureError(
            _l("The picture is too large: at most %(most)d pixels wide and high.", most=MAX_LOGO_SIDE_PX)
        )


def _written(picture: Image.Image, side: int) -> bytes:
    """The picture with no side longer than that. Pillow would write what `info` holds, such as a colour profile."""
    smaller, content = picture.copy(), io.BytesIO()
    smaller.info.clear()
    smaller.thumbnail((side, side))
    smaller.save(content, format="PNG", optimize=True)
    return content.getvalue()
