"""Every template compiles, and none contains anything that the Content-Security-Policy forbids."""

import re

import pytest
from flask import Flask
from jinja2 import Environment as Jinja

from repaircafe.environment import PROJECT

TEMPLATES = sorted(str(path.relative_to(PROJECT / "templates")) for path in (PROJECT / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|\shx-on|javascript:")
OUTSIDE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_compiles(app: Flask, name: str) -> None:
    jinja: Jinja = app.jinja_env
    assert jinja.get_template(name).name == name


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_template_has_no_inline_code_and_no_outside_host(name: str) -> None:
    text = (PROJECT / "templates" / name).read_text()
    assert not INLINE.search(text)
    assert not OUTSIDE.search(text)


def test_every_element_that_posts_disables_its_button_while_it_waits() -> None:
    """The style sheet shows a spinner on a disabled button. Elements that poll have no button.

    Forms that are one button come from one macro.
    """
    elements = [
        found
        for name in TEMPLATES
        for found in re.findall(r"<[^<]*hx-post=.*?>\n", (PROJECT / "templates" / name).read_text())
    ]
    pressed = [found for found in elements if 'hx-trigger="every' not in found]
    assert any("{{ address }}" in found for found in pressed), "the macro"
    assert len(pressed) >= 4
    assert [found for found in pressed if "hx-disabled-elt=" not in found] == []


def test_there_are_templates() -> None:
    assert "base.html" in TEMPLATES
