"""The exports of a transform that keeps state."""

from __future__ import annotations

from typing import Any, List

from wit_world.exports import (  # type: ignore[import-not-found]
    stateful_transform as wire,
)

from .. import stateful as kind
from .._wire import InEntry
from ..state import WireState
from . import exports

wire.State = WireState
wire.Entry = InEntry
_plugin = exports.load(kind.check)


class StatefulTransform:
    """The interface `stateful-transform` of the contract."""

    def configure(self, config: str) -> None:
        exports.configure(_plugin, config)

    def keys(self, arena: bytes, origin: Any, records: List[Any], headers: List[Any]) -> Any:
        return exports.call(kind.keys, _plugin, arena, origin, records, headers)

    def run(
        self,
        arena: bytes,
        origin: Any,
        records: List[Any],
        headers: List[Any],
        state: Any,
    ) -> Any:
        return exports.call(kind.run, _plugin, arena, origin, records, headers, state)
