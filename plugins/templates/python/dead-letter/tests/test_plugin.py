import unittest

import plugin
from millstream import Drop
from millstream.testing import DeadLetterTest, TestFailure


class Policy(unittest.TestCase):
    def test_a_rejected_record_is_dropped(self) -> None:
        failure = TestFailure("rejected", "the total is negative")
        self.assertEqual(DeadLetterTest(plugin).one(failure), Drop())
