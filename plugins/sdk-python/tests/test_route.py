import unittest
from types import SimpleNamespace
from typing import Any

from millstream import Deliver, Destination, Failure, Needs, RoutedEvent
from millstream.testing import RouteTest, TestDestination, TestEvent, TestRecord


def shown(event: RoutedEvent) -> Destination:
    """Reports in its refusal what it received."""
    about = (event.name, event.client, event.group, event.connected, event.payload)
    raise Failure.rejected(f"{about} {event.kind} {event.record.key!r}")


class Routed(unittest.TestCase):
    def told(self, needs: Any, event: TestEvent) -> str:
        routed = RouteTest(SimpleNamespace(route=shown, needs=needs)).run([event])[0]
        assert isinstance(routed, Failure)
        self.assertEqual(routed.class_, "unroutable")
        return routed.message

    def test_a_route_receives_the_addressee_and_what_it_needs(self) -> None:
        record = TestRecord("value", key="k")
        client = TestEvent(client="a", kind="t", payload="1", connected=True, record=record)
        self.assertEqual(self.told(None, client), "('a', 'a', None, False, b'') t None")
        needs = Needs(connected=True, payload=True, record=True)
        self.assertEqual(self.told(needs, client), "('a', 'a', None, True, b'1') t b'k'")
        group = TestEvent(group="g")
        self.assertEqual(self.told(needs, group), "('g', None, 'g', True, b'{}')  None")
        self.assertEqual((needs.value, Needs(payload=True).value), (7, 2))

    def test_destinations(self) -> None:
        headers = [("a", "1"), ("n", None)]
        all_of = Destination(Deliver.NO, topic="t", key="k", headers=headers)
        route = RouteTest(SimpleNamespace(route=lambda event: all_of))
        expected = TestDestination(Deliver.NO, "t", b"k", (("a", b"1"), ("n", None)))
        self.assertEqual(route.run([TestEvent(client="a")] * 2), [expected, expected])

    def test_the_daemon_s_checks_are_applied(self) -> None:
        for destination, expected in (
            (Destination(topic=""), "bad-output: invalid topic name ``"),
            (Destination(topic="a b"), "bad-output: invalid topic name `a b`"),
            (
                Destination(topic="t", headers=[("", b"")]),
                "bad-output: a header name is empty or contains a NUL",
            ),
            (
                Destination(topic="t", headers=[("millstream.x", b"")]),
                "bad-output: header `millstream.x` is reserved: Millstream sets millstream.* "
                "itself",
            ),
            (
                Destination(topic="t", headers=[("a", b"")] * 101),
                "bad-output: it added 101 headers, at most 100 are allowed",
            ),
        ):
            route = RouteTest(SimpleNamespace(route=lambda event: destination))
            with self.assertRaises(Failure) as caught:
                route.one(TestEvent(client="a"))
            self.assertEqual(str(caught.exception), expected)

    def test_an_error_of_the_author_is_raised(self) -> None:
        for returned, expected in (
            (None, "route must return a Destination, not NoneType"),
            (Destination(key="k"), "needs a topic"),
        ):
            with self.assertRaisesRegex(TypeError, expected):
                RouteTest(SimpleNamespace(route=lambda event: returned)).run(
                    [TestEvent(client="a")]
                )
        with self.assertRaisesRegex(TypeError, "`needs` must be a Needs, not str"):
            RouteTest(SimpleNamespace(route=shown, needs="payload"))
