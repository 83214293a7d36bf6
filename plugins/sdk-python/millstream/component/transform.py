"""The exports of a transform."""

from __future__ import annotations

from typing import Any, List

from .. import transform as kind
from . import exports

_plugin = exports.load(kind.check)


class Transform:
    """The interface `transform` of the contract."""

    def configure(self, config: str) -> None:
        exports.configure(_plugin, config)

    def run(self, arena: bytes, origin: Any, records: List[Any], headers: List[Any]) -> Any:
        return exports.call(kind.run, _plugin, arena, origin, records, headers)
