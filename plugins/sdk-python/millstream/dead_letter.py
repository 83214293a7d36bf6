"""The dead-letter kind: decides what happens to failed records.

A policy is a module (or any object) with a function `decide(failed)`, and
`configure(config)` if it has a configuration.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Callable, List, Sequence, Union

from ._author import current, function
from ._wire import NOTHING, Arena, Batch, Origin, Span, as_bytes, text_of
from ._wire import Header as WireHeader
from .record import Header, Record
from .route import push_headers


class FailedRecord:
    """A record that failed, and why. Use it only while it is handed to you."""

    __slots__ = (
        "_index",
        "attempts",
        "_stage",
        "_class",
        "_message",
        "_plugin",
        "_digest",
        "_batch",
        "record",
    )

    #: How many times it was tried, this failure included: 1 for the first.
    attempts: int
    #: The record, with all its bytes.
    record: Record
    _batch: Batch

    def __init__(
        self,
        record: int,
        attempts: int,
        stage: slice,
        class_: slice,
        message: slice,
        plugin: slice,
        digest: slice,
    ) -> None:
        self._index = record
        self.attempts = attempts
        self._stage = stage
        self._class = class_
        self._message = message
        self._plugin = plugin
        self._digest = digest

    @property
    def stage(self) -> str:
        """Where it failed: `ingest`, `transform`, `address`, `route` or `store`."""
        return text_of(self._batch.arena, self._stage)

    @property
    def class_(self) -> str:
        """The failure class, such as `malformed`, `transient` or `trap`."""
        return text_of(self._batch.arena, self._class)

    @property
    def message(self) -> str:
        """The message for people."""
        return text_of(self._batch.arena, self._message)

    @property
    def plugin(self) -> str:
        """The plugin that failed; empty if no plugin is to blame."""
        return text_of(self._batch.arena, self._plugin)

    @property
    def digest(self) -> str:
        """That plugin's digest, or empty."""
        return text_of(self._batch.arena, self._digest)


class Same(enum.Enum):
    """The type of `SAME`."""

    SAME = "same"


#: The record's value, byte for byte.
SAME = Same.SAME


@dataclass(frozen=True)
class Letter:
    """A dead letter. It keeps the record's key and headers, and the host adds
    `millstream.error.*`."""

    #: The topic, or None for the pipeline's default, `<topic>-dlq`.
    topic: Union[str, None] = None
    #: The value: the record's own, another one, or None for a tombstone.
    value: Union[bytes, str, None, Same] = SAME
    #: Headers to add.
    headers: Sequence[Header] = ()


@dataclass(frozen=True)
class ToTopic:
    """It goes to a Kafka topic."""

    letter: Letter = field(default_factory=Letter)


@dataclass(frozen=True)
class Reroute:
    """It goes to another topic, unchanged but for added headers, for another
    pipeline or program. The host adds `millstream.source` and no
    `millstream.error.*`."""

    topic: str
    headers: Sequence[Header] = ()


@dataclass(frozen=True)
class Retry:
    """It is retried after a delay. Its partition waits, so that order is kept.
    The pipeline limits the number and the duration."""

    milliseconds: int


@dataclass(frozen=True)
class Drop:
    """It is dropped and counted."""


@dataclass(frozen=True)
class Halt:
    """The partition halts."""


#: What happens to a failed record.
Decision = Union[ToTopic, Reroute, Retry, Drop, Halt]


class WireDecision:
    """A decision of an answer, by its numbers."""

    __slots__ = (
        "action",
        "delay_ms",
        "topic",
        "value_from",
        "value",
        "first_header",
        "header_count",
    )

    def __init__(self, action: int, first_header: int) -> None:
        self.action = action
        self.delay_ms = 0
        self.topic: Span = NOTHING
        self.value_from = 0
        self.value: Span = NOTHING
        self.first_header = first_header
        self.header_count = 0


class Answer:
    """One decision for each failure."""

    __slots__ = ("arena", "headers", "decisions")

    def __init__(
        self, arena: bytes, headers: List[WireHeader], decisions: List[WireDecision]
    ) -> None:
        self.arena = arena
        self.headers = headers
        self.decisions = decisions


def run(
    author: Any,
    arena: bytes,
    origin: Origin,
    records: List[Record],
    headers: List[Any],
    failures: List[FailedRecord],
) -> Answer:
    """Runs a policy over a batch's failures in the boundary's format."""
    decide: Callable[[FailedRecord], Decision] = author.decide
    batch = Batch(arena, origin, headers)
    out = Arena()
    out_headers: List[WireHeader] = []
    decisions: List[WireDecision] = []
    for failed in failures:
        index = failed._index
        current.record = index
        record = records[index]
        record._batch = failed._batch = batch
        failed.record = record
        decisions.append(_decision(out, out_headers, decide(failed)))
    return Answer(out.whole(), out_headers, decisions)


def _decision(
    out: Arena, headers: List[WireHeader], decided: Decision
) -> WireDecision:
    first = len(headers)
    if isinstance(decided, Drop):
        return WireDecision(2, first)
    if isinstance(decided, Halt):
        return WireDecision(3, first)
    if isinstance(decided, Retry):
        decision = WireDecision(1, first)
        decision.delay_ms = min(max(int(decided.milliseconds), 0), 0xFFFFFFFF)
        return decision
    if isinstance(decided, ToTopic):
        return _letter(out, headers, WireDecision(0, first), decided.letter)
    if isinstance(decided, Reroute):
        letter = Letter(topic=decided.topic, headers=decided.headers)
        return _letter(out, headers, WireDecision(4, first), letter)
    raise TypeError(
        "decide must return ToTopic(...), Reroute(...), Retry(...), Drop() or Halt(), "
        f"not {getattr(decided, '__name__', type(decided).__name__)}"
    )


def _letter(
    out: Arena, headers: List[WireHeader], decision: WireDecision, letter: Letter
) -> WireDecision:
    if letter.topic is not None:
        decision.topic = out.push_text(letter.topic, "the topic")
    if letter.value is not SAME:
        decision.value_from = 1
        decision.value = out.push_option(as_bytes(letter.value, "the value"))
    decision.header_count = push_headers(out, headers, letter.headers)
    return decision


def check(author: Any) -> None:
    """Refuses an author without the function."""
    function(author, "decide", "decide(failed)")
