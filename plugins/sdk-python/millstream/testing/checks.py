"""The checks of the daemon on what a plugin answers, with its messages."""

from __future__ import annotations

from typing import Any, Iterable, List, Optional, Sequence, Tuple

from .._wire import ABSENT
from ..failure import Failure
from ..tombstones import has_control

EVENTS_PER_RECORD = 1000
OUTPUT = 16 << 20
#: The cost of an event beside its bytes, and of a header.
_EVENT, _HEADER = 256, 64
_HEADERS_MAX = 100
#: The most keys of one record, the longest key and the largest value.
_KEYS, _KEY, _VALUE = 100, 256, 64 << 10
_RESERVED = ("gap", "open", "error")
_OWN = b"millstream."
_ALLOWED = (b"millstream.client", b"millstream.group", b"millstream.type")
_TOPIC = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)


def bad(message: str) -> Failure:
    """The plugin broke the contract."""
    return Failure("bad-output", message)


def span(arena: bytes, wire: Any) -> Optional[bytes]:
    """The bytes of an answer's span; None if it is absent."""
    if wire.start == ABSENT:
        return None
    return arena[wire.start : wire.start + wire.length]


def name(data: bytes, what: str) -> str:
    """A client's id, a group's name or a task's id."""
    if not data:
        raise bad(f"the {what} is empty")
    if len(data) > 256:
        raise bad(f"the {what} has {len(data)} bytes; the limit is 256")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError:
        raise bad(f"the {what} is not UTF-8") from None
    for index, c in enumerate(text):
        if has_control(c):
            at = len(text[:index].encode())
            raise bad(f"the {what} contains a control character at byte {at}")
    return text


def event_type(data: bytes) -> str:
    """An event's type; may be empty."""
    if len(data) > 256:
        raise bad(f"the event type has {len(data)} bytes; the limit is 256")
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError:
        raise bad("the event type is not UTF-8") from None
    if has_control(text):
        raise bad("the event type contains a control character")
    if text in _RESERVED or text.startswith("millstream."):
        raise bad(
            f"the event type `{text}` is reserved (as are gap, open, error and millstream.*)"
        )
    return text


def payload(data: bytes) -> str:
    """An event's payload."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise bad(f"the payload is not UTF-8 at byte {error.start}") from None


def size(lengths: Sequence[int], output: int = OUTPUT) -> None:
    """The outputs of one record, each with its length in bytes."""
    if len(lengths) > EVENTS_PER_RECORD:
        raise Failure(
            "too-large",
            f"the plugin made {len(lengths)} events from one record, at most "
            f"{EVENTS_PER_RECORD} are allowed",
        )
    total = sum(lengths) + _EVENT * len(lengths)
    if total > output:
        raise Failure(
            "too-large",
            f"the plugin made {total} bytes of events or headers from one record, at most "
            f"{output} are allowed (output)",
        )


def keys(named: Sequence[bytes]) -> None:
    """The keys of one record."""
    if len(named) > _KEYS:
        raise bad(f"a record names more than {_KEYS} keys")
    for key in named:
        if not key:
            raise bad("a key is empty")
        if len(key) > _KEY:
            raise bad(f"a key has {len(key)} bytes; the limit is {_KEY}")


def values(written: Iterable[Optional[bytes]]) -> None:
    """The values that one record wrote."""
    for value in written:
        if value is not None and len(value) > _VALUE:
            raise bad(
                f"the plugin wrote a value of {len(value)} bytes; the limit is {_VALUE}"
            )


def topic(data: bytes) -> str:
    """A topic's name, as Kafka checks it."""
    if not 0 < len(data) <= 249 or data in (b".", b"..") or not _TOPIC.issuperset(data):
        shown = str(data[:80], "utf-8", "replace")
        raise bad(f"invalid topic name `{shown}`")
    return str(data, "ascii")


def headers(
    arena: bytes, all_headers: List[Any], first: int, count: int
) -> Tuple[Tuple[str, Optional[bytes]], ...]:
    """The headers of one output."""
    if count > _HEADERS_MAX:
        raise bad(f"it added {count} headers, at most {_HEADERS_MAX} are allowed")
    return tuple(_header(arena, header) for header in all_headers[first : first + count])


def _header(arena: bytes, header: Any) -> Tuple[str, Optional[bytes]]:
    found = span(arena, header.name) or b""
    if not found or b"\0" in found:
        raise bad("a header name is empty or contains a NUL")
    if found.startswith(_OWN) and found not in _ALLOWED:
        shown = str(found[:80], "utf-8", "replace")
        raise bad(f"header `{shown}` is reserved: Millstream sets millstream.* itself")
    return str(found, "utf-8", "replace"), span(arena, header.value)


def headers_size(found: Sequence[Tuple[str, Optional[bytes]]]) -> int:
    """The size of headers, written out."""
    return sum(_HEADER + len(name.encode()) + len(value or b"") for name, value in found)
