"""What another tab or a program has changed since a page showed the texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repaircafe.announcements.pages import Card, Desk
from repaircafe.announcements.texts import MONTH, Format
from repaircafe.web.negotiation import version_of

FORMATS = (MONTH, *Format)
"""The order in which the cards stand on the page."""


@dataclass(frozen=True)
class Elsewhere:
    """The texts that are no longer as the page shows them. `is_moved`: the page is about another date."""

    changed: Mapping[str, Card] = field(default_factory=dict)
    is_moved: bool = False

    @property
    def version(self) -> str:
        """A digest of it, by which the page knows whether it says so already."""
        return version_of((self.is_moved, [(form, card.shown) for form, card in self.changed.items()]))


def elsewhere(desk: Desk, pages: Sequence[str], shown: Sequence[str]) -> Elsewhere:
    """Compares what a page shows, in the order of FORMATS, with what is stored now. Its own changes do not count.

    After a change of the line for the month, the texts from the settings are not compared: they follow that line.
    """
    if desk.day is None or len(pages) != len(FORMATS) or len(shown) != len(FORMATS):
        return Elsewhere()
    changed, is_following = dict[str, Card](), False
    for form, page, version in zip(FORMATS, pages, shown, strict=True):
        card = Card(desk, form, desk.day)
        is_own = card.kept is not None and str(card.kept.page) == page
        if card.shown == version or (is_following and card.kept is None):
            continue
        if not is_own:
            changed[form] = card
        is_following = is_following or form == MONTH
    return Elsewhere(changed)
