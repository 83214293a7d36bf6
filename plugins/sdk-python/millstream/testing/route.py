"""A route under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple, Union

from .. import route as kind
from ..failure import Failure
from . import checks
from .input import Clock, Flat, TestRecord, configured


@dataclass(frozen=True)
class TestEvent:
    """An event to route: for a client, or for a group. A client is away unless it
    is `connected`; a group always is."""

    #: For pytest: it is not a test.
    __test__ = False

    client: str = ""
    group: str = ""
    kind: str = ""
    payload: str = "{}"
    connected: bool = False
    record: TestRecord = TestRecord()

    def __post_init__(self) -> None:
        if bool(self.client) == bool(self.group):
            raise ValueError("give one of client and group")


@dataclass(frozen=True)
class TestDestination:
    """Where an event was sent."""

    #: For pytest: it is not a test.
    __test__ = False

    #: The delivery to the stream.
    deliver: kind.Deliver
    #: The topic, if any.
    topic: Optional[str] = None
    #: The key there.
    key: Optional[bytes] = None
    #: The headers there.
    headers: Tuple[Tuple[str, Optional[bytes]], ...] = ()


class RouteTest:
    """A route under test: a module, or an object with its functions."""

    def __init__(
        self, plugin: Any, config: Union[str, Mapping[str, Any], None] = None
    ) -> None:
        kind.check(plugin)
        configured(plugin, config)
        self.plugin = plugin
        self._clock = Clock()
        self._needs = kind.needs_of(plugin)

    def run(self, events: Sequence[TestEvent]) -> List[Union[TestDestination, Failure]]:
        """Routes each event, in one batch. Returns its destination, or the failure
        of its record. As in the host, what `needs` does not ask for is absent."""
        needs, bare = self._needs, TestRecord()
        records = [event.record if needs.record else bare for event in events]
        self._clock.begin(event.record for event in events)
        flat = Flat([_without_value(record) for record in records])
        routed = [self._routed(flat, n, event) for n, event in enumerate(events)]
        answer = kind.run(
            self.plugin, flat.arena, flat.origin, flat.records, flat.headers, routed
        )
        return [_read(answer, decision) for decision in answer.decisions]

    def one(self, event: TestEvent) -> TestDestination:
        """Routes one event. Raises the Failure of its record."""
        routed = self.run([event])[0]
        if isinstance(routed, Failure):
            raise routed
        return routed

    def _routed(self, flat: Flat, index: int, event: TestEvent) -> kind.RoutedEvent:
        connected = event.connected or bool(event.group)
        return kind.RoutedEvent(
            index,
            int(self._needs.connected and connected),
            int(bool(event.group)),
            flat.push(event.client or event.group),
            flat.push(event.kind),
            flat.push(event.payload if self._needs.payload else None),
        )


def _without_value(record: TestRecord) -> TestRecord:
    return TestRecord(None, record.key, record.headers, record.timestamp)


def _read(
    answer: kind.Answer, decision: kind.WireDecision
) -> Union[TestDestination, Failure]:
    arena = answer.arena
    refused = checks.span(arena, decision.refused)
    if refused is not None:
        return Failure("unroutable", refused.decode())
    deliver = kind.Deliver(decision.stream)
    try:
        topic = checks.span(arena, decision.topic)
        if topic is None:
            return TestDestination(deliver)
        checks.topic(topic)
        key = checks.span(arena, decision.key)
        headers = checks.headers(
            arena, answer.headers, decision.first_header, decision.header_count
        )
        checks.size([len(topic) + len(key or b"") + checks.headers_size(headers)])
        return TestDestination(deliver, topic.decode(), key, headers)
    except Failure as failure:
        return failure
