"""Pictures to upload: good ones, and hostile ones."""

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

SVG = b"""<?xml version="1.0" encoding="utf-8"?>
<!-- made by hand -->
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100">
<title>Repair Caf\xc3\xa9</title>
<defs><linearGradient id="a"><stop offset="0" stop-color="#063"/></linearGradient>
<linearGradient id="b" xlink:href="#a"/></defs>
<g style="fill:url(#b);stroke: none" transform="rotate(10) translate(3, 4)"><circle cx="50" cy="50" r="40"/></g>
<text x="5" y="50">Hi <tspan font-weight="bold">there</tspan>!</text>
</svg>"""
"""A drawing of what is allowed."""


def svg(inside: str = "", attributes: str = "", before: str = "") -> bytes:
    """A drawing with something in it."""
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{before}<svg {spaces} viewBox="0 0 1 1" {attributes}>{inside}</svg>'.encode()


def png(width: int = 300, height: int = 200, mode: str = "RGBA") -> bytes:
    """A picture with metadata."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "where it was taken")
    content = io.BytesIO()
    Image.new(mode, (width, height)).save(content, format="PNG", pnginfo=told, dpi=(300, 300))
    return content.getvalue()


def noise(side: int) -> bytes:
    """A picture that no compression makes smaller."""
    content = io.BytesIO()
    Image.effect_noise((side, side), 100).save(content, format="PNG")
    return content.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def second_header(picture: bytes, width: int, height: int) -> bytes:
    """The picture with another size in a second header, behind the first."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return picture[:33] + _chunk(b"IHDR", header) + picture[33:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
