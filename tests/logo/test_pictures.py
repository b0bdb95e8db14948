"""repaircafe.logo.pictures writes pictures anew, and refuses what is hostile, damaged or too large."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from flask import Flask
from PIL import Image

from repaircafe.limits import LOGO_PNG_BYTES, MAX_LOGO_BYTES, MAX_LOGO_SIDE_PX, MAX_SVG_DEPTH, MAX_SVG_ELEMENTS_COUNT
from repaircafe.logo.pictures import RefusedPictureError, clean
from repaircafe.web import languages
from tests.logo.scene import SVG, bomb, noise, png, second_header, svg

XLINK = "http://www.w3.org/1999/xlink"


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """The sentences need a language."""
    app = Flask("repaircafe")
    languages.init_app(app, lambda: "UTC")
    with app.app_context():
        yield


def refusal(uploaded: bytes) -> str:
    """Why the file is refused."""
    with pytest.raises(RefusedPictureError) as found:
        clean(uploaded)
    return str(found.value.message)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L", "LA", "P", "1", "I;16"])
def test_a_png_is_written_anew_without_metadata(mode: str) -> None:
    picture = clean(png(1000, 500, mode))
    assert picture.media_type == "image/png"
    with Image.open(io.BytesIO(picture.content)) as written:
        assert (written.format, written.size, written.info) == ("PNG", (512, 256), {})
    assert b"where it was taken" not in picture.content


def test_a_small_png_keeps_its_size() -> None:
    with Image.open(io.BytesIO(clean(png(30, 20)).content)) as written:
        assert written.size == (30, 20)


def test_a_png_that_stays_long_becomes_smaller() -> None:
    assert len(clean(noise(400)).content) <= LOGO_PNG_BYTES


@pytest.mark.parametrize(
    "uploaded",
    [
        noise(100)[:5000],
        png()[:60],
        png()[:20],
        png()[:8],
        second_header(png(), 60_000, 60_000),
        b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
        bomb(0, 5),
        bomb(MAX_LOGO_SIDE_PX, MAX_LOGO_SIDE_PX),
    ],
    ids=["cut", "header", "half", "signature", "second", "zeros", "empty", "short"],
)
def test_a_damaged_png_is_refused(uploaded: bytes) -> None:
    assert refusal(uploaded)


@pytest.mark.parametrize(
    "size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (MAX_LOGO_SIDE_PX + 1, 1), (1, MAX_LOGO_SIDE_PX + 1)]
)
def test_a_png_of_too_many_pixels_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert "2048 pixels" in refusal(bomb(*size))


def test_a_drawing_is_written_anew_with_all_that_is_allowed() -> None:
    picture = clean(SVG)
    assert picture.media_type == "image/svg+xml"
    assert b"made by hand" not in picture.content
    before, after = ET.fromstring(SVG), ET.fromstring(picture.content)
    assert [one.tag for one in after.iter()] == [one.tag for one in before.iter()]
    assert ["".join("".join(one.itertext()).split()) for one in (after, before)] == ["RepairCaféHithere!"] * 2
    written = [dict(one.attrib) for one in after.iter()]
    expected = [{name.removeprefix(f"{{{XLINK}}}"): text for name, text in one.attrib.items()} for one in before.iter()]
    assert written == expected
    assert clean(picture.content) == picture


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ("<script>alert(1)</script>", "script"),
        ("<g><script/></g>", "script"),
        ('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>', "foreignObject"),
        ("<style>@import 'http://evil.example/x.css';</style>", "style"),
        ('<a href="http://evil.example"><path d="M0 0"/></a>', "a"),
        ('<image href="http://evil.example/x.png"/>', "image"),
        ('<use xlink:href="http://evil.example/x.svg#a"/>', "use"),
        ('<animate attributeName="href" values="javascript:alert(1)"/>', "animate"),
        ("<set/>", "set"),
        ("<filter/>", "filter"),
        ('<iframe xmlns="http://www.w3.org/1999/xhtml" src="x"/>', "html:iframe"),
        ('<script xmlns="http://www.w3.org/1999/xhtml"/>', "html:script"),
        ("<metadata/>", "metadata"),
        (
            '<n:namedview xmlns:n="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"/>',
            "sodipodi:namedview",
        ),
        ("<SCRIPT/>", "SCRIPT"),
    ],
)
def test_an_element_that_is_not_on_the_list_is_refused_by_its_name(inside: str, named: str) -> None:
    assert f"“{named}”" in refusal(svg(inside))


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ('<path onload="alert(1)"/>', "onload"),
        ('<path ONLOAD="alert(1)"/>', "ONLOAD"),
        ('<linearGradient href="http://evil.example/#a"/>', "href"),
        ('<linearGradient xlink:href="javascript:alert(1)"/>', "xlink:href"),
        ('<path href="#a"/>', "href"),
        ('<path fill="url(http://evil.example/#a)"/>', "fill"),
        ('<path fill="URL( //evil.example )"/>', "fill"),
        ('<path fill="url(#a) url(//evil.example)"/>', "fill"),
        ('<path style="fill:url(#a);mask:url(data:image/svg+xml,x)"/>', "style"),
        ('<path style="background:red"/>', "style"),
        ('<path style="fill:u\\72l(//evil.example)"/>', "style"),
        ("<path style=\"fill:image-set('//evil.example' 1x)\"/>", "style"),
        ("<path style=\"@import '//evil.example'\"/>", "style"),
        ('<path style="fill:red/*;*/"/>', "style"),
        ('<path xml:base="http://evil.example"/>', "xml:base"),
        ('<path i:label="x" xmlns:i="http://www.inkscape.org/namespaces/inkscape"/>', "inkscape:label"),
    ],
)
def test_an_attribute_that_is_not_on_the_list_is_refused_by_its_name(inside: str, named: str) -> None:
    assert f"“{named}”" in refusal(svg(inside))


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
        '<!DOCTYPE svg [<!ATTLIST svg onload CDATA "alert(1)">]>',
    ],
)
def test_a_drawing_with_a_doctype_is_refused(before: str) -> None:
    assert "DOCTYPE" in refusal(svg(before=before))


@pytest.mark.parametrize(
    "uploaded",
    [
        b"<svg",
        svg()[:-3],
        svg("&a;"),
        svg().replace(b"<svg", b'<?xml version="1.0" encoding="klingon"?><svg', 1),
        svg("\x01"),
        svg().decode().encode("utf-16-be"),
        b"<html/>",
        b'<svg viewBox="0 0 1 1"/>',
        b"GIF89a",
        b"%PDF-1.7",
        b"\0\0\0",
    ],
)
def test_anything_else_is_refused(uploaded: bytes) -> None:
    assert refusal(uploaded)


def test_a_drawing_of_too_many_parts_is_refused() -> None:
    assert clean(svg("<g>" * (MAX_SVG_DEPTH - 1) + "</g>" * (MAX_SVG_DEPTH - 1)))
    for inside in ("<g>" * 20_000 + "</g>" * 20_000, "<g/>" * MAX_SVG_ELEMENTS_COUNT):
        assert "2000" in refusal(svg(inside))
    assert "2000" in refusal(svg("<g>" * MAX_SVG_DEPTH + "</g>" * MAX_SVG_DEPTH))


def test_a_file_is_neither_empty_nor_longer_than_200_kb() -> None:
    assert refusal(b"")
    longest = svg("<desc>" + "x" * (MAX_LOGO_BYTES - len(svg("<desc></desc>"))) + "</desc>")
    assert len(longest) == MAX_LOGO_BYTES
    assert clean(longest)
    assert "200 kB" in refusal(longest + b" " * 1000)
