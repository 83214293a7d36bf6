#!/usr/bin/env python3
"""A worker: replace `handle` with what your tasks do, and keep the rest.

    worker.py --bootstrap 127.0.0.1:9092

`worker.py --help` shows every option. SIGTERM and SIGINT finish the current task, commit, and leave
the group. An unfinished task is repeated by another worker.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from records import Task
from runner import Runner, Transient
from sender import Progress
from settings import Settings


def handle(task: Task, progress: Progress) -> Any:
    """Does a task and returns its result, which must be JSON. Transient, ConnectionError and
    TimeoutError are retried with growing pauses. Any other exception fails the task: a dead letter
    gets the stack, and the user sees `failed` with the error's type and message. (So don't put
    secrets into them.)

    The result must depend on the task alone, since a task may be repeated. Call `progress` as often
    as you like.
    """
    match task.payload:
        case {"kind": "sum", "numbers": [*numbers]}:
            return {"sum": sum(numbers)}
        case {"kind": "slow", "seconds": int() | float() as seconds} if 0 <= seconds <= 3600:
            return slow(seconds, progress)
        case {"kind": "flaky", "failures": int(failures)}:
            if task.attempt <= failures:
                raise Transient(f"attempt {task.attempt} was not lucky")
            return {"lucky": True}
        case {"kind": "poison"}:
            raise RuntimeError("this task can't be done")
    raise ValueError("unknown task: `kind` is sum, slow, flaky or poison")


def slow(seconds: float, progress: Progress) -> dict[str, float]:
    steps = max(1, int(seconds * 10))
    for step in range(steps):
        progress(round(100 * step / steps), f"step {step + 1} of {steps}")
        time.sleep(seconds / steps)
    return {"slept": seconds}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    Runner(Settings.parse(), handle).run()
