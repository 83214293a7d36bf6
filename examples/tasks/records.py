"""What is in Kafka: a request becomes a `Task`, and a record that failed becomes a dead letter."""

from __future__ import annotations

import base64
import json
import traceback
from dataclasses import dataclass
from typing import Any, Sequence

from confluent_kafka import Message, TopicPartition

Headers = list[tuple[str, str | bytes | None]]

# These go from the request to everything that comes of it (W3C Trace Context).
TRACE = ("traceparent", "tracestate")
# What is kept of a value that makes its dead letter too large; the rest is where the record was.
CUT = 64 * 1024


class Poison(Exception):
    """The record is no task at all, so nobody can be told."""


@dataclass(frozen=True)
class Task:
    """What `handle` is given."""

    id: str
    """The same at every attempt, in every worker: use it as the idempotency key of what you call."""
    payload: Any
    """The JSON that was posted."""
    client: str | None
    """Who asked for it, as the gateway knows them."""
    attempt: int
    """1 at first."""
    trace: Headers
    """`traceparent` and `tracestate`, if the request had them: for what you call."""


def task_of(record: Message) -> Task:
    """The task that a record of the request topic asks for; raises `Poison` if it asks for none."""
    try:
        request = json.loads(record.value() or b"")
    except ValueError as error:  # not UTF-8 either
        raise Poison(f"the value is not JSON: {error}") from error
    task_id = request.get("taskId") if isinstance(request, dict) else None
    if not isinstance(task_id, str) or not task_id:
        raise Poison("the value has no `taskId`")
    client = shown(dict(headers_of(record)).get("millstream.client"))
    return Task(
        id=task_id,
        payload=request.get("payload"),
        client=client if isinstance(client, str) else None,
        attempt=1,
        trace=trace_of(record),
    )


def headers_of(record: Message) -> Headers:
    headers = record.headers() or []
    return list(headers.items() if isinstance(headers, dict) else headers)


def trace_of(record: Message) -> Headers:
    return [header for header in headers_of(record) if header[0] in TRACE]


def encode(document: Any) -> bytes:
    """JSON as browsers read it: NaN is an error here, since it would be one there."""
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def dead_letter(
    record: Message, task_id: str | None, attempts: int, error: BaseException, cut: bool = False
) -> bytes:
    """The record as it was, and why it failed. `cut`: with the first bytes of its value only."""
    value = record.value()
    if cut and value is not None:
        kept: Any = {"base64": base64.b64encode(value[:CUT]).decode(), "bytes": len(value)}
    else:
        kept = shown(value)
    return encode(
        {
            "taskId": task_id,
            "attempts": attempts,
            "error": {
                "type": type(error).__name__,
                "message": readable(str(error)),
                "stack": readable("".join(traceback.format_exception(error))),
            },
            "record": {
                "topic": record.topic(),
                "partition": record.partition(),
                "offset": record.offset(),
                "timestamp": record.timestamp()[1],
                "key": shown(record.key()),
                "value": kept,
                "headers": [[name, shown(value)] for name, value in headers_of(record)],
            },
        }
    )


def shown(value: bytes | str | None) -> Any:
    """Text as text, other bytes as `{"base64": ...}`, and what is absent as null."""
    if value is None or isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def readable(text: str) -> str:
    """Half a surrogate pair, which a message may hold, can't be written as UTF-8."""
    return text.encode(errors="replace").decode()


def place(record: Message) -> tuple[str, int]:
    """Its topic and partition."""
    return record.topic() or "", record.partition() or 0


def offset_after(record: Message) -> int:
    """What is committed when it is done: where to go on."""
    return (record.offset() or 0) + 1


def where(record: Message) -> str:
    """As people read it."""
    return f"{record.topic()}/{record.partition()}/{record.offset()}"


def names(partitions: Sequence[TopicPartition]) -> str:
    """Partitions as people read them."""
    return ", ".join(f"{p.topic}/{p.partition}" for p in partitions)
