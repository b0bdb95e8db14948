"""Every template compiles, and none of them holds what the Content-Security-Policy forbids."""

import re

import pytest
from flask import Flask
from jinja2 import Environment as Jinja

from repaircafe.environment import PROJECT

TEMPLATES = sorted(str(path.relative_to(PROJECT / "templates")) for path in (PROJECT / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|\shx-on|javascript:")
OUTSIDE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles(app: Flask, name: str) -> None:
    jinja: Jinja = app.jinja_env
    assert jinja.get_template(name).name == name


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_holds_nothing_inline_and_no_outside_host(name: str) -> None:
    text = (PROJECT / "templates" / name).read_text()
    assert not INLINE.search(text)
    assert not OUTSIDE.search(text)


def test_whatever_is_sent_is_sent_once_and_shows_that_it_is_on_its_way() -> None:
    """A button that is out of use has its spinner from the style sheet. What polls has none to press."""
    elements = [
        found
        for name in TEMPLATES
        for found in re.findall(r"<[^<]*hx-post=.*?>\n", (PROJECT / "templates" / name).read_text())
    ]
    pressed = [found for found in elements if 'hx-trigger="every' not in found]
    assert len(pressed) >= 8
    assert [found for found in pressed if "hx-disabled-elt=" not in found] == []


def test_there_are_templates() -> None:
    assert "base.html" in TEMPLATES
