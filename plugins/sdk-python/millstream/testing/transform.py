"""A transform under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Sequence, Union

from .. import transform as kind
from ..failure import NUMBERS, Failure
from . import checks
from .input import Clock, Flat, TestRecord, configured

_CLASSES = {number: name for name, number in NUMBERS.items()}
_WHAT = ("client id", "group name", "task id")


@dataclass(frozen=True)
class MadeEvent:
    """An event that a transform made."""

    #: The client's id; empty if the event is not for a client.
    client: str = ""
    #: The group's name; empty if the event is not for a group.
    group: str = ""
    #: The id of the task whose owner receives it; empty if it is not for a task.
    task: str = ""
    #: The event's type.
    kind: str = ""
    #: The payload.
    payload: str = ""


#: What a record became.
Made = Union[List[MadeEvent], Failure]


class TransformTest:
    """A transform under test: a module, or an object with its functions."""

    def __init__(
        self, plugin: Any, config: Union[str, Mapping[str, Any], None] = None
    ) -> None:
        if kind.keeps_state(plugin):
            raise TypeError("it has a function `keys`, so it keeps state: use StatefulTest")
        kind.check(plugin)
        configured(plugin, config)
        self.plugin = plugin
        self._clock = Clock()

    def run(self, records: Sequence[TestRecord]) -> List[Made]:
        """Runs one batch. Returns for each record its events or its failure."""
        self._clock.begin(records)
        flat = Flat(records)
        answer = kind.run(
            self.plugin, flat.arena, flat.origin, flat.records, flat.headers
        )
        return results(answer, len(records))

    def one(self, record: TestRecord) -> List[MadeEvent]:
        """Runs one record. Raises its Failure."""
        made = self.run([record])[0]
        if isinstance(made, Failure):
            raise made
        return made


def results(answer: Any, records: int) -> List[Made]:
    """For each record its events or its failure."""
    events: List[List[Any]] = [[] for _ in range(records)]
    for event in answer.events:
        events[event.record].append(event)
    made: List[Made] = [_made(answer.arena, own) for own in events]
    for failure in answer.failures:
        message = checks.span(answer.arena, failure.message) or b""
        made[failure.record] = Failure(_CLASSES[failure.class_], message.decode())
    return made


def _made(arena: bytes, events: List[Any]) -> Made:
    """A record's events, or the failure that the daemon would make of them."""
    try:
        lengths = [e.address.length + e.event_type.length + e.payload.length for e in events]
        checks.size(lengths)
        return [_event(arena, event) for event in events]
    except Failure as failure:
        return failure


def _event(arena: bytes, event: Any) -> MadeEvent:
    data = checks.span(arena, event.address) or b""
    name = checks.name(data, _WHAT[event.address_kind])
    return MadeEvent(
        client=name if event.address_kind == 0 else "",
        group=name if event.address_kind == 1 else "",
        task=name if event.address_kind == 2 else "",
        kind=checks.event_type(checks.span(arena, event.event_type) or b""),
        payload=checks.payload(checks.span(arena, event.payload) or b""),
    )
