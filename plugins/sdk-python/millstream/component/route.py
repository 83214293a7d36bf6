"""The exports of a route."""

from __future__ import annotations

from typing import Any, List

from wit_world.exports import route as wire  # type: ignore[import-not-found]

from .. import route as kind
from . import exports

wire.Event = kind.RoutedEvent
_plugin = exports.load(kind.check)


class Route:
    """The interface `route` of the contract."""

    def configure(self, config: str) -> Any:
        exports.configure(_plugin, config)
        return kind.needs_of(_plugin)

    def run(
        self,
        arena: bytes,
        origin: Any,
        records: List[Any],
        headers: List[Any],
        events: List[Any],
    ) -> Any:
        return exports.call(kind.run, _plugin, arena, origin, records, headers, events)
