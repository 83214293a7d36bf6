"""Prints records that Python's Protobuf serializer made, with what Google's library makes of them.

    protobuf_matrix.py REGISTRY TOPIC

One line of JSON each: `case`, `value` (base64), `headers`, and `expected`: Protobuf's own JSON.
"""

import base64
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf import any_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2

F = descriptor_pb2.FieldDescriptorProto
WELL_KNOWN = ["any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"]
SCALARS = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64",
    "fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes",
]


def field(message, name, number, kind, label="optional", **more):
    added = message.field.add(name=name, number=number, label=F.Label.Value(f"LABEL_{label.upper()}"), **more)
    if kind in SCALARS:
        added.type = F.Type.Value(f"TYPE_{kind.upper()}")
    else:
        added.type_name = kind
        added.type = F.TYPE_ENUM if kind.endswith(("Color", "NullValue")) else F.TYPE_MESSAGE
    return added


def map_field(message, name, number, key, value):
    entry = message.nested_type.add(name="".join(w.title() for w in name.split("_")) + "Entry")
    entry.options.map_entry = True
    field(entry, "key", 1, key)
    field(entry, "value", 2, value)
    field(message, name, number, f".{PACKAGE}.All.{entry.name}", "repeated")


PACKAGE = "test"


def file():
    made = descriptor_pb2.FileDescriptorProto(name="all.proto", package=PACKAGE, syntax="proto3")
    made.dependency.extend(f"google/protobuf/{name}.proto" for name in WELL_KNOWN)
    color = made.enum_type.add(name="Color")
    for number, name in enumerate(["NONE", "RED", "BLUE"]):
        color.value.add(name=name, number=number)
    first = made.message_type.add(name="First")
    nested = first.nested_type.add(name="Nested")
    field(nested, "text", 1, "string")
    field(first, "n", 1, "int32")
    message = made.message_type.add(name="All")
    for number, kind in enumerate(SCALARS, 1):
        field(message, f"a_{kind}", number, kind)
        field(message, f"many_{kind}", 100 + number, kind, "repeated")
    field(message, "color", 16, ".test.Color")
    field(message, "colors", 17, ".test.Color", "repeated")
    field(message, "inner", 18, ".test.All")
    field(message, "inners", 19, ".test.First.Nested", "repeated")
    map_field(message, "by_name", 20, "string", "sint64")
    map_field(message, "by_number", 21, "int32", ".test.First.Nested")
    map_field(message, "by_bool", 22, "bool", "bytes")
    message.oneof_decl.add(name="one")
    for number, (name, kind) in enumerate([("left", "int32"), ("right", "string"), ("middle", ".test.First")], 30):
        field(message, name, number, kind, oneof_index=0)
    message.oneof_decl.add(name="_maybe")
    field(message, "maybe", 40, "int32", oneof_index=1, proto3_optional=True)
    google = [
        ("at", "Timestamp"), ("lasting", "Duration"), ("structure", "Struct"), ("value", "Value"),
        ("list", "ListValue"), ("mask", "FieldMask"), ("empty", "Empty"), ("anything", "Any"),
        ("w_bool", "BoolValue"), ("w_bytes", "BytesValue"), ("w_double", "DoubleValue"), ("w_float", "FloatValue"),
        ("w_int32", "Int32Value"), ("w_int64", "Int64Value"), ("w_string", "StringValue"),
        ("w_uint32", "UInt32Value"), ("w_uint64", "UInt64Value"), ("nothing", "NullValue"),
    ]
    for number, (name, kind) in enumerate(google, 50):
        field(message, name, number, f".google.protobuf.{kind}")
    return made


POOL = descriptor_pool.Default()
POOL.Add(file()) if hasattr(POOL, "Add") else POOL.AddSerializedFile(file().SerializeToString())
of = lambda name: message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))
All, First, Nested = of("test.All"), of("test.First"), of("test.First.Nested")


