"""Records of Kafka: a request becomes a `Task`, and a failed record becomes a dead letter."""

from __future__ import annotations

import base64
import json
import traceback
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Sequence

from confluent_kafka import Message, TopicPartition

Headers = list[tuple[str, str | bytes | None]]

# Copied from the request to results and dead letters (W3C Trace Context).
TRACE = ("traceparent", "tracestate")
# Bytes that are kept of a value that makes its dead letter too large; the source topic has the rest.
CUT = 64 * 1024
# Characters that are kept of an error.
MESSAGE, STACK = 2000, 64 * 1024


class Poison(Exception):
    """The record is not a task. `task_id`: the task whose owner can still be told, if known."""

    def __init__(self, why: str, task_id: str | None = None) -> None:
        super().__init__(why)
        self.task_id = task_id


@dataclass(frozen=True)
class Task:
    """The argument of `handle`."""

    id: str
    """The same at every attempt, in every worker: use it as the idempotency key of your calls."""
    payload: Any
    """The JSON that was posted."""
    client: str | None
    """The client that submitted it."""
    attempt: int
    """Counts from 1."""
    trace: Headers
    """`traceparent` and `tracestate`, if the request had them: for your calls."""


@dataclass(frozen=True)
class Record:
    """A record of Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers | None
    """None if a name is not UTF-8: then Kafka's client can't read any header."""

    @property
    def place(self) -> tuple[str, int]:
        return self.topic, self.partition

    @property
    def trace(self) -> Headers:
        return [header for header in self.headers or [] if header[0] in TRACE]

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def record_of(message: Message) -> Record:
    """Converts a message. Call it once: its headers must not be read again (see below)."""
    key, value = message.key(), message.value()
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        key=key.encode() if isinstance(key, str) else key,
        value=value.encode() if isinstance(value, str) else value,
        headers=headers_of(message),
    )


# confluent-kafka 2.16 does not report a name that is not UTF-8: it returns headers with a hole, and
# reading that crashes. Called like this, Python detects the error.
ask_headers = methodcaller("headers")


def headers_of(message: Message) -> Headers | None:
    try:
        headers = ask_headers(message) or []
    except (SystemError, UnicodeDecodeError):
        return None
    return list(headers.items() if isinstance(headers, dict) else headers)


def task_of(record: Record) -> Task:
    """The task of a record of the request topic; raises `Poison` if it has none."""
    try:
        request = json.loads(record.value or b"")
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Poison(f"the value is not JSON: {error}") from error
    except (ValueError, RecursionError) as error:  # a number too long, or nested too deeply
        # The gateway accepts more JSON than Python, and its records have the task's id as their key.
        task_id = shown(record.key)
        known = task_id if isinstance(task_id, str) and task_id else None
        raise Poison(f"Python can't read the value: {error}", known) from error
    task_id = request.get("taskId") if isinstance(request, dict) else None
    if not isinstance(task_id, str) or not task_id or readable(task_id) != task_id:
        raise Poison("the value has no `taskId`")
    client = shown(dict(record.headers or []).get("millstream.client"))
    return Task(
        id=task_id,
        payload=request.get("payload"),
        client=client if isinstance(client, str) else None,
        attempt=1,
        trace=record.trace,
    )


def encode(document: Any) -> bytes:
    """JSON that browsers can read: NaN is an error."""
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def dead_letter(
    record: Record, task_id: str | None, attempts: int, error: BaseException, cut: bool = False
) -> bytes:
    """The whole record, and why it failed. `cut`: with the first bytes of its parts only."""
    part = first_bytes if cut else shown
    headers = record.headers and [[name, part(value)] for name, value in record.headers]
    if cut and headers and len(encode(headers)) > CUT:
        headers = None
    return encode(
        {
            "taskId": task_id,
            "attempts": attempts,
            "error": {
                **shown_error(error),
                "stack": readable("".join(traceback.format_exception(error))[-STACK:]),
            },
            "record": {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp": record.timestamp,
                "key": part(record.key),
                "value": part(record.value),
                "headers": headers,
            },
        }
    )


def first_bytes(value: bytes | str | None) -> Any:
    """As `shown`, but of a long value its first bytes and its length."""
    data = value.encode(errors="surrogateescape") if isinstance(value, str) else value
    if data is None or len(data) <= CUT:
        return shown(value)
    return {"base64": base64.b64encode(data[:CUT]).decode(), "bytes": len(data)}


def shown(value: bytes | str | None) -> Any:
    """Text as text, other bytes as `{"base64": ...}`, an absent value as null."""
    if value is None or isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def shown_error(error: BaseException) -> dict[str, str]:
    """The part of an error that a user may see."""
    return {"type": type(error).__name__, "message": readable(str(error)[:MESSAGE])}


def readable(text: str) -> str:
    """Replaces unpaired surrogates, which can't be encoded as UTF-8."""
    return text.encode(errors="replace").decode()


def names(partitions: Sequence[TopicPartition]) -> str:
    """Partitions for log lines."""
    return ", ".join(f"{p.topic}/{p.partition}" for p in partitions)
