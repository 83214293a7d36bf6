"""Test records, and the batch that they form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Union

from .. import _author
from .._wire import ABSENT, Origin, as_bytes
from ..record import Header, Record


@dataclass(frozen=True)
class TestRecord:
    """A test record. Its topic is `topic`, its partition 0, its offset its index
    in the test. Text becomes UTF-8; without a value it is a tombstone."""

    #: For pytest: it is not a test.
    __test__ = False

    value: Union[bytes, str, None] = None
    key: Union[bytes, str, None] = None
    headers: Sequence[Header] = ()
    #: Milliseconds since 1970-01-01 UTC.
    timestamp: Optional[int] = None


class Clock:
    """The time in a test: the largest timestamp so far."""

    def __init__(self) -> None:
        self.now = -1

    def begin(self, records: Iterable[TestRecord]) -> List[int]:
        """The time at each record of a call; `millstream.clock` has it too."""
        times = []
        for record in records:
            if record.timestamp is not None:
                self.now = max(self.now, record.timestamp)
            times.append(self.now)
        _author.current.times = times
        return times


class Flat:
    """A batch in the boundary's format; `offset` is that of its first record."""

    def __init__(self, records: Sequence[TestRecord], offset: int = 0) -> None:
        self._offset = offset
        self._bytes = bytearray()
        self.origin = Origin(self.push(b"topic"), 0)
        self.headers: List[Any] = []
        self.records: List[Record] = []
        for record in records:
            self._add(record)

    @property
    def arena(self) -> bytes:
        """All the bytes."""
        return bytes(self._bytes)

    def push(self, data: Union[bytes, str, None]) -> slice:
        """Adds bytes; the span as the runtime makes it."""
        found = as_bytes(data, "a field of a test record")
        if found is None:
            return slice(ABSENT, 0)
        start = len(self._bytes)
        self._bytes += found
        return slice(start, len(found))

    def _add(self, record: TestRecord) -> None:
        first = len(self.headers)
        for name, value in record.headers:
            self.headers.append(slice(self.push(name), self.push(value)))
        timestamp = -1 if record.timestamp is None else record.timestamp
        self.records.append(
            Record(
                self._offset + len(self.records),
                timestamp,
                self.push(record.key),
                self.push(record.value),
                first,
                len(record.headers),
            )
        )


def configured(plugin: Any, config: Union[str, Mapping[str, Any], None]) -> None:
    """Configures a plugin as the host does. Raises its ConfigError."""
    text = config if isinstance(config, str) else json.dumps(dict(config or {}))
    _author.configure(plugin, text)
