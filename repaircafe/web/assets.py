"""The addresses of the static files, and the icons: every page has many of both, so each is written only once."""

from functools import cache

from flask import Flask, url_for
from markupsafe import Markup


def init_app(app: Flask) -> None:
    """Gives the templates `static(name)` and `icon(name)`."""
    app.jinja_env.globals.update(static=static, icon=icon)


@cache
def static(name: str) -> str:
    """The address of a file in static/."""
    return url_for("static", filename=name)


@cache
def icon(name: str) -> Markup:
    """One of the drawings in static/icons.svg. It is never read aloud, because words stand beside it."""
    drawing = Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>')
    return drawing.format(static("icons.svg"), name)
