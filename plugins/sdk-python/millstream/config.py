"""The plugin's configuration table."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Mapping, Type, TypeVar

from . import _shape

T = TypeVar("T")


class ConfigError(ValueError):
    """The configuration is not acceptable: the plugin does not go live."""


class Config(Mapping[str, Any]):
    """The table `config` of this plugin in `millstream.toml`.

    `parse` and `only` refuse a misspelt key; reading a key with `config["key"]`
    alone ignores it.
    """

    def __init__(self, text: str) -> None:
        #: The JSON; `{}` if there is no table.
        self.json = text
        table = json.loads(text)
        if not isinstance(table, dict):
            raise ConfigError(
                f"config: expected an object, found {_shape.describe(table)}"
            )
        self._table: Dict[str, Any] = table

    def parse(self, shape: Type[T]) -> T:
        """Reads it into a dataclass of yours. Unknown keys are refused."""
        try:
            return _shape.read(shape, self._table, strict=True)
        except _shape.Mismatch as mismatch:
            raise ConfigError(f"config: {mismatch}") from None

    def only(self, *keys: str) -> Config:
        """Refuses all keys but these; returns the table."""
        for key in self._table:
            if key not in keys:
                expected = " or ".join(f"`{known}`" for known in keys)
                raise ConfigError(f"config: unknown key `{key}`, expected {expected}")
        return self

    def none(self) -> None:
        """For a plugin without configuration: refuses any."""
        for key in self._table:
            raise ConfigError(
                f"config: unknown key `{key}`; this plugin has no configuration"
            )

    def __getitem__(self, key: str) -> Any:
        try:
            return self._table[key]
        except KeyError:
            raise ConfigError(f"config: missing key `{key}`") from None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or a default."""
        return self._table.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, key: object) -> bool:
        return key in self._table
