"""Log and clock. What a component does runs in a process of its own."""

import subprocess
import sys
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List

from millstream import Destination, Events, Record, Retry
from millstream._wire import shortened
from millstream.testing import (
    DeadLetterTest,
    RouteTest,
    StatefulTest,
    TestEvent,
    TestFailure,
    TestRecord,
    TransformTest,
)

_START = """
import logging, sys
real = sys.stdout
early = logging.StreamHandler()
from millstream import _author, log
from millstream.component import closed, logged
current, lines, ends = _author.current, [], []
closed.prepare()
def begin():
    connected = logged.connect(lambda *line: lines.append(line))
    ends.extend(each.end for each in connected)
"""


class Logged(unittest.TestCase):
    def lines(self, code: str, before: str = "") -> List[Any]:
        """The lines of a plugin that runs `code` once its world is closed."""
        close = "closed.close(begin)\ncurrent.record = 7"
        end = "[end() for end in ends]\nreal.write(repr(lines))"
        done = subprocess.run(
            [sys.executable, "-c", "\n".join([_START, before, close, code, end])],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found: List[Any] = eval(done.stdout)
        return found

    def test_each_level_has_a_function(self) -> None:
        code = "log.error('a', 1); log.warn('b'); log.info([2]); log.debug(None)"
        expected = [(7, "error", "a 1"), (7, "warn", "b"), (7, "info", "[2]")]
        self.assertEqual(self.lines(code), [*expected, (7, "debug", "None")])

    def test_print_is_logged_line_by_line(self) -> None:
        code = "print('a\\nb'); print('c', end=''); print('d'); print('e', file=sys.stderr)"
        expected = [(7, "info", "a"), (7, "info", "b"), (7, "info", "cd"), (7, "warn", "e")]
        self.assertEqual(self.lines(code), expected)

    def test_a_line_ends_with_its_record_and_with_the_call(self) -> None:
        code = (
            "print('a', end=''); current.record = 8; log.warn('b')\n"
            "print('x' * 3000, end=''); print('y', end='')"
        )
        expected = [(7, "info", "a"), (8, "warn", "b"), (8, "info", "x" * 1024)]
        self.assertEqual(self.lines(code), expected)

    def test_logging_has_its_levels_and_needs_no_time(self) -> None:
        code = (
            "logging.debug('no'); logging.warning('odd %d', 3); logging.critical('a\\nb')\n"
            "try: 1 / 0\n"
            "except ZeroDivisionError: logging.getLogger('x').exception('c')"
        )
        lines = self.lines(code)
        expected = [(7, "warn", "odd 3"), (7, "error", "a"), (7, "error", "b")]
        self.assertEqual(lines[:4], [*expected, (7, "error", "c")])
        self.assertEqual(lines[-1], (7, "error", "ZeroDivisionError: division by zero"))

    def test_what_the_author_set_up_in_logging_is_kept(self) -> None:
        before = (
            "early.setFormatter(logging.Formatter('%(name)s: %(message)s'))\n"
            "logging.getLogger('x').addHandler(early)\n"
            "logging.getLogger('x').setLevel('DEBUG')\n"
            "logging.getLogger('x').propagate = False\n"
            "import io; own = io.StringIO()\n"
            "logging.getLogger('y').addHandler(logging.StreamHandler(own))\n"
            "logging.getLogger('y').propagate = False"
        )
        code = (
            "logging.getLogger('x').info('a'); logging.getLogger('x').debug('b')\n"
            "logging.getLogger('y').warning('c'); assert own.getvalue() == 'c\\n'"
        )
        self.assertEqual(
            self.lines(code, before), [(7, "info", "x: a"), (7, "debug", "x: b")]
        )

    def test_in_tests_lines_go_to_standard_error(self) -> None:
        from millstream import log

        out = StringIO()
        with redirect_stderr(out):
            log.warn("odd total", -3)
        self.assertEqual(out.getvalue(), "warn: odd total -3\n")

    def test_a_line_is_cut_at_a_character(self) -> None:
        self.assertEqual(shortened("x" * 1023 + "ü"), "x" * 1023)
        self.assertEqual(shortened("ü" * 600), "ü" * 512)
        self.assertEqual(shortened("a\ud800"), "a?")


class Imported(unittest.TestCase):
    def test_the_sdk_itself_imports_neither(self) -> None:
        code = (
            "import sys, millstream, millstream.testing, millstream.stateful\n"
            "from millstream.component import closed\n"
            "sys.exit(str({'millstream.log', 'millstream.clock'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.stderr, "set()\n")


class Clock(unittest.TestCase):
    def test_it_is_the_largest_timestamp_so_far(self) -> None:
        from millstream import clock

        def transform(record: Record, events: Events, state: Any = None) -> None:
            events.client("a", json=clock.now())

        def configure(config: Any) -> None:
            self.assertIsNone(clock.now())

        records = [TestRecord("", timestamp=time) for time in (None, 5, 3, 8)]
        plain = SimpleNamespace(transform=transform, configure=configure)
        stateful = SimpleNamespace(keys=lambda r, k: None, transform=transform)
        for test in (TransformTest(plain), StatefulTest(stateful)):
            made: Any = test.run(records)
            self.assertEqual([m[0].payload for m in made], ["null", "5", "5", "8"])
            self.assertEqual(test.one(TestRecord())[0].payload, "8")

    def test_routes_and_policies_have_it_too(self) -> None:
        from millstream import clock

        record = TestRecord(timestamp=5)
        route = SimpleNamespace(route=lambda event: Destination(topic=f"t{clock.now()}"))
        routed = RouteTest(route).one(TestEvent(client="a", record=record))
        self.assertEqual(routed.topic, "t5")
        policy = SimpleNamespace(decide=lambda failed: Retry(clock.now() or 0))
        decided = DeadLetterTest(policy).one(TestFailure("trap", record=record))
        self.assertEqual(decided, Retry(5))
