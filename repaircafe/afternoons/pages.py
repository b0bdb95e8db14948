"""The pages with forms: with what was typed and every fault, if something was refused."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from uuid import UUID, uuid4

from flask import Response, make_response, render_template, request

from repaircafe.afternoons import forms, open_repair, records
from repaircafe.afternoons.countries import country_of, named
from repaircafe.afternoons.forms import PREFIX, InvalidFormError
from repaircafe.afternoons.kinds import KINDS, POWERED, UNPOWERED
from repaircafe.afternoons.models import CORRECTABLE, HandIn, Result, Thing
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
"""The two parts of the form of a date's page, and the form of the export's."""


def date_page(
    event: Event, at: Collection[str] = (), faults: Mapping[str, Text] | None = None, status: int = 200
) -> Response:
    """A date with its numbers and its list of things. `at`: the parts that show what was typed, not what is stored.

    Faults without a status of an error are about the numbers that were typed beside a thing, which was recorded.
    """
    _tell(status, faults)
    first = next(iter(faults or {}), "")
    is_about_numbers = first in (*NUMBERS, "sentence")
    focus = f"{NUMBERS_FORM if is_about_numbers else THING_FORM}-{first}"
    page = render_template(
        "afternoons/show.html",
        suggested=list(dict.fromkeys([*records.words(db.session(), MAX_SUGGESTED_COUNT), *map(str, KINDS.values())])),
        is_removable=_is_removable(event),
        is_unsaved=bool(faults) and status == HTTPStatus.OK,
        **_of_date(event, at, faults, focus),
    )
    return make_response(page, status)


def next_thing(
    event: Event, at: Collection[str] = (), faults: Mapping[str, Text] | None = None, status: int = 200
) -> Response:
    """The same for htmx: the fields for the next thing, or for the refused one, and what a new thing changes elsewhere.

    The fields of the numbers are left as they are on the page. The first field for a thing gets the focus.
    """
    is_refused = status != HTTPStatus.OK
    focus = f"{THING_FORM}-{next(iter(faults)) if is_refused and faults else 'what'}"
    known = _of_date(event, at, faults if is_refused else None, focus)
    page = render_template(
        "afternoons/_recorded.html",
        status=status,
        is_unsaved=bool(faults) and not is_refused,
        is_current=known["seen"] == _seen_in_form(),
        **known,
    )
    return make_response(page, status)


def _of_date(event: Event, at: Collection[str], faults: Mapping[str, Text] | None, focus: str) -> dict[str, object]:
    session, settings = db.session(), store().settings()
    summary = records.afternoon_of(session, event.id) or Summary(records.Numbers(), dict.fromkeys(Result, 0))
    more = set(CORRECTABLE) - {"what", "result"}
    is_sent = THING_FORM in at
    return {
        "event": event,
        "today": settings.now.date(),
        "summary": summary,
        "seen": version_of(summary.typed),
        "things": records.things(session, event.id),
        "thing_id": _id_in_form() if is_sent else uuid4(),
        "quick": quick_choices(settings),
        "of_list": records.OF_LIST,
        "is_more_open": is_sent and any(name in (faults or {}) or request.form.get(name) for name in more),
        "focus": focus,
        **_offered(at, faults),
    }


def _is_removable(event: Event) -> bool:
    is_over = event.occasion.is_over(store().settings().now)
    return is_over and not records.is_recorded(db.session(), event.id)


def thing_page(event: Event, thing: Thing, faults: Mapping[str, Text] | None = None, status: int = 200) -> Response:
    """A thing, to be corrected."""
    _tell(status, faults)
    page = render_template(
        "afternoons/thing.html",
        event=event,
        thing=thing,
        seen=version_of(thing.values()),
        **_offered((THING_FORM,) if faults else (), faults),
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
        **_offered((at,), faults),
    )
    return make_response(page, status)


def is_doubtful(thing: Thing) -> bool:
    """Whether anything in it looks like personal data."""
    return any(looks_personal(text) for text in open_repair.texts(thing))


def marked(thing: Thing) -> list[list[object]]:
    """Its texts with a mark on what looks like personal data."""
    return [list(parts_of(text)) for text in open_repair.texts(thing) if looks_personal(text)]


def _offered(at: Collection[str], faults: Mapping[str, Text] | None) -> dict[str, object]:
    """What the fields need."""
    words = {"RESULTS": RESULTS, "PILLS": PILLS, "BARRIERS": BARRIERS, "NUMBERS": NUMBERS, "KINDS": KINDS}
    limits = {"longest": MAX_LINE_CHARS, "longest_word": MAX_WORD_CHARS}
    kinds = {"POWERED": POWERED, "UNPOWERED": UNPOWERED}
    return {**words, **limits, **kinds, "at": at, "faults": faults or {}, "typed": request.form}


def _tell(status: int, faults: Mapping[str, Text] | None) -> None:
    if faults and status != HTTPStatus.OK:
        tell_program(status, faults)


def _id_in_form() -> UUID:
    return request.form.get("thing_id", type=UUID) or uuid4()


def _seen_in_form() -> str:
    """The version of the numbers that the fields of the page show now."""
    try:
        return version_of(forms.numbers(request.form))
    except InvalidFormError:
        return ""


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
