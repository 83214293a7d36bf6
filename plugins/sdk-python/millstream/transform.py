"""The transform kind: records in, events out.

A transform is a module (or any object) with a function
`transform(record, events)`, and `configure(config)` if it has a configuration. With a
function `keys(record, keys)` it keeps state: see `millstream.stateful`.
"""

from __future__ import annotations

import builtins
from typing import Any, Callable, List, NoReturn, Optional, overload

from . import _json
from ._author import current, function, takes
from ._wire import EMPTY, Arena, Batch, Origin, Span, encoded
from .failure import NUMBERS, Failure
from .record import Record

_CLIENT, _GROUP, _TASK = 0, 1, 2


class Event:
    """An event of an answer, by its numbers."""

    __slots__ = ("record", "address_kind", "address", "event_type", "payload")

    def __init__(
        self,
        record: int,
        address_kind: int,
        address: Span,
        event_type: Span,
        payload: Span,
    ) -> None:
        self.record = record
        self.address_kind = address_kind
        self.address = address
        self.event_type = event_type
        self.payload = payload


class Refusal:
    """A failure of an answer, by its numbers."""

    __slots__ = ("record", "class_", "message")

    def __init__(self, record: int, class_: int, message: Span) -> None:
        self.record = record
        self.class_ = class_
        self.message = message


class Answer:
    """A batch's events and failures."""

    __slots__ = ("arena", "events", "failures")

    def __init__(
        self, arena: builtins.bytes, events: List[Event], failures: List[Refusal]
    ) -> None:
        self.arena = arena
        self.events = events
        self.failures = failures


class _Unset:
    """No argument: None is a payload, `null`."""


_UNSET: Any = _Unset()


class Events:
    """Collects the events of the current record.

    Each method adds one event. Give its payload as one of

    - `json`: any value, written as compact JSON;
    - `text`: a str;
    - `bytes`: UTF-8, such as the record's value, which is passed on as it is.

    `kind` is the event's type, which the browser listens for; without one it
    receives `message`.
    """

    __slots__ = ("_record", "_arena", "_made")

    def __init__(self) -> None:
        self._record = 0
        self._arena = Arena()
        self._made: List[Event] = []

    @overload
    def client(self, id: str, *, json: Any, kind: str = "") -> None: ...

    @overload
    def client(self, id: str, *, text: str, kind: str = "") -> None: ...

    @overload
    def client(self, id: str, *, bytes: builtins.bytes, kind: str = "") -> None: ...

    def client(
        self,
        id: str,
        *,
        kind: str = "",
        json: Any = _UNSET,
        text: Optional[str] = None,
        bytes: Optional[builtins.bytes] = None,
    ) -> None:
        """Adds an event for one client: 1 to 256 bytes, no control characters.
        (An invalid id fails the record as `bad-output`.)"""
        self._add(_CLIENT, id, kind, json, text, bytes)

    @overload
    def group(self, name: str, *, json: Any, kind: str = "") -> None: ...

    @overload
    def group(self, name: str, *, text: str, kind: str = "") -> None: ...

    @overload
    def group(self, name: str, *, bytes: builtins.bytes, kind: str = "") -> None: ...

    def group(
        self,
        name: str,
        *,
        kind: str = "",
        json: Any = _UNSET,
        text: Optional[str] = None,
        bytes: Optional[builtins.bytes] = None,
    ) -> None:
        """Adds an event for a group. It is stored once, and every client that
        follows the group receives it. A name has the same rules as an id."""
        self._add(_GROUP, name, kind, json, text, bytes)

    @overload
    def task(self, id: str, *, json: Any, kind: str = "") -> None: ...

    @overload
    def task(self, id: str, *, text: str, kind: str = "") -> None: ...

    @overload
    def task(self, id: str, *, bytes: builtins.bytes, kind: str = "") -> None: ...

    def task(
        self,
        id: str,
        *,
        kind: str = "",
        json: Any = _UNSET,
        text: Optional[str] = None,
        bytes: Optional[builtins.bytes] = None,
    ) -> None:
        """Adds an event for the client that owns a task. The host looks it up;
        without an owner the record fails as `unaddressable`. If the payload is
        JSON with a `status`, it becomes the task's status."""
        self._add(_TASK, id, kind, json, text, bytes)

    def _add(
        self,
        address_kind: int,
        name: str,
        kind: str,
        json: Any,
        text: Optional[str],
        data: Optional[builtins.bytes],
    ) -> None:
        if json is not _UNSET and text is None and data is None:
            payload = _json.write(json)
        elif type(data) is builtins.bytes and json is _UNSET and text is None:
            payload = data
        else:
            payload = _payload(json, text, data)
        if type(name) is not str:
            _not_text(name, "the addressee")
        address = name.encode()
        # As `Arena.push`, unrolled: this is the busiest place of a transform.
        arena = self._arena
        chunks = arena.chunks
        start = arena.size
        end = start + len(address)
        event_type = EMPTY
        if kind:
            if type(kind) is not str:
                _not_text(kind, "the event type")
            encoded_kind = kind.encode()
            event_type = Span(end, len(encoded_kind))
            end += len(encoded_kind)
            chunks += (address, encoded_kind, payload)
        else:
            chunks += (address, payload)
        arena.size = end + len(payload)
        self._made.append(
            Event(
                self._record,
                address_kind,
                Span(start, len(address)),
                event_type,
                Span(end, len(payload)),
            )
        )


