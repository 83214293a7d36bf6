"""JSON: strict when read, compact when written."""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import Any, Callable, Dict, Iterable, NoReturn, Optional

from .failure import Failure

_WHITESPACE = " \t\n\r"

#: As in serde_json. The stack of a plugin would hold about a thousand levels, and its
#: end is a trap.
_DEEPEST = 128
_NOT_BRACKETS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[^][{}"]+', re.DOTALL)
_LONE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"`{name}` is not JSON")


_scan: Callable[[str, int], Any] = json.JSONDecoder(
    parse_constant=_refuse_constant
).scan_once  # type: ignore[attr-defined, unused-ignore]


def parse(data: bytes) -> Any:
    """Parses all of `data`. Raises a Failure `malformed` with the reason and,
    where it is known, the byte (from 0)."""
    try:
        text = str(data, "utf-8")
        start = 0
        if text[:1] in _WHITESPACE:
            start = len(text) - len(text.lstrip(_WHITESPACE))
        if len(text) > _DEEPEST:
            _check_depth(text)
        value, end = _scan(text, start)
    except (ValueError, RecursionError, StopIteration) as error:
        raise _malformed(data, error) from None
    if end != len(text):
        rest = text[end:].lstrip(_WHITESPACE)
        if rest:
            at = len(text[: len(text) - len(rest)].encode())
            raise _not_expected(f"trailing characters, at byte {at}")
    if "\\u" in text:
        _check_surrogates(text, value)
    return value


def _check_depth(text: str) -> None:
    """Refuses what is nested too deeply; costs next to nothing for records with few
    brackets."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    brackets = _NOT_BRACKETS.sub("", text)
    for _ in range(_DEEPEST):
        # Without the innermost level.
        rest = brackets.replace("[]", "").replace("{}", "")
        if len(rest) == len(brackets):
            break
        brackets = rest
    else:
        if brackets:
            raise RecursionError
    if brackets.count("[") + brackets.count("{") > _DEEPEST:
        raise RecursionError


def _check_surrogates(text: str, value: Any) -> None:
    """Half of a surrogate pair can't be written as UTF-8 later."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        write(value)
    except UnicodeEncodeError:
        lone = _LONE.search(text)
        at = f", at byte {len(text[: lone.start()].encode())}" if lone else ""
        raise _not_expected(f"a string has half of a surrogate pair{at}") from None


def _malformed(data: bytes, error: BaseException) -> Failure:
    mark = _mark(data)
    if mark:
        return _not_expected(mark)
    if isinstance(error, UnicodeDecodeError):
        return _not_expected(f"it is not UTF-8, at byte {error.start}")
    if isinstance(error, RecursionError):
        return _not_expected(f"it is nested more than {_DEEPEST} levels deep")
    if isinstance(error, json.JSONDecodeError):
        what = (error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")
        return _not_expected(f"{what}, at byte {len(error.doc[: error.pos].encode())}")
    if isinstance(error, StopIteration):
        text = str(data, "utf-8")
        at = len(text[: error.value].encode())
        if text[error.value :]:
            return _not_expected(f"expected a value, at byte {at}")
        return _not_expected(f"EOF while parsing a value, at byte {at}")
    return _not_expected(str(error).split(";")[0])


def _not_expected(why: str) -> Failure:
    return Failure.malformed(f"not the expected JSON: {why}")


def _mark(data: bytes) -> Optional[str]:
    """A byte order mark, which some programs write. JSON must not have it (RFC
    8259, section 8.1)."""
    if data[:3] == b"\xef\xbb\xbf":
        return (
            "it begins with a byte order mark (EF BB BF), which the producer must "
            "leave out"
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "it begins with the byte order mark of UTF-16, and JSON is UTF-8"
    return None


def _default(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is not JSON")


#: The containers that are being written: one that contains itself is found.
_writing: Dict[int, Any] = {}


def _encoder() -> Callable[[Any, int], Iterable[str]]:
    """An encoder that is made once. `JSONEncoder.encode` makes one for each
    call, which takes longer than to encode a small object."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        plain = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        return lambda value, indent: plain.encode(value)
    string = getattr(json.encoder, "c_encode_basestring", None) or encode_basestring
    encode: Callable[[Any, int], Iterable[str]] = make(
        _writing, _default, string, None, ":", ",", False, False, False
    )
    return encode


_encode = _encoder()


def write(value: Any, what: str = "payload") -> bytes:
    """`value` as compact JSON. Raises a Failure `rejected` if it can't be
    written; `what` names it there."""
    try:
        return "".join(_encode(value, 0)).encode()
    except UnicodeEncodeError:
        raise
    except (TypeError, ValueError) as error:
        _writing.clear()
        why = str(error)
    except RecursionError:
        _writing.clear()
        why = "it is nested too deeply"
    raise Failure.rejected(f"the {what} can't be written as JSON: {why}")
