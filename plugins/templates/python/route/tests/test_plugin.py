import unittest

import plugin
from millstream.testing import RouteTest, TestEvent


class Audits(unittest.TestCase):
    def test_audits_go_to_their_topic_too(self) -> None:
        route = RouteTest(plugin)
        audit = route.one(TestEvent(client="ada", kind="audit"))
        self.assertEqual((audit.topic, audit.key), ("audit", b"ada"))
        self.assertIsNone(route.one(TestEvent(client="ada", kind="order")).topic)
