"""What the author wrote: a module or an object with functions."""

from __future__ import annotations

from typing import Any, Callable

from .config import Config

#: No record is current.
NO_RECORD = 0xFFFFFFFF


class _Current:
    """The index of the record that the author's code is working on: the host
    wants to know it when that code raises."""

    __slots__ = ("record",)

    def __init__(self) -> None:
        self.record = NO_RECORD


current = _Current()


def function(author: Any, name: str, signature: str) -> Callable[..., Any]:
    """The author's function, or a TypeError that says what to write."""
    found = getattr(author, name, None)
    if not callable(found):
        where = getattr(author, "__name__", type(author).__name__)
        raise TypeError(f"{where} has no function `{signature}`")
    result: Callable[..., Any] = found
    return result


def configure(author: Any, text: str) -> None:
    """Hands the configuration over. Without `configure` there must be none."""
    current.record = NO_RECORD
    config = Config(text)
    own = getattr(author, "configure", None)
    if own is None:
        config.none()
    else:
        own(config)
