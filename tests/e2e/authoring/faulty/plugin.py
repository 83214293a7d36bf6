"""A transform that does what its record says."""

import datetime
import os
import random
import socket
import threading
import time
from dataclasses import dataclass

from millstream import Events, Failure, Record


@dataclass
class Order:
    id: int


def deep(n):
    return deep(n + 1) + 1


def refused():
    raise Failure.rejected("not today")


def transform(record: Record, events: Events) -> None:
    faults = {
        "throw": lambda: 1 / 0,
        "key": lambda: {}["customer"],
        "none": lambda: None.name,
        "failure": refused,
        "json": lambda: record.json(Order),
        "clock": lambda: time.time(),
        "date": lambda: datetime.datetime.now(),
        "random": lambda: random.random(),
        "sleep": lambda: time.sleep(1),
        "file": lambda: open("/etc/hostname"),
        "environment": lambda: os.environ["HOME"],
        "thread": lambda: threading.Thread(target=deep).start(),
        "network": lambda: socket.create_connection(("127.0.0.1", 80)),
        "recursion": lambda: deep(0),
        "empty": lambda: events.client("", text=""),
        "reserved": lambda: events.client("a", kind="open", text=""),
        "control": lambda: events.group("a\nb", text=""),
        "print": lambda: print("nobody reads this"),
    }
    fault = faults.get(record.text())
    if fault:
        fault()
