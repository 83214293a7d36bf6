"""A world without clock, randomness, files and network.

Those calls would end in a trap without a message, so each is replaced by a
function that says why it is refused. While the plugin is built, modules may
still be imported, and clock and randomness are constants: a build gives the
same plugin whenever it is made.
"""

from __future__ import annotations

import builtins
import datetime
import importlib
import importlib.machinery
import io
import os
import random
import sys
import time
from typing import Any, Callable, Dict, NoReturn, Optional, Sequence

#: Modules that the standard library imports only when a function needs them.
_LAZY = [
    "_strptime",
    "annotationlib",
    "stringprep",
    "unicodedata",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.hex_codec",
    "encodings.idna",
    "encodings.iso8859_1",
    "encodings.iso8859_15",
    "encodings.latin_1",
    "encodings.punycode",
    "encodings.raw_unicode_escape",
    "encodings.unicode_escape",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_32",
    "encodings.utf_32_be",
    "encodings.utf_32_le",
    "encodings.utf_8",
    "encodings.utf_8_sig",
]

_CLOCK = "a plugin has no clock, since the same record must always give the same events: use record.timestamp"
_RANDOM = "a plugin has no randomness, since the same record must always give the same events: use random.Random(seed) with a seed made of the record"
_FILES = "a plugin has no files, network or processes: read files while the module is imported, which happens when the plugin is built"


class NotAvailable(OSError):
    """A call that a plugin can't make."""


class _World:
    closed = False


def _refused(name: str, why: str) -> NotAvailable:
    return NotAvailable(f"{name} is not available: {why}")


def _until_closed(name: str, why: str, before: Callable[..., Any]) -> Callable[..., Any]:
    """`before` while the plugin is built, then a refusal."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if _World.closed:
            raise _refused(name, why)
        return before(*args, **kwargs)

    call.__name__ = call.__qualname__ = name.rsplit(".", 1)[-1]
    return call


def _constant(value: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: value


def _close_clock() -> None:
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, _until_closed(f"time.{name}", _CLOCK, _constant(0.0)))
        ns = f"{name}_ns"
        setattr(time, ns, _until_closed(f"time.{ns}", _CLOCK, _constant(0)))
    for name in ("clock_gettime", "clock_gettime_ns", "sleep"):
        setattr(time, name, _until_closed(f"time.{name}", _CLOCK, _constant(0)))
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _with_time(name, getattr(time, name), 1))
    time.strftime = _with_time("strftime", time.strftime, 2)
    time.asctime = _with_time("asctime", time.asctime, 1)
    _close_datetime()


def _with_time(name: str, real: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Without its last argument it would ask for the current time."""
    now = _until_closed(f"time.{name} without a time", _CLOCK, real)

    def call(*args: Any) -> Any:
        if len(args) < count or args[-1] is None:
            return now(*args)
        return real(*args)

    call.__name__ = call.__qualname__ = name
    return call


def _close_datetime() -> None:
    """The clock of `datetime` is in C; its classes are replaced by subclasses."""

    def now(name: str) -> Any:
        def call(cls: Any, tz: Any = None) -> NoReturn:
            raise _refused(name, _CLOCK)

        return classmethod(call)

    for base, methods in (
        (datetime.date, ("today",)),
        (datetime.datetime, ("now", "utcnow", "today")),
    ):
        name = base.__name__
        members: Dict[str, Any] = {"__module__": "datetime", "__slots__": ()}
        for method in methods:
            members[method] = now(f"datetime.{name}.{method}")
        own = _DateMeta(name, (base,), members)
        setattr(datetime, name, own)


class _DateMeta(type):
    """An object of the original class, or of a subclass of it, is an instance of
    the replacement too: `datetime` makes some in C."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, cls.__base__ or object)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.__base__ or object)


def _close_randomness() -> None:
    random.seed(0)
    for name, member in list(vars(random).items()):
        if getattr(member, "__self__", None) is getattr(random, "_inst", None):
            setattr(random, name, _until_closed(f"random.{name}", _RANDOM, member))
    real = random.Random.seed

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None:
            if _World.closed:
                raise _refused("random.Random() without a seed", _RANDOM)
            a = 0
        real(self, a, version)

    setattr(random.Random, "seed", seed)
    made: Any = random.Random.__new__

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        # The original asks for a random seed if it is given none.
        return made(cls, 0)

    setattr(random.Random, "__new__", new)
    urandom = _until_closed("os.urandom", _RANDOM, lambda size: bytes(size))
    os.urandom = urandom
    setattr(random, "_urandom", urandom)


#: What would reach for the host, in `os`.
_OS = (
    "access chdir chmod close dup fdopen fstat fsync ftruncate getcwd getcwdb link listdir "
    "lseek lstat mkdir open pipe read readlink remove rename replace rmdir scandir sendfile "
    "stat statvfs symlink system truncate unlink utime write getrandom kill _exit abort"
).split()


def _close_files() -> None:
    """Replaces what reaches for the host wherever a module has it by name."""
    inputs: Any = builtins.input
    reals = [("open", io.open), ("open", io.open_code), ("input", inputs)]
    reals += [(f"os.{name}", getattr(os, name)) for name in _OS if hasattr(os, name)]
    guarded = {id(real): _until_closed(name, _FILES, real) for name, real in reals}
    for module in list(sys.modules.values()):
        for name, member in list(getattr(module, "__dict__", {}).items()):
            found = guarded.get(id(member))
            if found is not None:
                setattr(module, name, found)


#: What would reach for the host, in `socket`.
_SOCKET = (
    "create_connection create_server fromfd getaddrinfo getfqdn gethostbyaddr gethostbyname "
    "gethostname getnameinfo getservbyname socketpair"
).split()


def _close_network() -> None:
    """Replaces what opens sockets, if a module of the author's has imported it."""
    socket: Any = sys.modules.get("socket")
    if socket is None:
        return
    for name in _SOCKET:
        if hasattr(socket, name):
            real = getattr(socket, name)
            setattr(socket, name, _until_closed(f"socket.{name}", _FILES, real))
    made = socket.socket.__init__
    socket.socket.__init__ = _until_closed("socket.socket", _FILES, made)


class _Discard(io.TextIOBase):
    """Where `print` writes to if the plugin does not import `millstream.log`."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


class _Refuse:
    """The last of the finders: nothing can be imported any more."""

    @staticmethod
    def find_spec(name: str, path: Optional[Sequence[str]] = None, target: Any = None) -> None:
        raise ModuleNotFoundError(
            f"can't import `{name}` now: a plugin has no files; import it at the top of "
            "your module, which happens when the plugin is built",
            name=name,
        )


def prepare() -> None:
    """Before the author's modules are imported."""
    _close_clock()
    _close_randomness()
    for name in _LAZY:
        try:
            importlib.import_module(name)
        except ImportError:
            # Of another version of Python.
            pass


def discard() -> None:
    """From now on what the plugin prints and logs is discarded."""
    out = _Discard()
    sys.stdout = sys.__stdout__ = out  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = out  # type: ignore[misc, assignment]
    logging = sys.modules.get("logging")
    if logging is not None:
        # Each record of a log would ask for the time.
        logging.disable()


def close(connect: Callable[[], object] = discard) -> None:
    """After they were imported. `connect` says where `print` and `logging` write to."""
    _close_files()
    _close_network()
    connect()
    sys.excepthook = lambda *about: None
    machinery = importlib.machinery
    sys.meta_path[:] = [machinery.BuiltinImporter, machinery.FrozenImporter, _Refuse]
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    _World.closed = True
