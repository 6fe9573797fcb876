"""What the report knows of topics: the finest ones of the run, and which of them each dataset is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from r2d2.semantics.labels.rights import allows
from r2d2.semantics.look_alikes.kept import LookAlike

if TYPE_CHECKING:
    from r2d2.semantics.topics.kept import KeptTopic, Member

#: Words that stand in for a name that may hold cell values.
_WORDS = 3


@dataclass(frozen=True)
class TopicName:
    """What a topic is called: text of the lake, or of a language model.

    Attributes:
        above: the name of the topic that it is a part of; empty where that is the whole lake.
    """

    name: str
    above: str = ""


@dataclass(frozen=True)
class Topics:
    """Topics of the finest level.

    Attributes:
        names: those of one broader topic follow each other.
        of: the index of each dataset's topic, by the dataset's id.
        look_alikes: pairs that look alike but whose columns differ in name, in order.
    """

    names: tuple[TopicName, ...] = ()
    of: Mapping[str, int] = field(default_factory=dict)
    look_alikes: tuple[LookAlike, ...] = ()


def topics_in(kept: Sequence[KeptTopic], members: Sequence[Member], show_values: bool) -> Topics:
    """The topics of a run; none where all datasets are in one.

    Args:
        show_values: whether names are shown that a language model wrote from cell values, or from what is not known;
            else words of the lake's names stand there.
    """
    known = {topic.topic: topic for topic in kept}
    used = {member.topic for member in members if member.topic in known and known[member.topic].parent}
    named = {name: _named(known[name], known, show_values) for name in used}
    order = sorted(named, key=lambda name: (named[name].above.casefold(), named[name].name.casefold(), name))
    place = {name: number for number, name in enumerate(order)}
    of = {member.dataset: place[member.topic] for member in members if member.topic in place}
    return Topics(tuple(named[name] for name in order), of)


def _named(topic: KeptTopic, known: Mapping[str, KeptTopic], show_values: bool) -> TopicName:
    above = known.get(topic.parent)
    return TopicName(called(topic, show_values), called(above, show_values) if above and above.parent else "")


def called(topic: KeptTopic, show_values: bool) -> str:
    """A topic's name; words of the lake in place of one that a language model wrote from cell values.

    Args:
        show_values: whether these are shown.
    """
    if show_values or not topic.by or allows("facts", topic.told):
        return topic.name
    return ", ".join(topic.terms[:_WORDS]) or topic.topic
