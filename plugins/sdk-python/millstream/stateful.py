"""A transform that keeps values under keys.

It is a transform whose module has a function `keys(record, keys)` too. Its other
function is `transform(record, events, state)`.
"""

from __future__ import annotations

from typing import Any, Callable, List, NoReturn, Union

from ._author import current, function, takes
from ._wire import Arena, Batch, Origin, Span, present
from .failure import Failure
from .record import Record
from .state import State, Values, WireState, Write
from .transform import Event, Events, Refusal, refusal, returned_something


class Key:
    """A key of an answer."""

    __slots__ = ("record", "key")

    def __init__(self, record: int, key: Span) -> None:
        self.record = record
        self.key = key


class NamedKeys:
    """The keys of a batch."""

    __slots__ = ("arena", "keys")

    def __init__(self, arena: bytes, keys: List[Key]) -> None:
        self.arena = arena
        self.keys = keys


class Answer:
    """A batch's events, failures and new values."""

    __slots__ = ("arena", "events", "failures", "writes")

    def __init__(
        self,
        arena: bytes,
        events: List[Event],
        failures: List[Refusal],
        writes: List[Write],
    ) -> None:
        self.arena = arena
        self.events = events
        self.failures = failures
        self.writes = writes


class Keys:
    """Collects the keys of the current record."""

    __slots__ = ("_record", "_arena", "_named")

    def __init__(self) -> None:
        self._record = 0
        self._arena = Arena()
        self._named: List[Key] = []

    def add(self, key: Union[bytes, str]) -> None:
        """Names a key: 1 to 256 bytes, at most 100 for one record. (A key that breaks
        these rules fails the record as `bad-output`.)"""
        span = self._arena.push(present(key, "a key"))
        self._named.append(Key(self._record, span))


def keys(
    author: Any, arena: bytes, origin: Origin, records: List[Record], headers: List[Any]
) -> NamedKeys:
    """Names the keys of a batch in the boundary's format."""
    name: Callable[[Record, Keys], Any] = author.keys
    batch = Batch(arena, origin, headers)
    own = Keys()
    for index, record in enumerate(records):
        current.record = index
        own._record = index
        record._batch = batch
        before = len(own._named)
        try:
            returned = name(record, own)
        except Failure:
            # It can't be read, as `transform` will find too.
            del own._named[before:]
        else:
            if returned is not None:
                _returned(returned)
    return NamedKeys(own._arena.whole(), own._named)


def _returned(value: Any) -> NoReturn:
    raise TypeError(
        f"keys must return nothing, not {type(value).__name__}: name keys with "
        "keys.add(...)"
    )


def run(
    author: Any,
    arena: bytes,
    origin: Origin,
    records: List[Record],
    headers: List[Any],
    state: WireState,
) -> Answer:
    """Runs a transform with state over a batch in the boundary's format."""
    transform: Callable[[Record, Events, State], Any] = author.transform
    batch = Batch(arena, origin, headers)
    events = Events()
    failures: List[Refusal] = []
    values = Values(state)
    made, out = events._made, events._arena
    for index, record in enumerate(records):
        current.record = index
        events._record = index
        record._batch = batch
        before, mark, size = len(made), len(out.chunks), out.size
        try:
            returned = transform(record, events, values.begin(index))
        except Failure as failure:
            # Its events and its writes are taken back.
            del made[before:]
            del out.chunks[mark:]
            out.size = size
            failures.append(refusal(out, index, failure))
        else:
            if returned is not None:
                returned_something(returned)
            values.keep(index, out)
    return Answer(out.whole(), made, failures, values.writes)


def check(author: Any) -> None:
    """Refuses an author without the functions."""
    if not takes(function(author, "keys", "keys(record, keys)"), 2):
        raise TypeError("the function keys of a transform must be `keys(record, keys)`")
    signature = "transform(record, events, state)"
    if not takes(function(author, "transform", signature), 3):
        raise TypeError(f"with a function `keys` beside it, transform must be `{signature}`")
