"""The pages' icons are one file of drawings, and each that a page names is in it."""

import re
import xml.etree.ElementTree as ET

import pytest

from repaircafe.environment import PROJECT
from repaircafe.settings.offerings import PRESETS

SPRITE = PROJECT / "static/icons.svg"
SVG = "{http://www.w3.org/2000/svg}"
NAMED = re.compile(r"icon\('([^']+)'\)")
SHAPES = {"path", "circle", "ellipse", "rect"}


def symbols() -> dict[str, ET.Element]:
    """The drawings by their names."""
    found = ET.parse(SPRITE).getroot().findall(f"{SVG}symbol")
    return {one.attrib["id"]: one for one in found}


def test_every_icon_that_a_template_names_is_drawn() -> None:
    templates = (PROJECT / "templates").rglob("*.html")
    named = {name for file in templates for name in NAMED.findall(file.read_text())}
    assert len(named) >= 8
    assert named <= symbols().keys()


def test_every_preset_of_what_can_be_repaired_is_drawn() -> None:
    assert PRESETS.keys() <= symbols().keys()


@pytest.mark.parametrize("name", symbols())
def test_an_icon_is_an_outline_that_takes_its_colour_from_the_page(name: str) -> None:
    symbol = symbols()[name]
    assert symbol.attrib["viewBox"] == "0 0 24 24"
    for shape in symbol:
        assert shape.tag.removeprefix(SVG) in SHAPES
        assert not {"fill", "stroke", "style", "class"} & shape.attrib.keys()
