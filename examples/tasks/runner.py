"""Reads tasks from Kafka one at a time, runs `handle`, and commits settled tasks.

A task's offset is committed only when Kafka has its result, or its dead letter and the result
`failed`. So a task is done at least once. It is repeated if a worker dies in between, or if its
partition moves to another worker while it runs. The user does not notice, since the results are the
same and the gateway ends a task once. `handle` must make its own effects idempotent (`Task.id` is
the idempotency key).

One task at a time: for more, start more workers, up to the number of the topic's partitions.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from records import Poison, Record, Task, names, record_of, task_of
from sender import GivenBack, Progress, Sender
from settings import Settings

log = logging.getLogger("worker")

Handle = Callable[[Task, Progress], Any]

# Seconds after which the partitions of a task are paused, so that polling goes on and keeps them:
# `max.poll.interval.ms` then does not limit a task. Pausing discards fetched records, so quick tasks
# avoid it.
QUICK = 1.0
# Seconds between two polls during a long task, and until a signal is noticed.
TICK = 0.2
# Seconds that a rebalance waits for the current task, so that it is not repeated.
HAND_OVER = 5.0


class Transient(Exception):
    """Raise it (or a ConnectionError or TimeoutError) for errors that may pass: the task is retried."""


@dataclass
class InHand:
    """The record that is being processed."""

    record: Record
    settled: Future[bool]
    """Whether it may be committed."""
    lost: bool = False
    """Another worker has its partition now, so it must not be committed here."""

    def is_of(self, partitions: list[TopicPartition]) -> bool:
        return self.record.place in {(p.topic, p.partition) for p in partitions}


class Runner:
    def __init__(self, settings: Settings, handle: Handle) -> None:
        self._settings = settings
        self._handle = handle
        self._stopping = threading.Event()
        common = {"bootstrap.servers": settings.bootstrap, **settings.properties}
        # For producer and consumer: librdkafka logs a property that is for one of them only.
        self._sender = Sender(common, settings.results, settings.letters, self._stopping)
        self._consumer = Consumer(
            {
                "group.id": settings.group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",  # a new group must not skip earlier tasks
                "isolation.level": "read_committed",
                # When a worker joins or leaves, the others keep their partitions.
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10000,  # how long a killed worker's tasks wait for another
                "queued.min.messages": 100,  # one at a time: no need to fetch far ahead
                **common,
            }
        )
        self._pool = ThreadPoolExecutor(1, "task")
        self._in_hand: InHand | None = None
        self._given = False
        # Records that arrived during another task, from newly assigned partitions.
        self._early: deque[Record] = deque()
        # Settled and not committed yet: the next offset of each partition.
        self._done: dict[tuple[str, int], int] = {}

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT. A second signal ends the process at once, like a crash."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._consumer.subscribe(
            [self._settings.requests],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        try:
            while not self._stopping.is_set():
                record = self._early.popleft() if self._early else self._poll(TICK)
                if record is not None:
                    self._work_on(record)
                else:
                    self._commit()  # retries failed commits
        finally:
            self._sender.close()
            self._consumer.close()  # leaves the group, so that its partitions move at once
            log.info("stopped")

    def _stop(self, number: int, _frame: Any) -> None:
        log.info("%s: finishing the task in hand", signal.Signals(number).name)
        self._stopping.set()
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, signal.SIG_DFL)

    def _poll(self, seconds: float) -> Record | None:
        message = self._consumer.poll(seconds)
        if message is None:
            return None
        error = message.error()
        if error is None:
            return record_of(message)
        if error.fatal():
            raise KafkaException(error)
        log.warning("Kafka: %s", error.str())  # the client retries
        return None

    def _work_on(self, record: Record) -> None:
        settled = self._pool.submit(self._settle, record)
        in_hand = self._in_hand = InHand(record, settled)
        wait([settled], QUICK)
        if not settled.done():
            self._poll_beside(settled)
        self._in_hand = None
        # An unexpected error ends the worker without a commit.
        if settled.result() and not in_hand.lost:
            self._done[record.place] = record.offset + 1
            self._commit()

    def _poll_beside(self, settled: Future[bool]) -> None:
        """Keeps the membership in the group until the task is settled."""
        self._consumer.pause(self._consumer.assignment())
        while not settled.done():
            self._given = False
            early = self._poll(0)
            if early is not None:
                self._early.append(early)
            if self._given:  # new partitions are not paused
                self._consumer.pause(self._consumer.assignment())
            wait([settled], TICK)
        self._consumer.resume(self._consumer.assignment())

    # The following methods run in the pool's thread.

    def _settle(self, record: Record) -> bool:
        """Processes a record until it may be committed (True) or is left to another worker (False)."""
        try:
            return self._attempt(record)
        except GivenBack as why:
            log.warning("%s: leaving it to another worker: %s", record, why)
            return False

    def _attempt(self, record: Record) -> bool:
        try:
            task = task_of(record)
        except Exception as error:  # Poison, or an unexpected error
            log.error("%s: sending it to %s: %s", record, self._settings.letters, error)
            task_id = error.task_id if isinstance(error, Poison) else None
            self._sender.failed(record, task_id, 0, error)
            return True
        while True:
            try:
                result = self._handle(task, Progress(self._sender, task))
                self._sender.completed(task, result)
                return True
            except GivenBack:
                raise
            except (Exception, SystemExit) as error:
                if is_fatal(error):
                    raise
                if not is_transient(error) or task.attempt >= self._settings.attempts:
                    log.exception("%s: task %s failed", record, task.id)
                    self._sender.failed(record, task.id, task.attempt, error)
                    return True
                self._back_off(task, error)
                task = replace(task, attempt=task.attempt + 1)

    def _back_off(self, task: Task, error: BaseException) -> None:
        """Waits twice as long each time, half of it random, so that retries spread. The partition
        waits meanwhile, so attempts are limited."""
        longest = min(30.0, self._settings.backoff * 2 ** (task.attempt - 1))
        delay = longest * random.uniform(0.5, 1)
        log.warning("task %s: retrying in %.1f s: %r", task.id, delay, error)
        self._sender.notice(task, "retrying", attempt=task.attempt + 1)
        if self._stopping.wait(delay):
            raise GivenBack("stopping before the next attempt")

    # `poll` calls the following methods, in the main thread.

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:  # empty if nothing changed for this worker
            log.info("assigned: %s", names(partitions))
            self._given = True

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """The partitions stay assigned until this returns: finish and commit."""
        log.info("revoked: %s", names(partitions))
        in_hand = self._in_hand
        if in_hand is not None and in_hand.is_of(partitions):
            wait([in_hand.settled], HAND_OVER)
            if in_hand.settled.done() and in_hand.settled.exception() is None:
                if in_hand.settled.result():
                    self._done[in_hand.record.place] = in_hand.record.offset + 1
            else:
                log.warning("%s: not finished; another worker may repeat it", in_hand.record)
            in_hand.lost = True  # its offset is committed here
        self._commit()
        self._forget(partitions)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """The session timed out and others have the partitions: no commit."""
        log.warning("lost: %s", names(partitions))
        if self._in_hand is not None and self._in_hand.is_of(partitions):
            self._in_hand.lost = True
        self._forget(partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        gone = {(p.topic, p.partition) for p in partitions}
        self._early = deque(record for record in self._early if record.place not in gone)
        self._done = {key: offset for key, offset in self._done.items() if key not in gone}

    def _commit(self) -> None:
        """A failed commit is repeated with the next one, unless the partition moves away."""
        offsets = [TopicPartition(*key, offset) for key, offset in self._done.items()]
        if not offsets:
            return
        try:
            answers = self._consumer.commit(offsets=offsets, asynchronous=False) or []
            errors = [p.error for p in answers if p.error is not None]
        except KafkaException as error:
            errors = [error.args[0]]
        if errors:
            log.warning("can't commit offsets; retrying: %s", errors[0].str())
        else:
            self._done.clear()


def is_transient(error: BaseException) -> bool:
    return isinstance(error, (Transient, ConnectionError, TimeoutError))


def is_fatal(error: BaseException) -> bool:
    """Whether the producer is broken for good, so that the process must end."""
    cause = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return isinstance(cause, KafkaError) and cause.fatal()
