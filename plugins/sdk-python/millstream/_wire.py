"""What crosses the boundary: spans, headers and the batch.

In `wit/plugin.wit` a batch is one arena of bytes and lists of numbers that
point into it. The runtime calls one constructor for each record and for each
span, so these are the cheapest that there are: a built-in pair for spans and
headers, and the author's own view for records.
"""

from __future__ import annotations

from typing import Any, List, Optional

ABSENT = 0xFFFFFFFF

#: The most bytes of a message, and of a line of the log, that the host keeps.
LINE = 1024

#: A span of a call's arena: `start` is its start, `stop` its LENGTH. A built-in
#: type is made in half the time of a class.
InSpan = slice

#: A header of a call: `start` is the span of its name, `stop` that of its value.
InHeader = slice

#: An entry of a call's state: `start` is the span of its key, `stop` that of its value,
#: `step` the time when it expires.
InEntry = slice


class Origin:
    """The source of a call's records."""

    __slots__ = ("topic", "partition")

    def __init__(self, topic: slice, partition: int) -> None:
        self.topic = topic
        self.partition = partition


class Span:
    """A span of an answer's arena."""

    __slots__ = ("start", "length")

    def __init__(self, start: int, length: int) -> None:
        self.start = start
        self.length = length


EMPTY = Span(0, 0)
NOTHING = Span(ABSENT, 0)


class Header:
    """A header of an answer."""

    __slots__ = ("name", "value")

    def __init__(self, name: Span, value: Span) -> None:
        self.name = name
        self.value = value


class Batch:
    """What a call's records share."""

    __slots__ = ("arena", "topic", "partition", "headers")

    def __init__(self, arena: bytes, origin: Origin, headers: List[Any]) -> None:
        self.arena = arena
        self.topic = text_of(arena, origin.topic)
        self.partition = origin.partition
        self.headers = headers


def bytes_of(arena: bytes, span: Any) -> Optional[bytes]:
    """The bytes of a call's span, or None if it is absent."""
    start = span.start
    if start == ABSENT:
        return None
    return arena[start : start + span.stop]


def text_of(arena: bytes, span: Any) -> str:
    """The text of a call's span; the host sends UTF-8 there. Empty if absent."""
    start = span.start
    if start == ABSENT:
        return ""
    return str(arena[start : start + span.stop], "utf-8", "replace")


def shortened(text: str) -> str:
    """As much of a message as the host keeps. Half of a surrogate pair, which can't
    cross the boundary, becomes `?`."""
    data = text[:LINE].encode(errors="replace")
    return data[:LINE].decode(errors="ignore")


class Arena:
    """An answer's bytes: joined once, at the end."""

    __slots__ = ("chunks", "size")

    def __init__(self) -> None:
        self.chunks: List[bytes] = []
        self.size = 0

    def push(self, data: bytes) -> Span:
        """Adds bytes."""
        start = self.size
        self.chunks.append(data)
        self.size = start + len(data)
        return Span(start, len(data))

    def push_text(self, text: str, what: str) -> Span:
        """Adds text; `what` names it in an error."""
        return self.push(encoded(text, what))

    def push_option(self, data: Optional[bytes]) -> Span:
        """Adds bytes that may be absent."""
        return NOTHING if data is None else self.push(data)

    def whole(self) -> bytes:
        """All the bytes."""
        return b"".join(self.chunks)


def encoded(text: Any, what: str) -> bytes:
    """`text` as UTF-8; a TypeError says what was given instead."""
    if isinstance(text, str):
        return text.encode()
    raise TypeError(f"{what} must be a str, not {type(text).__name__}")


def as_bytes(data: Any, what: str) -> Optional[bytes]:
    """A key or a value: bytes as they are, text as UTF-8, None as absent."""
    if data is None or type(data) is bytes:
        return data
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"{what} must be bytes, str or None, not {type(data).__name__}")


def present(data: Any, what: str) -> bytes:
    """Like `as_bytes`, of what must not be absent."""
    found = as_bytes(data, what)
    if found is None:
        raise TypeError(f"{what} must be bytes or str, not None")
    return found
