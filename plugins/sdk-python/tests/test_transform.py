import unittest
from types import SimpleNamespace
from typing import Any, Callable

from millstream import ConfigError, Events, Failure, Record, Tombstones
from millstream.testing import TestRecord, TransformTest


def testing(transform: Callable[[Record, Events], Any]) -> TransformTest:
    return TransformTest(SimpleNamespace(transform=transform))


class Records(unittest.TestCase):
    def test_a_record_has_all_that_kafka_has(self) -> None:
        def transform(record: Record, events: Events) -> None:
            self.assertEqual((record.topic, record.partition), ("topic", 0))
            self.assertEqual((record.offset, record.timestamp), (1, 5))
            self.assertEqual((record.key, record.value), (b"k", b'"v"'))
            self.assertEqual(record.headers, [("h", b"1"), ("h", b"2"), ("n", None)])
            self.assertEqual((record.header("h"), record.header("n")), (b"2", None))
            self.assertEqual((record.text(), record.json()), ('"v"', "v"))
            events.client("seen", text="")

        headers = [("h", b"1"), ("h", "2"), ("n", None)]
        full = TestRecord('"v"', key="k", headers=headers, timestamp=5)
        second = testing(lambda r, e: transform(r, e) if r.offset else None)
        self.assertEqual(len(second.run([TestRecord("x"), full])[1]), 1)

    def test_absent_is_not_empty(self) -> None:
        def transform(record: Record, events: Events) -> None:
            shown = [record.key, record.value, record.timestamp, record.header("x")]
            events.client("a", text=repr(shown))

        test = testing(transform)
        absent, empty = TestRecord(), TestRecord("", key="")
        self.assertEqual(test.one(absent)[0].payload, "[None, None, None, None]")
        self.assertEqual(test.one(empty)[0].payload, "[b'', b'', None, None]")

    def test_a_value_that_is_no_text_is_malformed(self) -> None:
        test = testing(lambda record, events: events.client("a", text=record.text()))
        with self.assertRaisesRegex(Failure, "malformed: the value is not UTF-8, at byte 1"):
            test.one(TestRecord(b"a\xff"))
        with self.assertRaisesRegex(Failure, "the record has no value"):
            test.one(TestRecord())


class Made(unittest.TestCase):
    def test_events_for_clients_groups_and_tasks_are_distinguished(self) -> None:
        def transform(_: Record, events: Events) -> None:
            events.client("a", kind="own", text="1")
            events.group("a", text="2")
            events.task("a", bytes=b"2")
            events.group("b", kind="all", json=None)

        made = testing(transform).one(TestRecord("x"))
        shown = [(e.client, e.group, e.task, e.kind, e.payload) for e in made]
        expected = [
            ("a", "", "", "own", "1"),
            ("", "a", "", "", "2"),
            ("", "", "a", "", "2"),
            ("", "b", "", "all", "null"),
        ]
        self.assertEqual(shown, expected)

    def test_a_failed_record_leaves_no_events(self) -> None:
        def transform(record: Record, events: Events) -> None:
            events.client("a", kind="k", text=record.text())
            if record.value == b"2":
                raise Failure.transient("later")

        made = testing(transform).run([TestRecord(n) for n in ("1", "2", "3")])
        self.assertEqual(made[1], Failure.transient("later"))
        self.assertEqual([made[0][0].payload, made[2][0].payload], ["1", "3"])

    def test_an_error_of_the_author_is_raised(self) -> None:
        for transform, expected in (
            (lambda r, e: {}["x"], "KeyError"),
            (lambda r, e: e.client("a"), "an event needs one payload"),
            (lambda r, e: e.client("a", text="", json=1), "an event needs one payload"),
            (lambda r, e: e.client(7, json=1), "the addressee must be a str, not int"),
            (lambda r, e: e.client("a", kind=7, json=1), "the event type must be a str"),
            (lambda r, e: e.client("a", bytes="x"), "must be bytes, not str"),
            (lambda r, e: [], "transform must return nothing, not list"),
        ):
            with self.assertRaisesRegex((TypeError, KeyError), "") as caught:
                testing(transform).run([TestRecord("x")])
            self.assertIn(expected, repr(caught.exception))

    def test_a_plugin_without_transform_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, r"no function `transform\(record, events\)`"):
            TransformTest(SimpleNamespace())

    def test_a_plugin_without_configure_has_no_configuration(self) -> None:
        plugin = SimpleNamespace(transform=lambda record, events: None)
        with self.assertRaisesRegex(ConfigError, "unknown key `x`"):
            TransformTest(plugin, {"x": 1})


class Checked(unittest.TestCase):
    def failure(self, transform: Callable[[Record, Events], Any]) -> str:
        with self.assertRaises(Failure) as caught:
            testing(transform).one(TestRecord("x"))
        return str(caught.exception)

    def test_the_daemon_s_checks_are_applied(self) -> None:
        def events_of(**given: Any) -> Callable[[Record, Events], Any]:
            return lambda record, events: events.client("a", **given)

        for transform, expected in (
            (lambda r, e: e.client("", json=1), "bad-output: the client id is empty"),
            (
                lambda r, e: e.group("x" * 257, json=1),
                "bad-output: the group name has 257 bytes; the limit is 256",
            ),
            (
                lambda r, e: e.task("ü\n", json=1),
                "bad-output: the task id contains a control character at byte 2",
            ),
            (
                events_of(kind="gap", text=""),
                "bad-output: the event type `gap` is reserved (as are gap, open, error and "
                "millstream.*)",
            ),
            (
                events_of(kind="millstream.x", text=""),
                "bad-output: the event type `millstream.x` is reserved (as are gap, open, "
                "error and millstream.*)",
            ),
            (
                events_of(kind="a\rb", text=""),
                "bad-output: the event type contains a control character",
            ),
            (
                events_of(kind="x" * 257, text=""),
                "bad-output: the event type has 257 bytes; the limit is 256",
            ),
            (events_of(bytes=b"a\xff"), "bad-output: the payload is not UTF-8 at byte 1"),
            (
                lambda r, e: [e.client("a", text="") for _ in range(1001)] and None,
                "too-large: the plugin made 1001 events from one record, at most 1000 are "
                "allowed",
            ),
            (
                events_of(text="x" * (16 << 20)),
                "too-large: the plugin made 16777473 bytes of events or headers from one "
                "record, at most 16777216 are allowed (output)",
            ),
        ):
            self.assertEqual(self.failure(transform), expected)

    def test_tombstones(self) -> None:
        def transform(how: Tombstones) -> Callable[[Record, Events], Any]:
            return lambda r, e: how.of(r, lambda key: e.client(key, text="null"))

        self.assertEqual(testing(transform(Tombstones.SKIP)).one(TestRecord()), [])
        self.assertIn("malformed: the record has no", self.failure(transform(Tombstones.FAIL)))
        event = testing(transform(Tombstones.EVENT))
        self.assertEqual(event.one(TestRecord(key="ada"))[0].client, "ada")
        for key in (None, "", "a\n", b"\xff", "x" * 257):
            with self.assertRaisesRegex(Failure, "unaddressable: the record is a tombstone"):
                event.one(TestRecord(key=key))
