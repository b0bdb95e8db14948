"""Reads hours, such as "14–17 Uhr", "2–5pm", "half drie", "ten past two", "de 14 h à 17 h 30"; and durations."""

from datetime import time
from typing import NamedTuple

from repaircafe.facts.claims import Claim, Kind
from repaircafe.facts.grammar import Found, Hit, Reading

_SHORT = 7
"""A number of hours below this is a duration, if nothing says that it is an hour of the day."""

_MINUTES = (5, 10, 20, 25)
"""The numbers that people say before "past" and "to" without the word for minutes."""


class Clock(NamedTuple):
    """An hour of the day, in minutes. `is_certain`: it can be nothing else than an hour. `half`: "am" or "pm"."""

    minutes: int
    start: int
    end: int
    is_certain: bool
    is_short: bool = False
    half: str = ""

    @property
    def values(self) -> set[time]:
        """Both halves of the day, if the hour is before noon and nothing says which half it is."""
        if self.half:
            found = {self.minutes % 720 + (720 if self.half == "pm" else 0)}
        else:
            found = {self.minutes, self.minutes + 720} if self.minutes < 720 else {self.minutes}
        return {time(one // 60 % 24, one % 60) for one in found}


def hours(reading: Reading, at: int) -> Found | None:
    """One hour, or a range of two, with the word before it."""
    lead = next((reading.roles(at)[one] for one in ("bare", "opens", "from", "at") if one in reading.roles(at)), None)
    start = lead.end if lead else at
    first = clock(reading, start, is_first=not lead)
    if not first and lead and (again := reading.get(start, "at", "about", "bare")):
        first = clock(reading, again.end)
    if not first:
        return None
    if second := _second(reading, first, has_lead=bool(lead)):
        return _range(reading, first, second)
    if "noon" in reading.roles(first.start) and start - at < 2 and reading.before(first.start, "of"):
        return [], first.end  # "soupe de midi"
    is_led = "at" in reading.roles(at) or "bare" in reading.roles(at) or "from" in reading.roles(at)
    if not _is_hour(reading, at, first, is_led=is_led):
        return None
    if first.is_short and first.minutes < 60 * _SHORT and "afterwards" in reading.roles(at):
        return [reading.claim(Kind.TIME, first.start, first.end)], first.end  # "na 2 uur" may be a time that passed
    begins = True if _says(reading, at, "opens") else False if _says(reading, at, "closes") else None
    return [_claim(reading, first, is_start=begins)], first.end


def _says(reading: Reading, at: int, role: str) -> bool:
    return role in reading.roles(at) or (reading.before(at, role) and not reading.is_sign(at - 1, ",:."))


def _is_hour(reading: Reading, at: int, found: Clock, *, is_led: bool) -> bool:
    if found.is_certain:
        if reading.get(found.end, "long"):
            return False
        return is_led or not found.is_short or found.minutes >= 60 * _SHORT
    is_day = reading.is_sign(found.end, ".") and reading.get(found.end + 1, "month")  # "bis 3. Januar"
    is_free = not is_day and (reading.is_free(found.end) or reading.get(found.end, "then") is not None)
    return bool(reading.roles(at).get("bare")) and is_free and not reading.get(found.end, "to", "-")


def _claim(reading: Reading, found: Clock, *, is_start: bool | None) -> Claim:
    more = {} if is_start is None else {"is_start": is_start}
    return reading.claim(Kind.TIME, found.start, found.end, *found.values, **more)


def _second(reading: Reading, first: Clock, *, has_lead: bool) -> Clock | None:
    """The end of a range that begins with `first`."""
    separator = reading.get(first.end, "to", "-", "and")
    if not separator:
        return None
    after = reading.skip(separator.end, "about", "at")
    second = clock(reading, after) or clock(reading, separator.end)
    is_address = second and reading.get(reading.skip(second.end, ","), "street first")
    if not second or (is_address and not second.is_certain):
        return None
    is_after_day = _is_after_day(reading, first.start)
    if not has_lead and not is_after_day and second.is_short and max(first.minutes, second.minutes) < 60 * _SHORT:
        return None
    is_certain = first.is_certain or second.is_certain
    is_joined = any(role in reading.roles(separator.start) for role in ("to", "-"))
    if not is_certain and (not reading.is_free(second.end) or not (has_lead or is_after_day)):
        return None
    if not is_joined and not has_lead and not (is_certain and not first.is_certain):
        return None
    is_long = reading.get(second.end, "long", "unit") is not None
    return None if is_long and not (has_lead and is_certain) else second


def _is_after_day(reading: Reading, at: int) -> bool:
    return reading.before(at, "weekday", "month", "opens", "year", "hours", "short")


def _range(reading: Reading, first: Clock, second: Clock) -> Found:
    half = first.half or (second.half if first.minutes % 720 < second.minutes % 720 else "")
    begins = first._replace(half=half) if first.minutes < 720 and half else first
    return (
        [
            _claim(reading, begins, is_start=True),
            _claim(reading, second, is_start=False),
        ],
        second.end,
    )


def clock(reading: Reading, at: int, *, is_first: bool = False) -> Clock | None:
    """The hour that begins there."""
    if at >= len(reading.tokens) or (not is_first and reading.get(at, "end") is None):
        return None
    found = _in_words(reading, at) or _in_figures(reading, at)
    if not found:
        return None
    end, half = found.end, found.half
    part = reading.get(reading.skip(end, "'"), "am", "pm")
    if not part:
        return found
    half = half or ("am" if "am" in reading.roles(part.start) else "pm")
    return found._replace(end=part.end, half=half, is_certain=True, is_short=False)


def _in_words(reading: Reading, at: int) -> Clock | None:
    """Noon, and hours with a part: "half drie", "kwart over twee", "viertel drei", "ten past two"."""
    roles = reading.roles(at)
    if hit := roles.get("noon"):
        past = _part_of_hour(reading, hit.end)
        minutes = 60 * int(hit.value) + (int(past.value) if past else 0)
        return Clock(minutes, at, past.end if past else hit.end, is_certain=True)
    if hit := roles.get("halfhour"):
        return Clock(60 * int(hit.value) - 30, at, hit.end, is_certain=True)
    for role, minutes in (("halfpast", 30), ("half", -30), ("threequarter", -15), ("quarter", -45)):
        hit = roles.get(role)
        hour = reading.get(hit.end, "hour") if hit else None
        is_british = (role, reading.language) == ("half", "en")  # there "half two" is half past two
        if hour and (role != "quarter" or reading.language in ("de", "")):
            return Clock(
                60 * int(hour.value) + (30 if is_british else minutes),
                at,
                reading.skip(hour.end, "clock"),
                is_certain=True,
            )
    return _beside(reading, at)


def _beside(reading: Reading, at: int) -> Clock | None:
    """Minutes before or after an hour, or before or after half of it: "tien over half drie"."""
    roles = reading.roles(at)
    minutes = roles.get("quarter") or roles.get("number")
    if not minutes:
        return None
    direction = reading.get(reading.skip(minutes.end, "minutes"), "past", "before")
    if not direction:
        return None
    size = 15 if "quarter" in roles else int(minutes.value)
    half = reading.get(direction.end, "half")
    hour = reading.get(half.end if half else direction.end, "hour")
    is_plain = "number" in roles and not reading.get(minutes.end, "minutes")
    if not hour or _goes_on(reading, hour.end) or (is_plain and (reading.is_number(at) or size not in _MINUTES)):
        return None
    whole = 60 * int(hour.value) - (30 if half else 0)
    size = -size if "before" in reading.roles(direction.start) else size
    return Clock((whole + size) % 1440, at, reading.skip(hour.end, "clock"), is_certain=True)


def _in_figures(reading: Reading, at: int) -> Clock | None:
    hour = reading.roles(at).get("hour")
    if not hour:
        return None
    number = int(hour.value)
    if found := _with_minutes(reading, hour):
        return found
    if half := _meridiem(reading, hour.end):
        return Clock(60 * number, at, half.end, is_certain=True, half=str(half.value)) if number <= 12 else None
    unit = reading.get(hour.end, "clock", "h")
    if not unit:
        return Clock(60 * number, at, hour.end, is_certain=False)
    if more := _part_of_hour(reading, unit.end):
        return Clock(60 * number + int(more.value), at, more.end, is_certain=True, is_short=True)
    is_clock = reading.tokens[unit.start].word in ("uhr", "o", "oclock")
    return Clock(60 * number, at, unit.end, is_certain=True, is_short=not is_clock)


def _part_of_hour(reading: Reading, at: int) -> Hit | None:
    """The minutes in words behind a whole hour: "et demie", "moins le quart", "trente"."""
    for role, minutes in (("quarter", 15), ("halfpast", 30), ("quarterto", -15)):
        if part := reading.get(at, role):
            return part._replace(value=minutes)
    more = reading.get(at, "number")
    is_word = more and not reading.is_number(at) and int(more.value) < 60 and reading.is_free(more.end)
    return more if is_word else None


def _meridiem(reading: Reading, at: int) -> Hit | None:
    """As in "am" or "pm"; "am" is German as well, so there it needs a number before it in figures that touches it."""
    half = reading.get(at, "meridiem")
    return half if half and not reading.get(half.end, "the", "weekday") else None


def _with_minutes(reading: Reading, hour: Hit) -> Clock | None:
    """As in "14:30", "14.30 Uhr", "14h30", "14 Uhr 30", "2.30pm"."""
    at, number = hour.start, int(hour.value)
    is_figure = reading.is_number(at)
    sign = reading.get(hour.end, ":", ".", is_glued=True) if is_figure else None
    unit = reading.get(hour.end, "h", "clock") if not sign else None
    minute = (
        reading.get(sign.end, "minute", is_glued=True) if sign else reading.get(unit.end, "minute") if unit else None
    )
    if not minute or number > 24 or not reading.is_number(minute.start):
        return None
    is_loose = bool(unit and reading.tokens[minute.start].gap)
    if _goes_on(reading, minute.end) or (is_loose and reading.get(minute.end, "month", "currency", "unit", "clock")):
        return None
    half = _meridiem(reading, minute.end)
    end = half.end if half else reading.skip(minute.end, "clock", "h")
    if sign and sign.value == "." and end == minute.end and not _can_be_hour(reading, at, int(minute.value)):
        return None
    if reading.get(end, "currency", "%", "cent"):
        return None
    return Clock(60 * number + int(minute.value), at, end, is_certain=True, half=str(half.value) if half else "")


def _goes_on(reading: Reading, at: int) -> bool:
    sign = reading.get(at, ":", ".", ",", is_glued=True)
    return sign is not None and reading.is_number(sign.end) and not reading.tokens[sign.end].gap


def _can_be_hour(reading: Reading, at: int, minute: int) -> bool:
    """Whether "14.00" without a word for the hour is one; "1.50" after "costs" and "3.12" after "room" are not."""
    return minute % 5 == 0 and not reading.before(at, "label", "costs", "currency", "item")


def duration(reading: Reading, at: int) -> Found | None:
    """A span of time: "half an hour", "duurt 1 tot 2 uur", "45 Minuten", "2 uur lang", "10 years"."""
    roles = reading.roles(at)
    lasts = roles.get("lasts") or _session(reading, at)
    end = _span(reading, reading.skip(lasts.end, "about") if lasts else at, is_first=not lasts)
    if not end:
        return None
    separator = reading.get(end, "to", "and", "-")
    more = _span(reading, separator.end, is_first=False) if separator else 0
    end = more or end
    return [reading.claim(Kind.DURATION, at, end)], end


def _session(reading: Reading, at: int) -> Hit | None:
    """As in "a workshop of" before a number of hours; but "a workshop of two to four o'clock" says when it is."""
    hit = reading.roles(at).get("session")
    of = reading.get(hit.end, "of", "from") if hit else None
    return Hit(0, at, of.end) if of else None


def _span(reading: Reading, at: int, *, is_first: bool) -> int:
    """The token after a span of time; 0 if there is none."""
    if at >= len(reading.tokens) or (not is_first and not reading.get(at, "end")):
        return 0
    if span := reading.roles(at).get("span"):
        return span.end
    number = _amount(reading, at)
    if not number:
        return 0
    size, end = number
    more = _amount(reading, reading.skip(end, "to", "and", "-")) if end < len(reading.tokens) else None
    if more and reading.get(more[1], "unit", "h"):
        size, end = more
    unit = reading.get(end, "unit", "h")
    if not unit:
        return 0
    is_hour = reading.get(unit.start, "clock", "h") is not None
    end = reading.skip(unit.end, "halfpast", "quarter")
    long = reading.get(end, "long")
    is_range = reading.get(unit.end, "to", "-") and reading.get(unit.end + 1, "hour", "noon")
    if is_hour and (is_range or (_SHORT <= size <= 24 and not long)):
        return 0
    return long.end if long else end


def _amount(reading: Reading, at: int) -> tuple[int, int] | None:
    hit = reading.roles(at) if at < len(reading.tokens) else {}
    if "digits" in hit:
        number = reading.number(at)
        end = at + 1
        if reading.is_sign(end, ".,'") and reading.is_number(end + 1) and not reading.tokens[end + 1].gap:
            end += 2
        end = reading.skip(end, "½", "¼", "¾")
        return (number if number is not None else 10_000), end
    word = hit.get("number") or hit.get("one")
    return (int(word.value), word.end) if word else None
