"""The pages with forms: with what was typed and every fault, if something was refused."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID, uuid4

from flask import Response, make_response, render_template, request

from repaircafe.afternoons import open_repair, records
from repaircafe.afternoons.countries import country_of, named
from repaircafe.afternoons.forms import PREFIX
from repaircafe.afternoons.kinds import KINDS, POWERED, UNPOWERED
from repaircafe.afternoons.models import HandIn, Result, Thing
from repaircafe.afternoons.personal import looks_personal, parts_of
from repaircafe.afternoons.records import Summary
from repaircafe.afternoons.words import BARRIERS, NUMBERS, PILLS, RESULTS, quick_choices
from repaircafe.database.tables import db
from repaircafe.events.models import Event
from repaircafe.limits import MAX_LINE_CHARS, MAX_SUGGESTED_COUNT, MAX_WORD_CHARS
from repaircafe.neighbours.report import Text
from repaircafe.settings.definitions import Settings
from repaircafe.settings.store import store
from repaircafe.web.errors import tell_program
from repaircafe.web.negotiation import version_of

NUMBERS_FORM, THING_FORM, CAFE_FORM = "numbers", "thing", "cafe"
"""The forms of a date's page, and the form of the export's."""


def date_page(event: Event, at: str = "", faults: Mapping[str, Text] | None = None, status: int = 200) -> Response:
    """A date with its numbers and its list of things. `at`: the form that was refused."""
    _tell(status, faults)
    session = db.session()
    summary = records.afternoon_of(session, event.id) or Summary(records.Numbers(), dict.fromkeys(Result, 0))
    settings = store().settings()
    page = render_template(
        "afternoons/show.html",
        event=event,
        today=settings.now.date(),
        summary=summary,
        seen=version_of(summary.typed),
        things=records.things(session, event.id),
        thing_id=_id_in_form() if at == THING_FORM else uuid4(),
        suggested=list(dict.fromkeys([*records.words(session, MAX_SUGGESTED_COUNT), *map(str, KINDS.values())])),
        quick=quick_choices(settings),
        of_list=records.OF_LIST,
        at=at,
        **_offered(faults),
    )
    return make_response(page, status)


def thing_page(event: Event, thing: Thing, faults: Mapping[str, Text] | None = None, status: int = 200) -> Response:
    """A thing, to be corrected."""
    _tell(status, faults)
    page = render_template(
        "afternoons/thing.html",
        event=event,
        thing=thing,
        seen=version_of(thing.values()),
        at=THING_FORM if faults else "",
        **_offered(faults),
    )
    return make_response(page, status)


def hand_in_page(at: str = "", faults: Mapping[str, Text] | None = None, status: int = 200) -> Response:
    """What an export would hold, what to correct before it, and what it says about the café. `at`: as above."""
    _tell(status, faults)
    session = db.session()
    known, brought = records.hand_in(session), records.handed_in(session)
    page = render_template(
        "afternoons/open_repair.html",
        known=known,
        cafe=known or _suggested(store().settings()),
        countries=named(),
        brought=[(one, day) for one, day in brought if one.kind in POWERED],
        kindless=[(one, day) for one, day in brought if one.kind not in KINDS],
        doubtful=[(one, day, marked(one)) for one, day in brought if one.kind in POWERED and is_doubtful(one)],
        unpowered=_counted(brought),
        years=sorted({day.year for _one, day in brought}, reverse=True),
        at=at,
        **_offered(faults),
    )
    return make_response(page, status)


def is_doubtful(thing: Thing) -> bool:
    """Whether anything in it looks like personal data."""
    return any(looks_personal(text) for text in open_repair.texts(thing))


def marked(thing: Thing) -> list[list[object]]:
    """Its texts with a mark on what looks like personal data."""
    return [list(parts_of(text)) for text in open_repair.texts(thing) if looks_personal(text)]


def _offered(faults: Mapping[str, Text] | None) -> dict[str, object]:
    """What the fields need."""
    words = {"RESULTS": RESULTS, "PILLS": PILLS, "BARRIERS": BARRIERS, "NUMBERS": NUMBERS, "KINDS": KINDS}
    limits = {"longest": MAX_LINE_CHARS, "longest_word": MAX_WORD_CHARS}
    kinds = {"POWERED": POWERED, "UNPOWERED": UNPOWERED}
    return {**words, **limits, **kinds, "faults": faults or {}, "typed": request.form}


def _tell(status: int, faults: Mapping[str, Text] | None) -> None:
    if faults:
        tell_program(status, faults)


def _id_in_form() -> UUID:
    return request.form.get("thing_id", type=UUID) or uuid4()


def _counted(brought: Sequence[tuple[Thing, date]]) -> Mapping[str, Mapping[Result, int]]:
    """How many unpowered things of each kind had each result."""
    counted = open_repair.unpowered(brought)
    kinds = [kind for kind in UNPOWERED if any(kind == one for one, _result in counted)]
    return {kind: {result: counted.get((kind, result), 0) for result in Result} for kind in kinds}


def _suggested(settings: Settings) -> HandIn:
    """What the form has in it before it was ever saved."""
    plain = unicodedata.normalize("NFKD", settings.cafe_name.lower())  # an accent is a character of its own then
    letters = "".join(one for one in plain if PREFIX.fullmatch(one * 2))[:40]
    country = country_of(settings.event_zone.key)
    return HandIn(prefix=letters, country=country, group_identifier=settings.cafe_name, data_provider="")
