"""What this process has learned about a model: what its server refuses, and how it ends its reasoning.

Only the process's memory has it: after a restart the first request learns it again.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from repaircafe.llm.too_long import too_long
from repaircafe.neighbours.http import Answer, RefusedError
from repaircafe.neighbours.report import NeighbourError

Request = dict[str, Any]

LATEST = ":latest"
MAX_VAIN_COUNT = 2
MAX_KNOWN_COUNT = 200
"""Models, and servers: far more than an organiser tries."""

_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt)s?[^.]{0,20}not[^.]{0,10}(?:supported|allowed)"  # Gemma's template
    r"|only user[^.]{0,30} roles are supported"  # Mistral's
    r"|roles must alternate"  # Llama 2's and Mistral's, which count the system's message as a turn
    r"|(?:unsupported|unexpected|unknown|invalid) (?:message )?role[^.]{0,10}system",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"unknown|unrecogni[sz]ed|unsupported|unexpected|extra|not (?:supported|permitted|allowed|support)|invalid",
    re.IGNORECASE,
)
"""How servers say that they do not know an option."""


@dataclass
class Quirks:
    """What one model of one server needs."""

    folds_system: bool = False
    """Its template has no system message: the system's text goes into the first question."""
    left_out: frozenset[str] = frozenset()
    """The options that its server refuses."""
    is_untagged: bool = False
    """Its server lists it with `:latest`, and only answers to the name without: LocalAI before August 2026."""
    separates: bool = False
    """Its server has sent a reasoning in its own field and then an answer: that field is never an answer."""
    holds: bool = False
    """It ends its reasoning with a tag but begins it without one, so its text is held until that tag."""
    is_template_read: bool = False
    """Whether its server has been asked if the model's template begins the reasoning."""
    begins_none: bool = False
    """Its server has shown that the template begins no reasoning. A tag in a text is then something that it says."""
    held_in_vain: int = 0
    """How many replies in a row were held and had no tag. A visitor may have had the model say it once."""

    def read_template(self, begins_reasoning: Callable[[], bool | None]) -> None:
        """Learns before the first reply whether to hold it. `begins_reasoning` returns None if the server has no route.

        Only few servers have a route for it. Of a model of another one, the first reasoning without a beginning is
        shown until its end, and stays if the reply is stopped or cut before that: until then it looks like an answer.
        """
        if self.is_template_read:
            return
        try:
            begins = begins_reasoning()
        except NeighbourError:  # the question meets the same fault, and says so
            return
        self.is_template_read, self.begins_none = True, begins is False
        self.holds = self.holds if begins is None else begins

    def note_end_alone(self) -> None:
        """Learns from a text that ended a reasoning without having begun one."""
        self.holds = self.holds or not self.begins_none

    def note_end(self, *, was_held_in_vain: bool) -> None:
        """Learns from a complete reply: after MAX_VAIN_COUNT without the tag, nothing is held any more."""
        self.held_in_vain = self.held_in_vain + 1 if was_held_in_vain else 0
        self.holds = self.holds and self.held_in_vain < MAX_VAIN_COUNT


_known: dict[tuple[str, str], Quirks] = {}
_versions: dict[str, str] = {}


def of(endpoint: str, model: str) -> Quirks:
    """What is known about the model; whoever learns more changes it."""
    if len(_known) > MAX_KNOWN_COUNT:
        _known.clear()
    return _known.setdefault((endpoint, model), Quirks())


def note_version(endpoint: str, version: str) -> None:
    """Remembers the version that a server has just told."""
    if len(_versions) > MAX_KNOWN_COUNT:
        _versions.clear()
    _versions[endpoint] = version


def version_of(endpoint: str) -> str:
    """The version that the server told when it was last recognised; empty if it was not."""
    return _versions.get(endpoint, "")


def forget() -> None:
    """Forgets everything, as a new process does."""
    _known.clear()
    _versions.clear()


def send(
    post: Callable[[Request], Iterator[bytes]],
    request: Request,
    quirks: Quirks,
    options: Mapping[str, bool],
) -> Iterator[bytes]:
    """The lines of the answer. If a changed request cures a refusal, sends that, and remembers it if it is accepted.

    `options` are those that the server may not know. True: it is left out as well if a refusal names none of them.
    Raises RefusedError.
    """
    before = replace(quirks)
    while True:
        try:
            yield from post(_adapted(request, quirks))
        except RefusedError as error:
            if _learn(quirks, error.answer, request, options):
                continue
            quirks.folds_system, quirks.left_out = before.folds_system, before.left_out
            quirks.is_untagged = before.is_untagged
            raise
        return


def _learn(quirks: Quirks, answer: Answer, request: Request, options: Mapping[str, bool]) -> bool:
    """Whether the refusal taught something new. It does so only once for each quirk, so this ends."""
    if answer.status == 404 and not quirks.is_untagged:
        quirks.is_untagged = request["model"].lower().endswith(LATEST)
        return quirks.is_untagged
    said = answer.text
    if answer.status not in (400, 422, 500) or too_long(said) is not None:
        return False
    if not quirks.folds_system and request["messages"][0]["role"] == "system" and _NO_SYSTEM.search(said):
        quirks.folds_system = True
        return True
    if answer.status == 500:
        return False
    refused = _named(said, options.keys() - quirks.left_out)
    refused = refused or {name for name, is_suspect in options.items() if is_suspect} - quirks.left_out
    quirks.left_out |= refused
    return bool(refused)


def _named(said: str, names: Collection[str]) -> set[str]:
    if not _UNKNOWN.search(said):
        return set()
    return {name for name in names if re.search(rf"(?<![A-Za-z_]){name}(?:ing)?(?![A-Za-z_])", said)}


def _adapted(request: Request, quirks: Quirks) -> Request:
    found = {name: value for name, value in request.items() if name not in quirks.left_out}
    if quirks.is_untagged:
        found["model"] = found["model"][: -len(LATEST)]
    messages = found["messages"]
    if quirks.folds_system and len(messages) > 1 and messages[0]["role"] == "system":
        first = {**messages[1], "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
        found["messages"] = [first, *messages[2:]]
    return found
