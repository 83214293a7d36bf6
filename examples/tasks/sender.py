"""Sends results and dead letters, and returns when Kafka has them."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from records import CUT, dead_letter, encode, Headers, Record, shown_error, Task

log = logging.getLogger("worker")

# The least pause between two progress updates of a task: a progress bar needs no more.
PROGRESS_PAUSE = 0.1
# The pause before a record that Kafka did not accept is sent again.
SEND_PAUSE = 1.0


class GivenBack(Exception):
    """The worker stops before the task is settled; another worker will repeat it."""


class Sender:
    def __init__(
        self, properties: dict[str, Any], results: str, letters: str, stopping: threading.Event
    ) -> None:
        self._producer = Producer(
            {
                # Survives the loss of a broker, and the client's retries make no copies.
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                # After this `deliver` logs that Kafka does not answer, and retries.
                "message.timeout.ms": 30000,
                **properties,
            }
        )
        self._results = results
        self._letters = letters
        self._stopping = stopping

    def completed(self, task: Task, result: Any) -> None:
        """Ends a task. The record is the same for the same task: no time, no host name, no number
        of attempts. So a copy (this worker dies before it commits, and another repeats the task)
        has nothing new, and the gateway drops it."""
        value = encode({"taskId": task.id, "status": "completed", "result": result})
        self.deliver(self._results, task.id.encode(), value, task.trace)

    def failed(self, record: Record, task_id: str | None, attempts: int, error: BaseException) -> None:
        """Fails a task. The dead letter comes first, so that it exists when the user sees `failed`."""
        self._bury(record, task_id, attempts, error)
        if task_id is not None:
            value = encode({"taskId": task_id, "status": "failed", "error": shown_error(error)})
            self.deliver(self._results, task_id.encode(), value, record.trace)

    def notice(self, task: Task, status: str, **more: Any) -> None:
        """Sends progress without waiting: it may get lost, and is repeated with the task. It never
        follows the task's end, since one producer sends both in order."""
        value = encode({"taskId": task.id, "status": status, **more})
        try:
            self._producer.produce(
                self._results, key=task.id.encode(), value=value, headers=task.trace
            )
        except BufferError:  # Kafka is away, and the buffer is full
            pass
        except KafkaException as error:  # the topic is missing or denied, not an error of the task
            if error.args[0].fatal():
                raise
        self._producer.poll(0)

    def deliver(self, topic: str, key: bytes | None, value: bytes, headers: Headers) -> None:
        """Returns when Kafka has the record, however long that takes. Raises `GivenBack` if the
        worker stops meanwhile, and `KafkaException` for errors that do not pass."""
        while True:
            error = self._try(topic, key, value, headers)
            if error is None:
                return
            if error.fatal() or error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise KafkaException(error)
            log.warning("%s does not accept a record; retrying: %s", topic, error.str())
            if self._stopping.wait(SEND_PAUSE):
                raise GivenBack(f"{topic}: {error.str()}")

    def close(self) -> None:
        self._producer.flush(10)

    def _try(
        self, topic: str, key: bytes | None, value: bytes, headers: Headers
    ) -> KafkaError | None:
        said: list[KafkaError | None] = []
        try:
            self._producer.produce(
                topic,
                key=key,
                value=value,
                headers=headers,
                on_delivery=lambda error, _: said.append(error),
            )
        except KafkaException as error:
            refused: KafkaError = error.args[0]
            return refused
        except BufferError:
            self._producer.poll(SEND_PAUSE)
            return KafkaError(KafkaError._QUEUE_FULL)
        while not said:
            self._producer.flush(1)
        return said[0]

    def _bury(self, record: Record, task_id: str | None, attempts: int, error: BaseException) -> None:
        for cut in (False, True):
            letter = dead_letter(record, task_id, attempts, error, cut)
            key = None if cut and len(record.key or b"") > CUT else record.key
            try:
                return self.deliver(self._letters, key, letter, [] if cut else record.trace)
            except KafkaException as refused:
                if cut or refused.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise


class Progress:
    """Reports progress to the user: `progress(40)`, `progress(40, "half of the pages")`."""

    def __init__(self, sender: Sender, task: Task) -> None:
        self._sender = sender
        self._task = task
        self._last = -PROGRESS_PAUSE

    def __call__(self, percent: float, message: str | None = None) -> None:
        now = time.monotonic()
        if now - self._last < PROGRESS_PAUSE:
            return
        self._last = now
        more = {"message": message} if message is not None else {}
        self._sender.notice(self._task, "running", percent=percent, **more)
