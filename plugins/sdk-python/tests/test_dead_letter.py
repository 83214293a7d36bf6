import unittest
from types import SimpleNamespace
from typing import Any

from millstream import Drop, FailedRecord, Failure, Halt, Letter, Reroute, Retry, ToTopic
from millstream.testing import DeadLetterTest, TestFailure, TestRecord


def decided(decision: Any) -> Any:
    return DeadLetterTest(SimpleNamespace(decide=lambda failed: decision)).one(TestFailure("trap"))


class Decided(unittest.TestCase):
    def test_a_policy_receives_the_failure_and_the_record(self) -> None:
        def decide(failed: FailedRecord) -> Any:
            about = [failed.class_, failed.message, failed.attempts, failed.stage]
            self.assertEqual(about, ["trap", "m", 2, "route"])
            self.assertEqual((failed.plugin, failed.digest), ("plugin", "digest"))
            self.assertEqual(failed.record.value, b"v")
            return Drop()

        failure = TestFailure("trap", "m", TestRecord("v"), attempts=2, stage="route")
        DeadLetterTest(SimpleNamespace(decide=decide)).one(failure)

    def test_every_decision_survives_the_boundary(self) -> None:
        headers = (("h", b"1"), ("n", None))
        for decision in (
            Drop(),
            Halt(),
            Retry(200),
            ToTopic(),
            ToTopic(Letter("t", b"v", headers)),
            ToTopic(Letter(value=None)),
            Reroute("t", headers),
        ):
            self.assertEqual(decided(decision), decision)

    def test_the_daemon_s_checks_are_applied(self) -> None:
        with self.assertRaisesRegex(Failure, "bad-output: invalid topic name `a b`"):
            decided(Reroute("a b"))

    def test_an_error_of_the_author_is_raised(self) -> None:
        for decision, name in ((None, "NoneType"), (Drop, "Drop")):
            with self.assertRaisesRegex(TypeError, rf"decide must return .*, not {name}"):
                decided(decision)
