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


def test_there_are_templates() -> None:
    assert "base.html" in TEMPLATES
