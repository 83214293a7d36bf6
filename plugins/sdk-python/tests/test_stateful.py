import unittest
from types import SimpleNamespace
from typing import Any, Callable

from millstream import Events, Failure, Keys, Record, State, stateful
from millstream.state import WireState
from millstream.testing import MadeEvent, StatefulTest, TestRecord, TransformTest
from millstream.testing.checks import span
from millstream.testing.input import Flat


def testing(transform: Callable[[Record, Events, State], Any], *named: Any) -> StatefulTest:
    """A transform that names these keys, or that of its record."""

    def keys(record: Record, keys: Keys) -> None:
        for key in named or [record.key or "none"]:
            keys.add(key)

    return StatefulTest(SimpleNamespace(keys=keys, transform=transform))


def count(record: Record, events: Events, state: State) -> None:
    key = record.text()
    count = (state.json(key, int) or 0) + 1
    state.set_json(key, count)
    events.client("a", json=count)
    if count == 3:
        raise Failure.rejected("three")


class Kept(unittest.TestCase):
    def test_records_see_what_records_before_them_wrote(self) -> None:
        test = testing(count, "x", "y")
        made = test.run([TestRecord(key) for key in ("x", "y", "x", "x", "x")])
        one, two = [MadeEvent(client="a", payload="1")], [MadeEvent(client="a", payload="2")]
        three = Failure.rejected("three")
        self.assertEqual(made, [one, one, two, three, three])
        self.assertEqual(test.one(TestRecord("y")), two)
        self.assertEqual((test.value("x"), test.value(b"y")), (b"2", b"2"))
        self.assertIsNone(test.value("z"))

    def test_a_value_expires_by_the_time_of_the_records(self) -> None:
        def transform(record: Record, events: Events, state: State) -> None:
            seen = [state.text("k"), state.now(), record.offset]
            if record.value == b"set":
                state.set_for("k", "v", 100)
            elif record.value == b"remove":
                state.set("k", b"w")
                self.assertEqual(state.get(b"k"), b"w")
                state.remove("k")
                self.assertIsNone(state.get("k"))
            events.client("a", json=seen)

        test = testing(transform, "k", b"k")

        def seen(value: str, timestamp: Any = None) -> str:
            return test.one(TestRecord(value, timestamp=timestamp))[0].payload

        self.assertEqual(seen("set"), "[null,null,0]")
        self.assertEqual(seen("", 99), '["v",99,1]')
        self.assertEqual(test.value("k"), b"v")
        self.assertEqual(seen("", 100), "[null,100,2]")
        self.assertIsNone(test.value("k"))
        self.assertEqual(seen("set", 50), "[null,100,3]")
        self.assertEqual(seen("remove", 199), '["v",199,4]')
        self.assertEqual(seen(""), "[null,199,5]")

    def test_a_value_of_another_shape_rejects_the_record(self) -> None:
        def refused(value: Any, read: Callable[[State], Any]) -> str:
            def transform(record: Record, events: Events, state: State) -> None:
                state.set("k", value)
                read(state)

            with self.assertRaises(Failure) as caught:
                testing(transform, "k").one(TestRecord())
            return str(caught.exception)

        for value, read, expected in (
            (
                "{",
                lambda state: state.json("k"),
                "rejected: the kept value is not the expected JSON: expecting property name "
                "enclosed in double quotes, at byte 1",
            ),
            (
                '"x"',
                lambda state: state.json("k", int),
                "rejected: the kept value is not the expected JSON: expected an integer, "
                "found a string",
            ),
            (
                b"a\xff",
                lambda state: state.text("k"),
                "rejected: the kept value is not UTF-8, at byte 1",
            ),
            (
                "",
                lambda state: state.set_json("k", {1}),
                "rejected: the value can't be written as JSON: set is not JSON",
            ),
        ):
            self.assertEqual(refused(value, read), expected)


