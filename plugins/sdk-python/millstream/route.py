"""The route kind: where each event goes.

A route is a module (or any object) with a function `route(event)`, and
`configure(config)` if it has a configuration. `needs = Needs(...)` beside it asks
for more than the event's address and type.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Callable, List, Optional, Sequence, Union

from ._author import current, function
from ._wire import (
    NOTHING,
    Arena,
    Batch,
    Origin,
    Span,
    as_bytes,
    bytes_of,
    encoded,
    text_of,
)
from ._wire import Header as WireHeader
from .failure import Failure
from .record import Header, Record

_GROUP = 1


@dataclass(frozen=True)
class Needs:
    """What a route needs to know of each event beside its address and type."""

    #: Whether the client is connected (a group always counts as connected). Costs
    #: one look-up per batch in the store.
    connected: bool = False
    #: The payload.
    payload: bool = False
    #: The record's key and headers.
    record: bool = False

    @property
    def value(self) -> int:
        """The contract's bits."""
        return self.connected | self.payload << 1 | self.record << 2


class Deliver(enum.Enum):
    """Whether an event goes to the stream of its client or group."""

    #: Not to the stream.
    NO = 0
    #: As the pipeline's `deliver` says.
    AS_CONFIGURED = 1
    #: Always, even while the client is away.
    ALWAYS = 2
    #: Only while the client is connected; a group's event always.
    WHILE_CONNECTED = 3


@dataclass(slots=True)
class Destination:
    """Where an event goes: to the stream of its client or group, to a topic, to
    both, or (with `Deliver.NO` and no topic) nowhere."""

    #: The delivery to the stream.
    deliver: Deliver = Deliver.AS_CONFIGURED
    #: A Kafka topic that receives the event's payload. The pipeline must grant it.
    topic: Optional[str] = None
    #: The key of the record there. Text becomes UTF-8.
    key: Union[bytes, str, None] = None
    #: Headers of the record there, beside the host's `millstream.*`.
    headers: Sequence[Header] = ()


class RoutedEvent:
    """An event to route. Use it only while it is handed to you."""

    __slots__ = (
        "_index",
        "_connected",
        "_address_kind",
        "_address",
        "_event_type",
        "_payload",
        "_batch",
        "_record",
    )

    _batch: Batch
    _record: Record

    def __init__(
        self,
        record: int,
        connected: int,
        address_kind: int,
        address: slice,
        event_type: slice,
        payload: slice,
    ) -> None:
        self._index = record
        self._connected = connected
        self._address_kind = address_kind
        self._address = address
        self._event_type = event_type
        self._payload = payload

    @property
    def name(self) -> str:
        """The client's id or the group's name."""
        return text_of(self._batch.arena, self._address)

    @property
    def client(self) -> Optional[str]:
        """The client's id; None for a group's event."""
        return None if self._address_kind == _GROUP else self.name

    @property
    def group(self) -> Optional[str]:
        """The group's name; None for a client's event."""
        return self.name if self._address_kind == _GROUP else None

    @property
    def kind(self) -> str:
        """The event's type; may be empty."""
        return text_of(self._batch.arena, self._event_type)

    @property
    def connected(self) -> bool:
        """Whether the client is connected now; always true for a group's event;
        false without `Needs(connected=True)`."""
        return self._connected != 0

    @property
    def payload(self) -> bytes:
        """The payload; empty without `Needs(payload=True)`."""
        return bytes_of(self._batch.arena, self._payload) or b""

    @property
    def record(self) -> Record:
        """The record that it was made of: topic, partition, offset and timestamp;
        key and headers only with `Needs(record=True)`, never the value."""
        return self._record


class WireDecision:
    """A decision of an answer, by its numbers."""

    __slots__ = ("stream", "topic", "key", "first_header", "header_count", "refused")

    def __init__(self, stream: int, first_header: int) -> None:
        self.stream = stream
        self.topic = NOTHING
        self.key = NOTHING
        self.first_header = first_header
        self.header_count = 0
        self.refused: Span = NOTHING


class Answer:
    """One decision for each event."""

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
    events: List[RoutedEvent],
) -> Answer:
    """Runs a route over a batch's events in the boundary's format."""
    route: Callable[[RoutedEvent], Any] = author.route
    batch = Batch(arena, origin, headers)
    out, out_headers = Arena(), []  # type: ignore[var-annotated]
    decisions: List[WireDecision] = []
    for event in events:
        index = event._index
        current.record = index
        record = records[index]
        record._batch = event._batch = batch
        event._record = record
        try:
            destination = route(event)
        except Failure as failure:
            decision = WireDecision(0, len(out_headers))
            decision.refused = out.push(str(failure.message).encode(errors="replace"))
        else:
            decision = _decision(out, out_headers, destination)
        decisions.append(decision)
    return Answer(out.whole(), out_headers, decisions)


def _decision(
    out: Arena, headers: List[WireHeader], destination: Any
) -> WireDecision:
    if type(destination) is not Destination:
        raise TypeError(
            f"route must return a Destination, not {type(destination).__name__}"
        )
    decision = WireDecision(destination.deliver.value, len(headers))
    if destination.topic is not None:
        decision.topic = out.push_text(destination.topic, "the topic")
        decision.key = out.push_option(as_bytes(destination.key, "the key"))
        decision.header_count = push_headers(out, headers, destination.headers)
    elif destination.key is not None or destination.headers:
        raise TypeError("a Destination with a key or headers needs a topic")
    return decision


def push_headers(
    out: Arena, headers: List[WireHeader], added: Sequence[Header]
) -> int:
    """Adds headers to an answer. Returns their number."""
    for name, value in added:
        span = out.push(encoded(name, "a header's name"))
        own = out.push_option(as_bytes(value, "a header's value"))
        headers.append(WireHeader(span, own))
    return len(added)


def needs_of(author: Any) -> Needs:
    """What the author declared."""
    needs = getattr(author, "needs", None)
    if needs is None:
        return Needs()
    if not isinstance(needs, Needs):
        raise TypeError(f"`needs` must be a Needs, not {type(needs).__name__}")
    return needs


def check(author: Any) -> None:
    """Refuses an author without the function."""
    function(author, "route", "route(event)")
    needs_of(author)
