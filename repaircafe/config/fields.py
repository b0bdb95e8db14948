"""The fields of the settings page that are no plain text field: what the form sent, and what the page shows."""

from werkzeug.datastructures import MultiDict

from repaircafe.environment import comma_list
from repaircafe.settings.keys import KEYS, Key

OWN = "own"
"""The choice "in my own words"; the text field of these words has this name behind the key's."""


def typed(form: MultiDict[str, str]) -> dict[str, str]:
    """The text of every setting in a form. A browser without scripts sends the same."""
    return {name: _text(key, form) for name, key in KEYS.items()}


def own_words(key: Key, text: str) -> str:
    """The part of a value that is none of the key's options."""
    entries = comma_list(text) if key.is_list else [text]
    return ", ".join(one for one in entries if one not in key.options)


def chosen(key: Key, text: str) -> list[str]:
    """The options in a value, with OWN if the value is the organiser's own words."""
    found = [one for one in (comma_list(text) if key.is_list else [text]) if one in key.options]
    return found or ([OWN] if text and not key.is_list else [])


def _text(key: Key, form: MultiDict[str, str]) -> str:
    own = form.get(f"{key.name}.{OWN}", "")
    if key.kind == "tiles":
        return ", ".join(one for one in (*form.getlist(key.name), own) if one.strip())
    choice = form.get(key.name, "")
    return own if key.kind == "words" and choice in ("", OWN) else choice


def is_unchanged(key: Key, text: str, before: str | None) -> bool:
    """Whether a form sent what its page had shown. A list of tiles comes in the order of the page."""
    if key.kind == "tiles" and before is not None:
        return sorted(comma_list(text)) == sorted(comma_list(before))
    return text == before
