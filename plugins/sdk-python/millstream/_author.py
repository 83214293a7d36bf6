"""What the author wrote: a module or an object with functions."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Sequence

from .config import Config

#: No record is current.
NO_RECORD = 0xFFFFFFFF


class _Current:
    """The index of the record that the author's code is working on: the host
    wants to know it when that code raises, logs or asks for the time."""

    __slots__ = ("record", "times")

    def __init__(self) -> None:
        self.record = NO_RECORD
        #: In tests: the time at each record of the call.
        self.times: Sequence[int] = ()


current = _Current()


def function(author: Any, name: str, signature: str) -> Callable[..., Any]:
    """The author's function, or a TypeError that says what to write."""
    found = getattr(author, name, None)
    if not callable(found):
        where = getattr(author, "__name__", type(author).__name__)
        raise TypeError(f"{where} has no function `{signature}`")
    result: Callable[..., Any] = found
    return result


def takes(found: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with `count` arguments, as far as it says."""
    try:
        signature = inspect.signature(found)
    except Exception:
        # It has none, or one with annotations that are not for run time.
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def configure(author: Any, text: str) -> None:
    """Hands the configuration over. Without `configure` there must be none."""
    current.record = NO_RECORD
    config = Config(text)
    own = getattr(author, "configure", None)
    if own is None:
        config.none()
    else:
        own(config)
