"""The command line of a worker."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    bootstrap: str
    requests: str
    results: str
    letters: str
    group: str
    attempts: int
    backoff: float
    properties: dict[str, str]

    @staticmethod
    def parse() -> Settings:
        """From the command line."""
        parser = argparse.ArgumentParser(description="A worker for tasks of the task gateway.")
        parser.add_argument("--bootstrap", default="127.0.0.1:9092", help="Kafka, host:port")
        parser.add_argument("--requests", default="task-requests", help="the topic to read")
        parser.add_argument("--results", default="task-results", help="the topic for results")
        parser.add_argument("--letters", help="the topic for dead letters (<requests>-dlq)")
        parser.add_argument("--group", default="task-workers", help="the consumer group")
        parser.add_argument("--attempts", type=int, default=5, help="attempts at a task that fails transiently")
        parser.add_argument("--backoff", type=float, default=0.5, help="seconds before the second attempt")
        more = "a property of librdkafka, such as -X security.protocol=SASL_SSL"
        parser.add_argument("-X", action="append", default=[], metavar="NAME=VALUE", help=more)
        given = parser.parse_args()
        return Settings(
            bootstrap=given.bootstrap,
            requests=given.requests,
            results=given.results,
            letters=given.letters or f"{given.requests}-dlq",
            group=given.group,
            attempts=given.attempts,
            backoff=given.backoff,
            properties=dict(one.split("=", 1) for one in given.X),
        )