def cases():
    yield "empty", All()
    extremes = {
        "double": [0.1, -0.0, 1e300, float("nan"), float("-inf")],
        "float": [1.5, 0.1, float("inf")],
        "bool": [True],
        "string": ['q"\\\n\x01ä漢😀'],
        "bytes": [b"\0\xff", b""],
    }
    for kind in SCALARS:
        bits = 64 if "64" in kind else 32
        top = 2**bits - 1 if kind.startswith(("uint", "fixed")) else 2 ** (bits - 1) - 1
        low = 0 if kind.startswith(("uint", "fixed")) else -top - 1
        values = extremes.get(kind, [1, top, low])
        for index, value in enumerate(values):
            yield f"{kind}-{index}", All(**{f"a_{kind}": value})
        yield f"{kind}-many", All(**{f"many_{kind}": values + values})
    yield "enum", All(color=1, colors=[0, 2, 1])
    yield "enum-unknown", All(color=77, colors=[78])
    yield "nested", All(inner=All(inner=All(a_int32=1)), inners=[Nested(text="x"), Nested()])
    filled = All(by_name={"a": 1, "": -(2**63)}, by_bool={True: b"t", False: b""})
    filled.by_number[-1].text = "minus"
    filled.by_number[0].text = ""
    yield "maps", filled
    yield "oneof-number", All(left=0)
    yield "oneof-text", All(right="")
    yield "oneof-message", All(middle=First())
    yield "optional-default", All(maybe=0)
    for seconds, nanos in [(0, 0), (-1, 0), (1764307200, 5), (1764307200, 120000000), (253402300799, 999999999)]:
        yield f"timestamp-{seconds}-{nanos}", All(at=timestamp_pb2.Timestamp(seconds=seconds, nanos=nanos))
    for seconds, nanos in [(0, 0), (0, -1), (3, 500000000), (-315576000000, 0)]:
        yield f"duration-{seconds}-{nanos}", All(lasting=duration_pb2.Duration(seconds=seconds, nanos=nanos))
    whole = struct_pb2.Struct()
    whole.update({"a": [1, None, {"b": True}], "c": "d", "e": {}, "f": []})
    yield "struct", All(structure=whole, list=struct_pb2.ListValue(values=[struct_pb2.Value(number_value=1.5)]))
    for index, value in enumerate([None, 1, "s", True]):
        held = struct_pb2.Value()
        if value is None:
            held.null_value = 0
        elif value is True:
            held.bool_value = True
        elif isinstance(value, str):
            held.string_value = value
        else:
            held.number_value = value
        yield f"value-{index}", All(value=held)
    yield "mask", All(mask=field_mask_pb2.FieldMask(paths=["a.b_c", "d"]))
    packed = any_pb2.Any()
    packed.Pack(Nested(text="inside"))
    yield "any", All(anything=packed)
    packed = any_pb2.Any()
    packed.Pack(duration_pb2.Duration(seconds=1))
    yield "any-well-known", All(anything=packed)
    wrapped = All()
    for name in ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64"):
        getattr(wrapped, f"w_{name}").SetInParent()
    yield "wrappers-default", wrapped
    yield "wrappers", All(w_int64=wrappers_pb2.Int64Value(value=2**63 - 1), w_string=wrappers_pb2.StringValue(value="s"))


def main(url, topic):
    client = SchemaRegistryClient({"url": url})
    context = SerializationContext(topic, MessageField.VALUE)
    conf = {"use.deprecated.format": False, "subject.name.strategy": topic_subject_name_strategy}
    serializers = {kind: ProtobufSerializer(kind, client, conf) for kind in (All, First, Nested)}
    # The first message of the file and a nested one: the wire says which.
    others = [("first", First(n=7)), ("nested-one", Nested(text="t"))]
    for case, message in [*cases(), *others]:
        emit(case, serializers[type(message)](message, context), message)


def emit(case, value, message):
    print(json.dumps({
        "case": case,
        "value": base64.b64encode(value).decode(),
        "headers": [],
        "message": message.DESCRIPTOR.full_name,
        "expected": json.loads(json_format.MessageToJson(message)),
    }))


main(*sys.argv[1:])
