"""The world of a component, in a process of its own: it can't be opened again."""

import subprocess
import sys
import unittest
from pathlib import Path

_START = """
import datetime, logging, os, random, socket, sys, time, traceback
from millstream.component import closed
closed.prepare()
closed.close()
"""


class Closed(unittest.TestCase):
    def run_closed(self, code: str) -> str:
        # Standard output is closed too.
        script = _START + f"result = None\n{code}\nraise SystemExit(result)"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        return f"{done.returncode}{done.stderr}"

    def test_what_is_refused_says_why(self) -> None:
        for call, why in (
            ("time.time()", "no clock"),
            ("time.localtime()", "no clock"),
            ("datetime.datetime.now()", "no clock"),
            ("datetime.date.today()", "no clock"),
            ("random.random()", "no randomness"),
            ("random.Random()", "no randomness"),
            ("random.SystemRandom().random()", "no randomness"),
            ("os.urandom(1)", "no randomness"),
            ("open('x')", "no files"),
            ("os.listdir('.')", "no files"),
            ("socket.create_connection(('127.0.0.1', 80))", "no files, network"),
            ("socket.socket()", "no files, network"),
            ("input()", "no files"),
        ):
            code = (
                f"try: {call}\n"
                f"except closed.NotAvailable as e: result = 7 if {why!r} in str(e) else str(e)"
            )
            self.assertEqual(self.run_closed(code), "7", call)

    def test_an_import_is_refused_and_may_be_tried(self) -> None:
        code = "try: import wave\nexcept ImportError as e: result = 7 if 'at the top' in str(e) else 8"
        self.assertEqual(self.run_closed(code), "7")

    def test_what_needs_no_host_works(self) -> None:
        code = (
            "print('discarded'); logging.warning('discarded')\n"
            "a = datetime.datetime.strptime('2024-05-06', '%Y-%m-%d')\n"
            "assert isinstance(a.date(), datetime.date) and a.isoformat() == '2024-05-06T00:00:00'\n"
            "assert time.gmtime(5).tm_sec == 5 and time.strftime('%Y', time.gmtime(5)) == '1970'\n"
            "assert random.Random(5).random() == random.Random(5).random()\n"
            "try: 1 / 0\n"
            "except ZeroDivisionError: assert 'division' in traceback.format_exc()\n"
            "result = 7"
        )
        self.assertEqual(self.run_closed(code), "7")
