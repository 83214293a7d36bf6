"""A dead-letter policy under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Sequence, Union

from .. import dead_letter as kind
from ..failure import Failure
from . import checks
from .input import Clock, Flat, TestRecord, configured


@dataclass(frozen=True)
class TestFailure:
    """A failed test record. Its plugin is `plugin`, its digest `digest`."""

    #: For pytest: it is not a test.
    __test__ = False

    class_: str
    message: str = ""
    record: TestRecord = TestRecord()
    attempts: int = 1
    stage: str = "transform"


class DeadLetterTest:
    """A policy under test: a module, or an object with its functions."""

    def __init__(
        self, plugin: Any, config: Union[str, Mapping[str, Any], None] = None
    ) -> None:
        kind.check(plugin)
        configured(plugin, config)
        self.plugin = plugin
        self._clock = Clock()

    def run(
        self, failures: Sequence[TestFailure]
    ) -> List[Union[kind.Decision, Failure]]:
        """Runs one batch. Returns the decision on each failed record, or the
        failure that the daemon would make of the decision."""
        self._clock.begin(failure.record for failure in failures)
        flat = Flat([failure.record for failure in failures])
        failed = [
            kind.FailedRecord(
                index,
                failure.attempts,
                flat.push(failure.stage),
                flat.push(failure.class_),
                flat.push(failure.message),
                flat.push("plugin"),
                flat.push("digest"),
            )
            for index, failure in enumerate(failures)
        ]
        answer = kind.run(
            self.plugin, flat.arena, flat.origin, flat.records, flat.headers, failed
        )
        return [_read(answer, decision) for decision in answer.decisions]

    def one(self, failure: TestFailure) -> kind.Decision:
        """Decides on one failure. Raises the Failure of a wrong decision."""
        decided = self.run([failure])[0]
        if isinstance(decided, Failure):
            raise decided
        return decided


def _read(
    answer: kind.Answer, decision: kind.WireDecision
) -> Union[kind.Decision, Failure]:
    try:
        return _decision(answer, decision)
    except Failure as failure:
        return failure


def _decision(answer: kind.Answer, decision: kind.WireDecision) -> kind.Decision:
    if decision.action == 1:
        return kind.Retry(decision.delay_ms)
    if decision.action == 2:
        return kind.Drop()
    if decision.action == 3:
        return kind.Halt()
    arena = answer.arena
    named = checks.span(arena, decision.topic)
    topic = None if named is None else checks.topic(named)
    headers = checks.headers(
        arena, answer.headers, decision.first_header, decision.header_count
    )
    own = checks.span(arena, decision.value)
    checks.size([len(own or b"") + checks.headers_size(headers)])
    if decision.action == 4:
        return kind.Reroute(topic or "", headers)
    value = own if decision.value_from else kind.SAME
    return kind.ToTopic(kind.Letter(topic, value, headers))
