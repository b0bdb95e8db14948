"""The explanation of every reason: a sentence, and what the organiser can do. All pages and commands use this module.

Each neighbour has its own words: `database/explanations.py`, `llm/explanations.py`, `mail/explanations.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from repaircafe.neighbours.report import Neighbour, Reason, Text


@dataclass(frozen=True)
class Explanation:
    """A reason in words: what does not work, and what to do. `endpoint`: the view that helps; `button`: its label."""

    sentence: Text
    cure: Text
    endpoint: str | None = None
    button: Text = ""


@dataclass(frozen=True)
class NeighbourWords:
    """The words for one neighbour."""

    name: Text
    """As a heading."""
    subject: Text
    """As the first words of a sentence."""
    still_works: Text
    """What a visitor can still do while it does not work."""
    restart: Text
    """What to do when it is broken."""
    explanations: Mapping[Reason, Explanation]
    """Its own words for some reasons."""


SERVES = frozenset({Reason.SCHEMA_NEWER, Reason.SCHEMA_DRIFT, Reason.SLOW})
"""The reasons with which the database can still be read and written."""

_words: dict[Neighbour, NeighbourWords] = {}
_general: dict[Neighbour, Mapping[Reason, Explanation]] = {}


def register(neighbour: Neighbour, words: NeighbourWords) -> None:
    """Stores the words for a neighbour; create_app does this before anybody asks for them."""
    _words[neighbour] = words
    _general[neighbour] = _shared(words.subject, words.restart)


def explain(neighbour: Neighbour, reason: Reason) -> Explanation:
    """The sentence and the cure for a neighbour's reason. Every neighbour has one for every reason."""
    general = _general[neighbour]
    return _words[neighbour].explanations.get(reason) or general.get(reason) or general[Reason.INTERNAL]


def neighbour_name(neighbour: Neighbour) -> Text:
    """The neighbour's name, as a heading."""
    return _words[neighbour].name


def still_works(neighbour: Neighbour, reason: Reason, *, alone: bool) -> Text:
    """What a visitor can still do although a neighbour has a problem; `alone`: the others have none.

    Empty if the problem of another neighbour decides.
    """
    if not alone and (neighbour is not Neighbour.DB or reason in SERVES):
        return ""
    if neighbour is Neighbour.DB and reason in SERVES:
        return _l("Everything still works.")
    return _words[neighbour].still_works


def _shared(it: Text, restart: Text) -> Mapping[Reason, Explanation]:
    """The explanations that all neighbours share: `it` is the subject, `restart` the cure if it is broken."""
    return {
        Reason.UNREACHABLE: Explanation(
            _l("%(it)s is not reachable through the network.", it=it), _l("Check cable and Wi-Fi, then test again.")
        ),
        Reason.TIMEOUT: Explanation(
            _l("%(it)s does not answer in time.", it=it),
            _l("Check that its computer is on and not overloaded, then test again."),
        ),
        Reason.RESET: Explanation(_l("%(it)s broke off the connection.", it=it), restart),
        Reason.TLS: Explanation(
            _l("%(it)s allows no secure connection.", it=it),
            _l("Check that the address begins with the right http:// or https://."),
        ),
        Reason.HTTP_ERROR: Explanation(_l("%(it)s answers with an error.", it=it), restart),
        Reason.BAD_ANSWER: Explanation(
            _l("%(it)s sent something that we cannot read.", it=it),
            _l("Check the address; another program may be answering there."),
        ),
        Reason.TOO_LARGE: Explanation(
            _l("%(it)s sent far more than we asked for.", it=it),
            _l("Check the address; another program may be answering there."),
        ),
        Reason.REDIRECTED: Explanation(
            _l("%(it)s redirects us, and we do not follow.", it=it), _l("Check the address, then test again.")
        ),
        Reason.NOT_CHECKED: Explanation(_l("Not checked yet."), _l("Being checked; this page says more in a moment.")),
        Reason.SETTINGS_UNKNOWN: Explanation(
            _l("Its settings cannot be read while the database is not reachable."), _l("Bring the database back first.")
        ),
        Reason.BUSY: Explanation(_l("The previous test is still running."), _l("Wait a few seconds, then test again.")),
        Reason.INTERNAL: Explanation(
            _l("The check itself failed; this is our fault."), _l("The log says more: journalctl -u repaircafe")
        ),
    }
