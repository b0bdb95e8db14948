"""Reads an SVG by a list of what a drawing needs, and writes it anew. What is not on the list is refused and named.

No element of the list runs a script, loads anything, links to anything or shows another document; no value names
another file. So the drawing is harmless even where the headers of its response are lost, for example on a USB stick.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, register_namespace, tostring  # nosec B405  it writes only

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask_babel import lazy_gettext as _l

from repaircafe.limits import MAX_SVG_DEPTH, MAX_SVG_ELEMENTS_COUNT
from repaircafe.logo.pictures import RefusedPictureError
from repaircafe.neighbours.report import Text

NAMESPACE = "http://www.w3.org/2000/svg"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
PREFIXES = {
    "http://www.inkscape.org/namespaces/inkscape": "inkscape",
    "http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd": "sodipodi",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/1999/xlink": "xlink",
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/1999/xhtml": "html",
}
"""How the sentence names what drawing programs add."""

GRADIENTS = frozenset({"linearGradient", "radialGradient"})
WORDS = frozenset({"title", "desc", "text", "tspan"})
"""The elements whose text is kept."""
ELEMENTS = (
    frozenset({"svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"})
    | frozenset({"stop", "clipPath", "mask"})
    | GRADIENTS
    | WORDS
)
PROPERTIES = frozenset({
    "alignment-baseline", "baseline-shift", "clip-path", "clip-rule", "color", "color-interpolation",
    "color-rendering", "direction", "display", "dominant-baseline", "enable-background", "fill",
    "fill-opacity", "fill-rule", "font-family", "font-size", "font-stretch", "font-style", "font-variant",
    "font-weight", "image-rendering", "isolation", "letter-spacing", "line-height", "mask", "mix-blend-mode",
    "opacity", "overflow", "paint-order", "shape-rendering", "stop-color", "stop-opacity", "stroke",
    "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "stroke-opacity", "stroke-width", "text-anchor", "text-decoration", "text-rendering", "vector-effect",
    "visibility", "white-space", "word-spacing", "writing-mode"
})  # fmt: skip
"""What may stand in `style`, or as an attribute of its own (SVG 2, 'Presentation attributes')."""
ATTRIBUTES = PROPERTIES | frozenset({
    "baseProfile", "class", "clipPathUnits", "cx", "cy", "d", "data-name", "dx", "dy", "fr", "fx", "fy",
    "gradientTransform", "gradientUnits", "height", "id", "lengthAdjust", "maskContentUnits", "maskUnits",
    "offset", "pathLength", "points", "preserveAspectRatio", "r", "rotate", "rx", "ry", "spreadMethod",
    "style", "textLength", "transform", "version", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2",
    "{http://www.w3.org/XML/1998/namespace}space"
})  # fmt: skip
FUNCTIONS = frozenset({
    "matrix", "translate", "translatex", "translatey", "scale", "rotate", "skewx", "skewy", "rgb", "rgba",
    "hsl", "hsla", "url"
})  # fmt: skip
_CALL = re.compile(r"([\w-]*)\s*\(")
_OWN_URL = re.compile(r"""url\(\s*(["']?)#[\w.:-]+\1\s*\)""")
"""A reference to a part of the same drawing."""

register_namespace("", NAMESPACE)


def rewritten(uploaded: bytes) -> bytes:
    """The drawing as a new SVG. Raises RefusedPictureError, with the name of what is not on the list."""
    try:
        root = fromstring(uploaded, forbid_dtd=True)
    except DefusedXmlException as error:
        raise RefusedPictureError(_l("This SVG file has a DOCTYPE, which a logo must not have.")) from error
    except (ParseError, ValueError, LookupError) as error:
        raise RefusedPictureError(_l("This SVG file is damaged.")) from error
    if root.tag != f"{{{NAMESPACE}}}svg":
        raise RefusedPictureError(_l("This file is neither a PNG nor an SVG."))
    if sum(1 for _ in root.iter()) > MAX_SVG_ELEMENTS_COUNT:
        raise RefusedPictureError(_too_complex())
    written: bytes = tostring(_copy(root, 1), encoding="utf-8", xml_declaration=True)
    return written


def _copy(element: Element, depth: int) -> Element:
    """The element with its children, made of what is on the lists alone."""
    name = str(element.tag).removeprefix(f"{{{NAMESPACE}}}")
    if name not in ELEMENTS:
        raise RefusedPictureError(_l("A logo must not have the element “%(name)s”.", name=_shown(str(element.tag))))
    if depth > MAX_SVG_DEPTH:
        raise RefusedPictureError(_too_complex())
    copy = Element(f"{{{NAMESPACE}}}{name}", dict(_attributes(element, name)))
    copy.text = element.text if name in WORDS else None
    for child in element:
        copied = _copy(child, depth + 1)
        copied.tail = child.tail if name in WORDS else None
        copy.append(copied)
    return copy


def _attributes(element: Element, name: str) -> Iterator[tuple[str, str]]:
    for attribute, value in element.attrib.items():
        is_reference = name in GRADIENTS and attribute in ("href", XLINK_HREF)
        is_own = re.fullmatch(r"#[\w.:-]+", value) is not None
        is_known = is_own if is_reference else attribute in ATTRIBUTES and _is_plain(value)
        if not is_known or (attribute == "style" and not _is_known_style(value)):
            raise RefusedPictureError(
                _l(
                    "A logo must not have the attribute “%(attribute)s” with this value in “%(name)s”.",
                    attribute=_shown(attribute),
                    name=name,
                )
            )
        yield ("href" if is_reference else attribute), value


def _is_plain(value: str) -> bool:
    """Whether the value calls only known functions, and names only parts of the same drawing."""
    lower = value.lower()
    if any(sign in lower for sign in ("\\", "@", "/*", "javascript:", "<")):
        return False
    calls = _CALL.findall(lower)
    return set(calls) <= FUNCTIONS and calls.count("url") == len(_OWN_URL.findall(lower))


def _is_known_style(value: str) -> bool:
    names = [declaration.partition(":")[0].strip().lower() for declaration in value.split(";") if declaration.strip()]
    return set(names) <= PROPERTIES


def _shown(name: str) -> str:
    namespace, _, local = name.removeprefix("{").rpartition("}")
    prefix = PREFIXES.get(namespace, "")
    return f"{prefix}:{local}" if prefix else local


def _too_complex() -> Text:
    return _l("This SVG file has too many parts: at most %(most)d.", most=MAX_SVG_ELEMENTS_COUNT)