def _not_text(value: Any, what: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__}")


def _payload(
    json: Any, text: Optional[str], data: Optional[builtins.bytes]
) -> builtins.bytes:
    if (json is not _UNSET) + (text is not None) + (data is not None) != 1:
        raise TypeError("an event needs one payload: give one of json, text and bytes")
    if text is not None:
        return encoded(text, "a text payload")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"a bytes payload must be bytes, not {type(data).__name__}")


def run(
    author: Any, arena: bytes, origin: Origin, records: List[Record], headers: List[Any]
) -> Answer:
    """Runs a transform over a batch in the boundary's format."""
    transform: Callable[[Record, Events], Any] = author.transform
    batch = Batch(arena, origin, headers)
    events = Events()
    failures: List[Refusal] = []
    made, out = events._made, events._arena
    chunks = out.chunks
    for index, record in enumerate(records):
        current.record = index
        events._record = index
        record._batch = batch
        before, mark, size = len(made), len(chunks), out.size
        try:
            returned = transform(record, events)
        except Failure as failure:
            del made[before:]
            del chunks[mark:]
            out.size = size
            failures.append(refusal(out, index, failure))
        else:
            if returned is not None:
                returned_something(returned)
    return Answer(out.whole(), made, failures)


def refusal(out: Arena, index: int, failure: Failure) -> Refusal:
    """A failure, with its message in `out`."""
    try:
        number = NUMBERS[failure.class_]
    except KeyError:
        names = ", ".join(NUMBERS)
        raise ValueError(
            f"unknown failure class `{failure.class_}`; one of {names}"
        ) from failure
    return Refusal(index, number, out.push(str(failure.message).encode(errors="replace")))


def returned_something(value: Any) -> NoReturn:
    """Refuses what a transform returned."""
    raise TypeError(
        f"transform must return nothing, not {type(value).__name__}: add events with "
        "events.client(...), events.group(...) or events.task(...)"
    )


def keeps_state(author: Any) -> bool:
    """Whether an author names keys: then `millstream.stateful` runs the transform."""
    return callable(getattr(author, "keys", None))


def check(author: Any) -> None:
    """Refuses an author without the function."""
    if not takes(function(author, "transform", "transform(record, events)"), 2):
        raise TypeError(
            "transform must be `transform(record, events)`: it has a state only if a "
            "function `keys(record, keys)` is beside it"
        )
