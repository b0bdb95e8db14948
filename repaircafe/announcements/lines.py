"""The organiser's own line in a text: where it stands, which one a text has, and how a new one takes its place."""

from collections.abc import Iterable

from repaircafe.announcements.texts import Format, sentence


def with_line(form: str, words: str, line: str) -> str:
    """The text with the organiser's line at its end: on a poster a line of its own, elsewhere a sentence."""
    if not line:
        return words
    return f"{words}\n{line}" if form == Format.POSTER else f"{sentence(words)} {sentence(line)}".lstrip()


def line_in(words: str, lines: Iterable[str | None]) -> str | None:
    """Which of the lines the text has; the longest one, because a line may have grown from another. None if none."""
    return max((one for one in lines if one and one in words), key=len, default=None)


def with_new_line(form: str, words: str, old: str | None, new: str) -> str:
    """The text with `new` in the place of `old`; at its end if it does not have the old one. An empty one goes."""
    if not old or old not in words:
        return words if new and new in words else with_line(form, words.rstrip(), new)
    before, _old, after = words.partition(old)
    if not new or new in before + after:
        after = after if old.endswith((".", "!", "?", "…")) else after.removeprefix(".")
        return f"{before.rstrip()}{after}" if before.strip() else after.lstrip()
    ends_twice = after.startswith(".") and sentence(new) == new
    return f"{before}{new}{after[1:] if ends_twice else after}"
