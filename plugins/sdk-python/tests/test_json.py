import unittest

from millstream import Failure, _json


class Reading(unittest.TestCase):
    def refused(self, data: bytes) -> str:
        with self.assertRaises(Failure) as caught:
            _json.parse(data)
        self.assertEqual(caught.exception.class_, "malformed")
        prefix = "not the expected JSON: "
        self.assertTrue(caught.exception.message.startswith(prefix))
        return caught.exception.message[len(prefix) :]

    def test_a_failure_names_the_byte(self) -> None:
        self.assertEqual(self.refused(b"not JSON"), "expected a value, at byte 0")
        self.assertEqual(self.refused(b"[1 x]"), "expecting ',' delimiter, at byte 3")
        self.assertEqual(self.refused(b"[1,\n\n x]"), "expected a value, at byte 6")
        self.assertEqual(self.refused(b"[1,"), "EOF while parsing a value, at byte 3")
        self.assertEqual(self.refused(b""), "EOF while parsing a value, at byte 0")
        self.assertEqual(self.refused(b"{} x"), "trailing characters, at byte 3")
        self.assertEqual(
            self.refused('["ü" x]'.encode()), "expecting ',' delimiter, at byte 6"
        )

    def test_what_python_would_accept_is_refused(self) -> None:
        self.assertIn("NaN", self.refused(b"NaN"))
        self.assertIn("Infinity", self.refused(b"[-Infinity]"))
        self.assertIn("EF BB BF", self.refused(b"\xef\xbb\xbf[1]"))
        self.assertIn("UTF-16", self.refused(b"\xff\xfe[\x001\x00]\x00"))
        self.assertEqual(self.refused(b'"\xff"'), "it is not UTF-8, at byte 1")
        self.assertIn("half of a surrogate pair, at byte 1", self.refused(b'"\\ud800"'))
        self.assertEqual(_json.parse(b'"\\ud83d\\ude00"'), "\U0001f600")
        self.assertIn("digits", self.refused(b"1" * 5000))

    def test_deep_nesting_is_refused_and_long_lists_are_not(self) -> None:
        deep = "it is nested more than 128 levels deep"
        self.assertEqual(self.refused(b"[" * 129 + b"]" * 129), deep)
        self.assertEqual(self.refused(b"[" * 100_000), deep)
        self.assertEqual(self.refused(b'{"a":' * 200), deep)
        _json.parse(b"[" * 128 + b"]" * 128)
        wide = b"[" + b",".join([b'{"a":["]}{"]}'] * 1000) + b"]"
        self.assertEqual(len(_json.parse(wide)), 1000)
        escapes = b'["' + b'\\"' * 50_000 + b'",' + b"[]," * 200 + b"1]"
        self.assertEqual(len(_json.parse(escapes)), 202)

    def test_whitespace_may_surround_it(self) -> None:
        self.assertEqual(_json.parse(b' \t\r\n{"a": 1}\n'), {"a": 1})


class Writing(unittest.TestCase):
    def test_it_is_compact_and_keeps_text(self) -> None:
        value = {"a": [1, 2.5, None, True, 'é"\n'], "b": {}}
        self.assertEqual(
            _json.write(value), '{"a":[1,2.5,null,true,"é\\"\\n"],"b":{}}'.encode()
        )

    def test_what_is_not_json_is_rejected(self) -> None:
        loop: list = []
        loop.append(loop)
        for value in (float("nan"), object(), b"x", {(1,): 1}, loop):
            with self.assertRaises(Failure) as caught:
                _json.write(value)
            self.assertEqual(caught.exception.class_, "rejected")
        self.assertEqual(_json.write([]), b"[]")
