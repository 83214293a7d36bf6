"""A Kafka record, as a plugin sees it: a view of the batch."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple, Type, TypeVar, Union, overload

from . import _json, _shape
from ._wire import ABSENT, Batch, bytes_of, text_of
from .failure import Failure

T = TypeVar("T")

_TOMBSTONE = "the record has no value (a tombstone)"


class Record:
    """A Kafka record. Use it only while it is handed to you: it is a view of the
    current batch."""

    __slots__ = (
        "offset",
        "_timestamp",
        "_key",
        "_value",
        "_first_header",
        "_header_count",
        "_batch",
    )

    #: Its offset in its partition.
    offset: int
    _batch: Batch

    def __init__(
        self,
        offset: int,
        timestamp: int,
        key: slice,
        value: slice,
        first_header: int,
        header_count: int,
    ) -> None:
        self.offset = offset
        self._timestamp = timestamp
        self._key = key
        self._value = value
        self._first_header = first_header
        self._header_count = header_count

    @property
    def topic(self) -> str:
        """The topic that it was read from."""
        return self._batch.topic

    @property
    def partition(self) -> int:
        """The partition that it was read from."""
        return self._batch.partition

    @property
    def timestamp(self) -> Optional[int]:
        """Its timestamp, in milliseconds since 1970-01-01 UTC; None if Kafka has
        none. See `millstream.clock` for a time that never goes back."""
        return self._timestamp if self._timestamp >= 0 else None

    @property
    def key(self) -> Optional[bytes]:
        """The key, or None if it is absent."""
        return bytes_of(self._batch.arena, self._key)

    @property
    def value(self) -> Optional[bytes]:
        """The value, or None for a tombstone. Absent is not empty."""
        return bytes_of(self._batch.arena, self._value)

    @property
    def headers(self) -> List[Tuple[str, Optional[bytes]]]:
        """The names and values of the headers, in order; a name may repeat."""
        arena, first = self._batch.arena, self._first_header
        own = self._batch.headers[first : first + self._header_count]
        return [(text_of(arena, h.start), bytes_of(arena, h.stop)) for h in own]

    def header(self, name: str) -> Optional[bytes]:
        """The value of the last header with this name, as in Kafka's clients;
        None if there is none or its value is absent."""
        if not self._header_count:
            return None
        for found, value in reversed(self.headers):
            if found == name:
                return value
        return None

    def text(self) -> str:
        """The value as text. Raises a Failure `malformed` if it is not UTF-8, and
        for a tombstone."""
        try:
            return str(self._present(), "utf-8")
        except UnicodeDecodeError as error:
            raise Failure.malformed(
                f"the value is not UTF-8, at byte {error.start}"
            ) from None

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, shape: Type[T]) -> T: ...

    def json(self, shape: Any = None) -> Any:
        """Parses the value as JSON; with a `shape`, a dataclass, into that.

        Raises a Failure `malformed` if it is not JSON or does not fit, and for a
        tombstone. Fields that the dataclass does not have are ignored. Without a
        shape a missing key is an error of yours, not of the record: prefer one.

        >>> @dataclass
        ... class Order:
        ...     customer: str
        ...     total: float
        >>> order = record.json(Order)
        """
        value = _json.parse(self._present())
        if shape is None:
            return value
        try:
            return _shape.reader(shape)(value)
        except _shape.Mismatch as mismatch:
            why = f"not the expected JSON: {mismatch}"
        raise Failure.malformed(why)

    def _present(self) -> bytes:
        span: Any = self._value
        start: int = span.start
        if start == ABSENT:
            raise Failure.malformed(_TOMBSTONE)
        return self._batch.arena[start : start + span.stop]


#: A header's name and its value, which may be absent. Text becomes UTF-8.
Header = Tuple[str, Union[bytes, str, None]]
