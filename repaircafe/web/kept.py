"""Pages that say the same to all visitors, but for a few values: rendered once, then filled in for each of them."""

import re
import uuid
from collections.abc import Callable, Hashable, Mapping

from flask import request, session
from jinja2.utils import LRUCache

from repaircafe.web.authentication import is_operator

FLASHES = "_flashes"
"""Where Flask's session keeps the messages for the next page."""


class KeptPages:
    """Keeps up to `most` pages. Rendering one takes longer than everything else that a visitor's request needs.

    The values that differ, such as the ids of a form, are given with each request. A kept page has holes in their
    places: ids that occur nowhere else.
    """

    def __init__(self, most: int, *names: str) -> None:
        self._pages = LRUCache(most)
        self._holes = {name: str(uuid.uuid4()) for name in names}

    def page(self, key: Hashable, render: Callable[[], str], values: Mapping[str, str]) -> str:
        """The page of that key, with these values. `render` is called if it is not kept, and has the values in place.

        `key` must hold everything else that the page shows. Longer values come first: they may contain shorter ones.
        """
        if not _says_the_same_to_all():
            return render()
        kept: str | None = self._pages.get(key)
        if kept is None:
            page = render()
            self._pages[key] = self._with_holes(page, values)
            return page
        for name in reversed(self._holes):
            kept = kept.replace(self._holes[name], values[name])
        return kept

    def _with_holes(self, page: str, values: Mapping[str, str]) -> str:
        """The page with a hole for each value, made in one pass: a hole may contain a short value by chance."""
        holes = {values[name]: hole for name, hole in self._holes.items() if values[name]}
        if not holes:
            return page
        return re.sub("|".join(map(re.escape, holes)), lambda found: holes[found[0]], page)


def _says_the_same_to_all() -> bool:
    return not (is_operator() or request.query_string or FLASHES in session)
