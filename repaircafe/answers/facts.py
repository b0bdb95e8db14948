"""The facts beside a reply as plain values: they are kept with it, so that they stay as they were when it was given."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from repaircafe.answers.topics import Topic
from repaircafe.settings.definitions import Settings

_KEYS: Mapping[Topic, tuple[str, ...]] = MappingProxyType(
    {
        Topic.WHEN: ("event_date", "event_start", "event_end"),
        Topic.WHERE: ("event_location", "cafe_town"),
        Topic.COST: ("cost",),
        Topic.OFFERINGS: ("event_offerings", "not_repaired"),
        Topic.APPOINTMENT: ("appointment", "appointment_note"),
    }
)
"""The settings that say something about a topic."""


@dataclass(frozen=True)
class Fact:
    """What the settings say about a topic. `settings` has nothing else."""

    topic: Topic
    settings: Settings

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> Self:
        """The fact that was stored as JSON."""
        return cls(Topic(stored["topic"]), Settings.of(stored))


def facts_of(topics: Iterable[Topic], values: Mapping[str, str]) -> list[dict[str, str]]:
    """What the settings say about these topics, to be stored as JSON; nothing about a topic that is not set.

    `values` are the canonical texts of the settings. A date that is over is no fact.
    """
    return [{"topic": topic.value, **found} for topic in topics if (found := dict(_set(topic, values)))]


def _set(topic: Topic, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if topic is not Topic.WHEN or Settings.of(values).next_date is not None:
        yield from ((key, value) for key in _KEYS[topic] if (value := values.get(key)))
