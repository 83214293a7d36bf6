"""What all components share."""

from __future__ import annotations

import gc
import sys
import types as python_types
from types import TracebackType
from typing import Any, Callable, List, Optional, Tuple

from componentize_py_types import Err  # type: ignore[import-not-found]
from wit_world import exports as _exports  # type: ignore[import-not-found]
from wit_world.imports import diagnostics, types  # type: ignore[import-not-found]

from .. import _author, _shape, _wire
from ..config import ConfigError
from ..record import Record
from . import closed

#: Imported for the runtime, which wants it when the world is closed.
_ = _exports

#: Where the build puts the folder of the author's modules, and its name.
_AUTHOR = "/0/"
_FOLDER = "src/"

#: Standard output and standard error, if they are logged.
_lines: List[Any] = []


def load(check: Callable[[Any], None]) -> Any:
    """Imports the author's module and closes the world."""
    # The runtime makes these of what the host sends.
    types.Span = _wire.InSpan
    types.Header = _wire.InHeader
    types.Origin = _wire.Origin
    types.KafkaRecord = Record
    closed.prepare()
    import plugin  # type: ignore[import-not-found]

    check(plugin)
    _read_ahead(plugin)
    _ask_clock()
    closed.close(_logged())
    # What lives now lives as long as an instance: the collector need not look at it.
    gc.collect()
    gc.freeze()
    return plugin


def _read_ahead(plugin: python_types.ModuleType) -> None:
    """Makes the readers of the author's dataclasses, so that instances need not."""
    for member in list(vars(plugin).values()):
        if isinstance(member, type) and hasattr(member, "__dataclass_fields__"):
            for strict in (False, True):
                try:
                    _shape.reader(member, strict)
                except (TypeError, NameError):
                    # It is not for JSON.
                    pass


def _ask_clock() -> None:
    """The host's time for an author who imported `millstream.clock`."""
    clock = sys.modules.get("millstream.clock")
    if clock is not None:
        from wit_world.imports import clock as host

        setattr(clock, "_at", host.at)


def _logged() -> Callable[[], None]:
    """Connects the host's log for an author who imported `millstream.log`."""
    if "millstream.log" not in sys.modules:
        return closed.discard
    from wit_world.imports import log as host

    from . import logged

    def write(record: int, level: str, message: str) -> None:
        host.write(record, host.Level[level.upper()], _wire.shortened(message))

    return lambda: _lines.extend(logged.connect(write))


def configure(plugin: Any, text: str) -> None:
    """Configures the plugin; its refusal becomes the contract's error."""
    try:
        _author.configure(plugin, text)
    except ConfigError as error:
        raise Err(_wire.shortened(str(error))) from None
    except BaseException as error:
        report(error)
        raise
    finally:
        _end_lines()
    gc.freeze()


def call(run: Callable[..., Any], *arguments: Any) -> Any:
    """Runs the plugin over a batch; an error is reported."""
    try:
        return run(*arguments)
    except BaseException as error:
        report(error)
        raise
    finally:
        _end_lines()


def _end_lines() -> None:
    for lines in _lines:
        lines.end()


def report(error: BaseException) -> None:
    """Tells the host what was raised, and where, just before the trap."""
    diagnostics.panicked(_author.current.record, _wire.shortened(message(error)))


def message(error: BaseException) -> str:
    """Type, text and place in the author's code."""
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__qualname__
    what = f"{name}: {text}" if text else name
    place = _place(error.__traceback__)
    return f"{what}, at {place[0]}:{place[1]}" if place else what


def _place(trace: Optional[TracebackType]) -> Optional[Tuple[str, int]]:
    """The innermost line of the author's."""
    found = None
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(_AUTHOR):
            found = (_FOLDER + file[len(_AUTHOR) :], trace.tb_lineno)
        trace = trace.tb_next
    return found
