"""Prints records that Python's serializers made, with what fastavro reads in them.

    avro_matrix.py REGISTRY TOPIC

One line of JSON each: `case`, `value` (base64), `headers`, and `expected`, by the table.
"""

import base64
import datetime
import decimal
import json
import sys
import uuid

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

import table


def record(*fields, name="R"):
    return {
        "type": "record",
        "name": name,
        "namespace": "test",
        "fields": [{"name": n, "type": t} for n, t in fields],
    }


def logical(kind, of, **more):
    return {"type": of, "logicalType": kind, **more}


UTC = datetime.timezone.utc
AT = datetime.datetime(2026, 11, 28, 5, 20, 0, 123456, UTC)
TREE = {
    "type": "record",
    "name": "Tree",
    "namespace": "test",
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "left", "type": ["null", "Tree"], "default": None},
        {"name": "under", "type": {"type": "map", "values": "Tree"}, "default": {}},
    ],
}
INNER = record(("city", "string"), ("zip", ["null", "int"]), name="Inner")

# name, schema, values
CASES = [
    ("null", record(("a", "null")), [{"a": None}]),
    ("boolean", record(("a", "boolean")), [{"a": True}, {"a": False}]),
    ("int", record(("a", "int")), [{"a": n} for n in (0, -1, 64, -65, 2**31 - 1, -(2**31))]),
    ("long", record(("a", "long")), [{"a": n} for n in (0, 2**53 + 1, 2**63 - 1, -(2**63))]),
    ("float", record(("a", "float")), [{"a": n} for n in (1.5, -0.0, float("nan"), float("inf"))]),
    ("double", record(("a", "double")), [{"a": n} for n in (0.1, 1e300, 5e-324, float("-inf"))]),
    ("bytes", record(("a", "bytes")), [{"a": b""}, {"a": bytes(range(256))}]),
    ("string", record(("a", "string")), [{"a": s} for s in ("", 'q"\\\n\x01', "ä漢😀", "x" * 1000)]),
    ("enum", record(("a", {"type": "enum", "name": "E", "symbols": ["A", "B"]})), [{"a": "A"}, {"a": "B"}]),
    ("fixed", record(("a", {"type": "fixed", "name": "F", "size": 4})), [{"a": b"\0\1\2\xff"}]),
    ("array", record(("a", {"type": "array", "items": "int"})), [{"a": []}, {"a": list(range(200))}]),
    ("map", record(("a", {"type": "map", "values": "long"})), [{"a": {}}, {"a": {"x": 1, 'y"': 2}}]),
    ("nullable", record(("a", ["null", "string"]), ("b", ["int", "null"])), [{"a": None, "b": 1}, {"a": "s", "b": None}]),
    (
        "union",
        record(("a", ["null", "int", "string", INNER, {"type": "array", "items": "int"}])),
        [{"a": v} for v in (None, 1, "s", ("test.Inner", {"city": "c", "zip": 7}), [1, 2])],
    ),
    ("nested", record(("a", INNER), ("b", {"type": "array", "items": "Inner"})), [
        {"a": {"city": "x", "zip": None}, "b": [{"city": "y", "zip": 1}, {"city": "z", "zip": None}]},
    ]),
    ("recursive", TREE, [
        {"name": "root", "left": {"name": "l", "left": None, "under": {}}, "under": {
            "a": {"name": "a", "left": None, "under": {"b": {"name": "b", "left": None, "under": {}}}},
        }},
    ]),
    ("decimal", record(("a", logical("decimal", "bytes", precision=30, scale=4))), [
        {"a": decimal.Decimal(s)} for s in ("0", "-0.0001", "123456789012345678901234.5678", "-1.28", "12.8")
    ]),
    ("decimal-fixed", record(("a", logical("decimal", "fixed", name="D", size=8, precision=15, scale=2))), [
        {"a": decimal.Decimal("-99.99")}, {"a": decimal.Decimal("0.01")},
    ]),
    ("uuid", record(("a", logical("uuid", "string"))), [{"a": uuid.UUID(int=7)}]),
    ("date", record(("a", logical("date", "int"))), [{"a": datetime.date(y, 2, 28)} for y in (1, 1969, 1970, 2000, 2026, 9999)]),
    ("time-millis", record(("a", logical("time-millis", "int"))), [{"a": datetime.time(23, 59, 59, 999000)}]),
    ("time-micros", record(("a", logical("time-micros", "long"))), [{"a": datetime.time(0, 0, 1, 1)}]),
    ("timestamp-millis", record(("a", logical("timestamp-millis", "long"))), [{"a": AT}, {"a": AT.replace(year=1901)}]),
    ("timestamp-micros", record(("a", logical("timestamp-micros", "long"))), [{"a": AT}, {"a": AT.replace(year=1901)}]),
    ("local-timestamp-millis", record(("a", logical("local-timestamp-millis", "long"))), [{"a": AT.replace(tzinfo=None)}]),
    ("local-timestamp-micros", record(("a", logical("local-timestamp-micros", "long"))), [{"a": AT.replace(tzinfo=None)}]),
    ("unknown-logical", record(("a", logical("of-mine", "int"))), [{"a": 3}]),
    ("evolved", record(("a", "int"), name="Evolving"), [{"a": 1}]),
    ("evolved-wider", {**record(("a", "int"), name="Evolving"), "fields": [
        {"name": "a", "type": "long"}, {"name": "b", "type": "string", "default": "none"},
    ]}, [{"a": 2**40, "b": "new"}]),
]


def main(url: str, topic: str) -> None:
    client = SchemaRegistryClient({"url": url})
    context = SerializationContext(topic, MessageField.VALUE)
    for name, schema, values in CASES:
        subject = f"{topic}-{name}"
        serializer = AvroSerializer(
            client,
            json.dumps(schema),
            conf={"subject.name.strategy": lambda *_, subject=subject: subject},
        )
        for index, value in enumerate(values):
            emit(f"{name}-{index}", serializer(value, context), schema)
    with_references(client, topic, context)


def with_references(client, topic, context):
    inner = f"{topic}-reference"
    client.register_schema(inner, Schema(json.dumps(INNER), "AVRO"))
    outer = record(("a", "test.Inner"), ("b", ["null", "test.Inner"]), name="Outer")
    reference = SchemaReference("test.Inner", inner, 1)
    serializer = AvroSerializer(
        client,
        Schema(json.dumps(outer), "AVRO", [reference]),
        conf={"subject.name.strategy": lambda *_: f"{topic}-outer"},
    )
    value = {"a": {"city": "c", "zip": 1}, "b": {"city": "d", "zip": None}}
    whole = record(("a", INNER), ("b", ["null", "test.Inner"]), name="Outer")
    emit("reference", serializer(value, context), whole)


def emit(case, value, schema, headers=()):
    expected = table.of_avro(value[5:], schema)
    print(json.dumps({
        "case": case,
        "value": base64.b64encode(value).decode(),
        "headers": [[name, base64.b64encode(of).decode()] for name, of in headers],
        "expected": expected,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
