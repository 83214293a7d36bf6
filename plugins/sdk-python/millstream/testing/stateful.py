"""A transform with state under test."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .. import stateful as kind
from .._wire import present
from ..failure import Failure
from ..state import WireState
from . import checks
from .input import Clock, Flat, TestRecord, configured
from .transform import Made, MadeEvent, results


class StatefulTest:
    """A transform with state under test: a module, or an object with its functions. It
    remembers values and time from one run to the next, as a partition does."""

    def __init__(
        self, plugin: Any, config: Union[str, Mapping[str, Any], None] = None
    ) -> None:
        kind.check(plugin)
        configured(plugin, config)
        self.plugin = plugin
        self._clock = Clock()
        self._values: Dict[bytes, Tuple[bytes, int]] = {}
        self._offset = 0

    def value(self, key: Union[bytes, str]) -> Optional[bytes]:
        """The value that is kept under a key now."""
        value, expires = self._values.get(present(key, "a key"), (None, 0))
        return value if expires > self._clock.now else None

    def run(self, records: Sequence[TestRecord]) -> List[Made]:
        """Runs records one after another. Returns for each its events or its failure."""
        # One by one: a record that the host refuses must leave no values.
        return [self._made(record) for record in records]

    def one(self, record: TestRecord) -> List[MadeEvent]:
        """Runs one record. Raises its Failure."""
        made = self._made(record)
        if isinstance(made, Failure):
            raise made
        return made

    def _made(self, record: TestRecord) -> Made:
        times = self._clock.begin([record])
        flat = self._flat(record)
        answer = kind.keys(
            self.plugin, flat.arena, flat.origin, flat.records, flat.headers
        )
        named = [checks.span(answer.arena, key.key) or b"" for key in answer.keys]
        try:
            checks.keys(named)
            return self._written(record, named, times)
        except Failure as failure:
            return failure
        finally:
            self._offset += 1

    def _written(self, record: TestRecord, named: List[bytes], times: List[int]) -> Made:
        """Runs the record, and keeps what it wrote."""
        flat, entries = self._flat(record), list(dict.fromkeys(named))
        state = self._lower(entries, named, times)
        answer = kind.run(
            self.plugin, flat.arena, flat.origin, flat.records, flat.headers, state
        )
        made = results(answer, 1)[0]
        if isinstance(made, Failure):
            return made
        written = [
            (entries[write.entry], checks.span(answer.arena, write.value), write.expires)
            for write in answer.writes
        ]
        checks.values(value for _, value, _ in written)
        for key, value, expires in written:
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = (value, expires)
        return made

    def _flat(self, record: TestRecord) -> Flat:
        return Flat([record], self._offset)

    def _lower(
        self, entries: List[bytes], named: List[bytes], times: List[int]
    ) -> WireState:
        """The values before the call, each key once."""
        flat, lowered = Flat([]), []
        for key in entries:
            value, expires = self._values.get(key, (None, 0))
            lowered.append(slice(flat.push(key), flat.push(value), expires))
        indices = [entries.index(key) for key in named]
        return WireState(flat.arena, lowered, indices, [len(named)], times)