class Refused(unittest.TestCase):
    def test_a_key_that_was_not_named_is_an_error(self) -> None:
        def uses(state: State, record: Record) -> None:
            state.get("b") if record.offset == 0 else state.remove(b"\xff")

        test = testing(lambda r, e, s: uses(s, r), "a")
        for key in ("b", "\ufffd"):
            with self.assertRaises(LookupError) as caught:
                test.one(TestRecord())
            self.assertEqual(
                str(caught.exception),
                f"the key `{key}` was not named: `keys` must name every key that `transform` "
                "uses",
            )

    def test_the_daemon_s_checks_are_applied(self) -> None:
        for named, size, expected in (
            ([""], 0, "bad-output: a key is empty"),
            (["x" * 257], 0, "bad-output: a key has 257 bytes; the limit is 256"),
            (["x"] * 101, 0, "bad-output: a record names more than 100 keys"),
            (
                ["x"] * 100,
                65537,
                "bad-output: the plugin wrote a value of 65537 bytes; the limit is 65536",
            ),
        ):

            def transform(record: Record, events: Events, state: State) -> None:
                # All writes are checked, not only the last.
                state.set("x", bytes(size))
                state.remove("x")

            test = testing(transform, *named)
            with self.assertRaises(Failure) as caught:
                test.one(TestRecord())
            self.assertEqual(str(caught.exception), expected)
            self.assertIsNone(test.value("x"))

    def test_an_error_of_the_author_is_raised(self) -> None:
        for named, transform, expected in (
            ([None], count, "a key must be bytes or str, not None"),
            ([7], count, "a key must be bytes, str or None, not int"),
            (["k"], lambda r, e, s: s.set("k", None), "a value must be bytes or str"),
            (["k"], lambda r, e, s: [], "transform must return nothing, not list"),
        ):
            with self.assertRaisesRegex(TypeError, expected):
                testing(transform, *named).one(TestRecord("k"))
        plugin = SimpleNamespace(keys=lambda r, k: ["k"], transform=count)
        with self.assertRaisesRegex(TypeError, "keys must return nothing, not list"):
            StatefulTest(plugin).one(TestRecord())

    def test_the_two_functions_belong_together(self) -> None:
        named, plain = (lambda record, keys: None), (lambda record, events: None)
        for test, plugin, expected in (
            (TransformTest, SimpleNamespace(transform=count), "only if a function `keys"),
            (TransformTest, SimpleNamespace(transform=count, keys=named), "use StatefulTest"),
            (StatefulTest, SimpleNamespace(transform=plain), "no function `keys"),
            (StatefulTest, SimpleNamespace(transform=plain, keys=named), "events, state"),
            (StatefulTest, SimpleNamespace(transform=count, keys=abs), "must be `keys"),
        ):
            with self.assertRaisesRegex(TypeError, expected):
                test(plugin)


class Boundary(unittest.TestCase):
    def test_a_record_that_can_t_be_read_names_no_keys(self) -> None:
        def keys(record: Record, keys: Keys) -> None:
            keys.add("before")
            keys.add(record.text())

        flat = Flat([TestRecord("a"), TestRecord(b"\xff"), TestRecord("b")])
        plugin = SimpleNamespace(keys=keys)
        answer = stateful.keys(plugin, flat.arena, flat.origin, flat.records, flat.headers)
        named = [(key.record, span(answer.arena, key.key)) for key in answer.keys]
        self.assertEqual(named, [(0, b"before"), (0, b"a"), (2, b"before"), (2, b"b")])

    def test_a_failed_record_of_a_batch_has_written_nothing(self) -> None:
        def transform(record: Record, events: Events, state: State) -> None:
            seen = state.text("k")
            state.set_for("k", f"{seen}{record.offset}", 10)
            events.client("a", json=seen)
            if record.offset == 1:
                raise Failure.transient("later")

        flat = Flat([TestRecord("x")] * 4)
        entry = slice(flat.push("k"), flat.push("v"), 100)
        state = WireState(flat.arena, [entry], [0] * 4, [1] * 4, [-1, 5, 6, 100])
        answer = stateful.run(
            SimpleNamespace(transform=transform),
            flat.arena,
            flat.origin,
            flat.records,
            flat.headers,
            state,
        )
        self.assertEqual([failure.record for failure in answer.failures], [1])
        seen = [span(answer.arena, event.payload) for event in answer.events]
        self.assertEqual(seen, [b'"v"', b'"v0"', b"null"])
        written = [
            (write.record, write.entry, span(answer.arena, write.value), write.expires)
            for write in answer.writes
        ]
        expected = [(0, 0, b"v0", 10), (2, 0, b"v02", 16), (3, 0, b"None3", 110)]
        self.assertEqual(written, expected)
