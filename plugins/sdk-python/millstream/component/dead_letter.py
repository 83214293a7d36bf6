"""The exports of a dead-letter policy."""

from __future__ import annotations

from typing import Any, List

from wit_world.exports import dead_letter as wire  # type: ignore[import-not-found]

from .. import dead_letter as kind
from . import exports

wire.Failure = kind.FailedRecord
_plugin = exports.load(kind.check)


class DeadLetter:
    """The interface `dead-letter` of the contract."""

    def configure(self, config: str) -> None:
        exports.configure(_plugin, config)

    def run(
        self,
        arena: bytes,
        origin: Any,
        records: List[Any],
        headers: List[Any],
        failures: List[Any],
    ) -> Any:
        return exports.call(kind.run, _plugin, arena, origin, records, headers, failures)
