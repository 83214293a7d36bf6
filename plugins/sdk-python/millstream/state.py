"""The values that a transform keeps, as its records see them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Type, TypeVar, Union, overload

from . import _json, _shape
from ._wire import Arena, Span, bytes_of, present
from .failure import Failure

T = TypeVar("T")

#: A value, or None, and when it expires.
Value = Tuple[Optional[bytes], int]

_NEVER = 0x7FFFFFFFFFFFFFFF


class WireState:
    """What a call gets of the state, by its numbers. An entry is an `InEntry`."""

    __slots__ = ("arena", "entries", "named", "counts", "clocks")

    def __init__(
        self,
        arena: bytes,
        entries: List[Any],
        named: List[int],
        counts: List[int],
        clocks: List[int],
    ) -> None:
        self.arena = arena
        self.entries = entries
        self.named = named
        self.counts = counts
        self.clocks = clocks


class Write:
    """A new value of an answer, by its numbers."""

    __slots__ = ("record", "entry", "value", "expires")

    def __init__(self, record: int, entry: int, value: Span, expires: int) -> None:
        self.record = record
        self.entry = entry
        self.value = value
        self.expires = expires


class State:
    """The values of the current record's keys. A key is bytes or text.

    Each method raises a LookupError if `keys` did not name the key for this record.
    """

    __slots__ = ("_own", "_now", "_entries", "_values", "_writes", "_last")

    def __init__(self, entries: Dict[bytes, int], values: List[Value]) -> None:
        self._own: List[int] = []
        self._now = -1
        self._entries = entries
        self._values = values
        #: What the current record wrote, to which entries, and the last of each.
        self._writes: List[Tuple[int, Value]] = []
        self._last: Dict[int, Value] = {}

    def get(self, key: Union[bytes, str]) -> Optional[bytes]:
        """The value of a key; None if it has none, or it has expired."""
        entry = self._entry(key)
        value, expires = self._last.get(entry) or self._values[entry]
        return value if expires > self._now else None

    def text(self, key: Union[bytes, str]) -> Optional[str]:
        """The value of a key as text. Raises a Failure `rejected` if it is not UTF-8."""
        value = self.get(key)
        try:
            return None if value is None else str(value, "utf-8")
        except UnicodeDecodeError as error:
            why = f"the kept value is not UTF-8, at byte {error.start}"
        raise Failure.rejected(why)

    @overload
    def json(self, key: Union[bytes, str]) -> Any: ...

    @overload
    def json(self, key: Union[bytes, str], shape: Type[T]) -> Optional[T]: ...

    def json(self, key: Union[bytes, str], shape: Any = None) -> Any:
        """The value of a key, parsed as JSON; with a `shape`, such as int or a
        dataclass, into that; None if it has none.

        Raises a Failure `rejected` if it is not such JSON: another version of the plugin
        may have written it."""
        value = self.get(key)
        if value is None:
            return None
        try:
            parsed = _json.parse(value)
            return parsed if shape is None else _shape.reader(shape)(parsed)
        except _shape.Mismatch as mismatch:
            why = f"not the expected JSON: {mismatch}"
        except Failure as failure:
            why = failure.message
        raise Failure.rejected(f"the kept value is {why}")

    def set(self, key: Union[bytes, str], value: Union[bytes, str]) -> None:
        """Sets the value of a key: at most 64 KiB, until it is removed."""
        self._write(key, present(value, "a value"), _NEVER)

    def set_json(self, key: Union[bytes, str], value: Any) -> None:
        """Sets the value of a key, written as JSON. Raises a Failure `rejected` if it
        can't be."""
        self.set(key, _json.write(value, "value"))

    def set_for(
        self, key: Union[bytes, str], value: Union[bytes, str], milliseconds: int
    ) -> None:
        """Sets the value of a key for this time from `now()` on, measured by the
        timestamps of the partition's records, not by a clock on the wall."""
        if not isinstance(milliseconds, int):
            raise TypeError(f"set_for was given the time {milliseconds!r}, expected milliseconds")
        expires = max(self._now, 0) + max(milliseconds, 0)
        self._write(key, present(value, "a value"), min(expires, _NEVER))

    def remove(self, key: Union[bytes, str]) -> None:
        """Removes the value of a key."""
        self._write(key, None, _NEVER)

    def now(self) -> Optional[int]:
        """The time at this record: the largest timestamp of the partition's records up
        to and including this one, in milliseconds since 1970-01-01 UTC; None if none of
        them had one. It never goes back."""
        return self._now if self._now >= 0 else None

    def _write(
        self, key: Union[bytes, str], value: Optional[bytes], expires: int
    ) -> None:
        entry = self._entry(key)
        self._last[entry] = value, expires
        self._writes.append((entry, self._last[entry]))

    def _entry(self, key: Union[bytes, str]) -> int:
        data = present(key, "a key")
        entry = self._entries.get(data, -1)
        if entry not in self._own:
            raise LookupError(
                f"the key `{data.decode(errors='replace')}` was not named: `keys` must "
                "name every key that `transform` uses"
            )
        return entry


class Values:
    """The values of a batch, and what was written so far."""

    def __init__(self, state: WireState) -> None:
        arena = state.arena
        entries: Dict[bytes, int] = {}
        self._values: List[Value] = []
        for index, entry in enumerate(state.entries):
            entries[bytes_of(arena, entry.start) or b""] = index
            self._values.append((bytes_of(arena, entry.stop), entry.step))
        self._state = state
        #: How many of `state.named` belong to the records so far.
        self._named = 0
        self._view = State(entries, self._values)
        self.writes: List[Write] = []

    def begin(self, record: int) -> State:
        """The values as the record at this index sees them. Records come in order."""
        state, view, first = self._state, self._view, self._named
        self._named += state.counts[record]
        view._own = state.named[first : self._named]
        view._now = state.clocks[record]
        view._writes = []
        view._last = {}
        return view

    def keep(self, record: int, out: Arena) -> None:
        """Keeps what the current record wrote, with values in `out`. Without this call
        it is taken back."""
        for entry, value in self._view._writes:
            self._values[entry] = value
            span = out.push_option(value[0])
            self.writes.append(Write(record, entry, span, value[1]))
