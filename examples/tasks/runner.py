"""Takes tasks from Kafka one at a time, has them handled, and commits what is settled.

What it promises: a task's offset is committed only when Kafka has its result, or its dead letter
and the result `failed`. So a task is done at least once. It is done again when a worker dies between
the two, or when its partition went to another worker in the midst of it. That is harmless to the
user, since the results are the same and the gateway ends a task once; whether it is harmless to what
`handle` does is up to `handle` (`Task.id` is the idempotency key).

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

# A task that takes longer has its partitions paused, so that we can poll beside it and keep them:
# `max.poll.interval.ms` is then no limit to a task. Pausing throws away what was fetched, so the
# many that are quicker don't pay for it.
QUICK = 1.0
# How often we poll beside a long task, and how soon a signal is seen.
TICK = 0.2
# How long a rebalance waits for the task in hand, so that it need not be done twice.
HAND_OVER = 5.0


class Transient(Exception):
    """Worth another attempt: raise it (or a ConnectionError or TimeoutError) for what may get better."""


@dataclass
class InHand:
    """The record that is being worked on."""

    record: Record
    settled: Future[bool]
    """Whether it may be committed."""
    lost: bool = False
    """Its partition is another worker's now: it is not ours to commit."""

    def is_of(self, partitions: list[TopicPartition]) -> bool:
        return self.record.place in {(p.topic, p.partition) for p in partitions}


class Runner:
    def __init__(self, settings: Settings, handle: Handle) -> None:
        self._settings = settings
        self._handle = handle
        self._stopping = threading.Event()
        common = {"bootstrap.servers": settings.bootstrap, **settings.properties}
        # For both: librdkafka says so in its log where a property is for one of them only.
        self._sender = Sender(common, settings.results, settings.letters, self._stopping)
        self._consumer = Consumer(
            {
                "group.id": settings.group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",  # a new group must not skip what was asked before
                "isolation.level": "read_committed",
                # Whoever joins or leaves, the others keep their partitions and go on.
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10000,  # how long a killed worker's tasks wait for another
                "queued.min.messages": 100,  # one at a time: no need to fetch far ahead
                **common,
            }
        )
        self._pool = ThreadPoolExecutor(1, "task")
        self._in_hand: InHand | None = None
        self._given = False
        # Records that came while another was in hand, from partitions that were just given to us.
        self._early: deque[Record] = deque()
        # What is settled and not committed yet: the next offset of each partition.
        self._done: dict[tuple[str, int], int] = {}

    def run(self) -> None:
        """Until SIGTERM or SIGINT. A second one of them ends it at once, as a crash would."""
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
                    self._commit()  # what could not be committed before
        finally:
            self._sender.close()
            self._consumer.close()  # leaves the group: the others get our partitions now
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
        log.warning("Kafka: %s", error.str())  # the client goes on trying
        return None

    def _work_on(self, record: Record) -> None:
        settled = self._pool.submit(self._settle, record)
        in_hand = self._in_hand = InHand(record, settled)
        wait([settled], QUICK)
        if not settled.done():
            self._poll_beside(settled)
        self._in_hand = None
        # An error that `_settle` does not expect ends the worker, with nothing committed.
        if settled.result() and not in_hand.lost:
            self._done[record.place] = record.offset + 1
            self._commit()

    def _poll_beside(self, settled: Future[bool]) -> None:
        """Keeps our place in the group until the task is settled."""
        self._consumer.pause(self._consumer.assignment())
        while not settled.done():
            self._given = False
            early = self._poll(0)
            if early is not None:
                self._early.append(early)
            if self._given:  # what we were just given is not paused
                self._consumer.pause(self._consumer.assignment())
            wait([settled], TICK)
        self._consumer.resume(self._consumer.assignment())

    # In the pool's thread, from here ...

    def _settle(self, record: Record) -> bool:
        """Works on a record until it may be committed (True) or is given back (False)."""
        try:
            return self._attempt(record)
        except GivenBack as why:
            log.warning("%s: leaving it to another worker: %s", record, why)
            return False

    def _attempt(self, record: Record) -> bool:
        try:
            task = task_of(record)
        except Exception as error:  # Poison, or what nobody thought of
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
        """Twice as long each time, and half of it by chance, so that many don't come back at once.
        The partition waits meanwhile, which is why attempts are bounded."""
        longest = min(30.0, self._settings.backoff * 2 ** (task.attempt - 1))
        delay = longest * random.uniform(0.5, 1)
        log.warning("task %s: retrying in %.1f s: %r", task.id, delay, error)
        self._sender.notice(task, "retrying", attempt=task.attempt + 1)
        if self._stopping.wait(delay):
            raise GivenBack("stopping before the next attempt")

    # ... to here. What follows is called by `poll`, in the main thread.

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if partitions:  # or there is no change for us
            log.info("assigned: %s", names(partitions))
            self._given = True

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """They are ours until this returns: time to finish, and to commit."""
        log.info("revoked: %s", names(partitions))
        in_hand = self._in_hand
        if in_hand is not None and in_hand.is_of(partitions):
            wait([in_hand.settled], HAND_OVER)
            if in_hand.settled.done() and in_hand.settled.exception() is None:
                if in_hand.settled.result():
                    self._done[in_hand.record.place] = in_hand.record.offset + 1
            else:
                log.warning("%s: not finished; another worker may repeat it", in_hand.record)
            in_hand.lost = True  # what is to be committed is committed here
        self._commit()
        self._forget(partitions)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """They are others' already, since the group missed us: no commit."""
        log.warning("lost: %s", names(partitions))
        if self._in_hand is not None and self._in_hand.is_of(partitions):
            self._in_hand.lost = True
        self._forget(partitions)

    def _forget(self, partitions: list[TopicPartition]) -> None:
        gone = {(p.topic, p.partition) for p in partitions}
        self._early = deque(record for record in self._early if record.place not in gone)
        self._done = {key: offset for key, offset in self._done.items() if key not in gone}

    def _commit(self) -> None:
        """A commit that fails is part of the next one, or of no one's if the partition goes away."""
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
    """Whether the producer is of no use any more: a new process has a new one."""
    cause = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return isinstance(cause, KafkaError) and cause.fatal()
