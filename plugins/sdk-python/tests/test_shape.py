import enum
import unittest
from dataclasses import dataclass, field
from typing import Any, Dict, List, Literal, Optional

from millstream import Config, ConfigError
from millstream._shape import Mismatch, read


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class Order:
    id: int
    total: float
    lines: List[Line] = field(default_factory=list)
    note: Optional[str] = None
    size: Size = Size.SMALL
    mode: Literal["a", "b"] = "a"
    more: Dict[str, bool] = field(default_factory=dict)
    kind: str = field(default="", metadata={"json": "type"})
    parent: "Optional[Order]" = None
    any: Any = None


class Reading(unittest.TestCase):
    def wrong(self, value: Any) -> str:
        with self.assertRaises(Mismatch) as caught:
            read(Order, value)
        return str(caught.exception)

    def test_fields_and_defaults_are_read(self) -> None:
        order = read(Order, {"id": 1, "total": 2, "unknown": 3})
        self.assertEqual(order, Order(1, 2))
        value = {
            "id": 1,
            "total": 2.5,
            "lines": [{"sku": "x"}],
            "note": None,
            "size": "large",
            "type": "t",
            "more": {"a": True},
            "parent": {"id": 0, "total": 0},
        }
        order = read(Order, value)
        self.assertEqual(order.lines, [Line("x")])
        self.assertEqual((order.size, order.kind), (Size.LARGE, "t"))
        self.assertEqual(order.parent, Order(0, 0))

    def test_what_does_not_fit_is_named(self) -> None:
        self.assertEqual(self.wrong([]), "expected an object, found an array")
        self.assertEqual(self.wrong({"total": 1}), "missing field `id`")
        good = {"id": 1, "total": 1}
        for field_, value, expected in (
            ("id", "1", "`id`: expected an integer, found a string"),
            ("id", True, "`id`: expected an integer, found a boolean"),
            ("total", None, "`total`: expected a number, found null"),
            ("lines", [{"sku": 1}], "`lines[0].sku`: expected a string, found a number"),
            ("lines", [{}], "`lines[0]`: missing field `sku`"),
            ("note", 1, "`note`: expected a string, found a number"),
            ("size", "huge", '`size`: expected one of "small", "large", found "huge"'),
            ("mode", [], '`mode`: expected one of "a", "b", found an array'),
            ("more", {"a": 1}, "`more.a`: expected a boolean, found a number"),
            ("type", 1, "`type`: expected a string, found a number"),
        ):
            self.assertEqual(self.wrong({**good, field_: value}), expected)

    def test_a_shape_without_meaning_is_an_error_of_the_author(self) -> None:
        with self.assertRaisesRegex(TypeError, "can't be read from JSON: use a dataclass"):
            read(set, [])


@dataclass
class Settings:
    topic: str = "audit"


class Configuration(unittest.TestCase):
    def refused(self, text: str) -> str:
        with self.assertRaises(ConfigError) as caught:
            Config(text).parse(Settings)
        return str(caught.exception)

    def test_it_is_read_into_a_dataclass_and_unknown_keys_are_refused(self) -> None:
        self.assertEqual(Config("{}").parse(Settings), Settings())
        self.assertEqual(Config('{"topic":"x"}').parse(Settings), Settings("x"))
        self.assertEqual(
            self.refused('{"topik":"x"}'), "config: unknown field `topik`, expected `topic`"
        )
        self.assertEqual(
            self.refused('{"topic":1}'),
            "config: `topic`: expected a string, found a number",
        )

    def test_it_can_be_read_by_key(self) -> None:
        config = Config('{"topic":"x"}').only("topic", "key")
        self.assertEqual((config["topic"], config.get("key", "k")), ("x", "k"))
        with self.assertRaisesRegex(ConfigError, "config: missing key `key`"):
            config["key"]
        with self.assertRaisesRegex(ConfigError, "unknown key `topic`, expected `key`"):
            config.only("key")
        with self.assertRaisesRegex(ConfigError, "this plugin has no configuration"):
            config.none()
