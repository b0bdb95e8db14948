"""What a text of the model says against or beside the settings, and the words for it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from repaircafe.facts.claims import Account, Kind, Verdict
from repaircafe.facts.stored import StoredFinding, findings
from repaircafe.facts.wording import facts_of
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings
from repaircafe.web.languages import language, locale_of

if TYPE_CHECKING:
    from repaircafe.facts.replacing import Replacing

KINDS: Mapping[Kind, Text] = MappingProxyType(
    {
        Kind.DATE: _l("a date"),
        Kind.WEEKDAY: _l("a day of the week"),
        Kind.RECURRENCE: _l("a rule for dates"),
        Kind.TIME: _l("a time"),
        Kind.PLACE: _l("a place"),
        Kind.STREET_NUMBER: _l("an address"),
        Kind.POSTCODE: _l("a postcode"),
        Kind.PRICE: _l("a price"),
        Kind.EMAIL: _l("an e-mail address"),
        Kind.WEB: _l("a web address"),
        Kind.PHONE: _l("a telephone number"),
        Kind.IBAN: _l("a bank account"),
        Kind.PLACEHOLDER: _l("a gap to fill in"),
        Kind.NAME: _l("a name"),
        Kind.NUMBER: _l("a number"),
    }
)
"""What a finding is about, as a page says it."""


def comparison(settings: Settings) -> Callable[[str, str], Account]:
    """Compares texts with the settings. Takes a text and the code of its language, which is empty if it is unknown."""
    # Imported here: the grammars take 25 ms of processor time, which no start needs.
    from repaircafe.facts import check  # noqa: PLC0415

    facts = check.known(settings, settings.now.date())
    return lambda text, language: check.account(text, facts, language)


def replacing(settings: Settings, line: str) -> "Replacing":
    """Compares texts with the settings and the organiser's own line, and knows what belongs in the place of errors."""
    from repaircafe.facts.replacing import Replacing  # noqa: PLC0415  as above

    return Replacing(settings, line)


def compared(text: str, settings: Settings) -> Account:
    """Every claim in a text of unknown language."""
    return comparison(settings)(text, "")


def as_json(account: Account) -> list[dict[str, Any]]:
    """The findings of an account, to be stored: see StoredFinding.read."""
    return [asdict(one) for one in findings(account)]


def known(finding: StoredFinding) -> Text:
    """What the settings say about a finding, for the organiser."""
    facts = _facts(finding)
    if not facts:
        return _("Your settings say nothing about this.")
    return _("According to your settings: %(facts)s.", facts=facts)


def to_visitor(finding: StoredFinding) -> Text:
    """What the settings say about a finding, for a visitor."""
    facts = _facts(finding)
    return _("The organiser says: %(facts)s.", facts=facts) if facts else _("The organiser has not said this.")


def _facts(finding: StoredFinding) -> str:
    return ", ".join(facts_of(finding.kind, finding.values, locale_of(language())))


def summary(account: Account) -> Text:
    """How many claims agree, contradict and are unknown, in one line. Empty for a text without claims."""
    agree, contradict, unknown = (account.count(one) for one in Verdict)
    if not account.entries:
        return _("The text says nothing that could be compared with your settings.")
    said = [
        ngettext("%(num)d agrees", "%(num)d agree", agree),
        ngettext("%(num)d contradicts", "%(num)d contradict", contradict),
        ngettext("%(num)d is not in them", "%(num)d are not in them", unknown),
    ]
    return _("Compared with your settings: %(said)s.", said=", ".join(said))
