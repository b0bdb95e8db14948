"""The visitors' page."""

from flask import Blueprint, render_template

from repaircafe.config.keys import Settings
from repaircafe.config.store import store

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def show() -> str:
    """The next repair café, as far as it is known."""
    stored = store().stored()
    return render_template(
        "home/show.html", settings=stored.settings if stored else Settings(), known=stored is not None
    )
