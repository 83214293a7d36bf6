"""Prints records that Java's Avro wrote, with what fastavro reads in them.

    java_matrix.py REGISTRY TOPIC

Of the cases of avro_matrix.py, and in its format. Java reads Avro's own JSON, which fastavro writes.
"""

import concurrent.futures
import io
import json
import math
import os
import subprocess
import sys
import tempfile

import fastavro
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from avro_matrix import CASES, emit


# fastavro does not end on a schema that contains itself.
LEAF = {"name": "b", "left": None, "under": {}}
WRITTEN = {
    "recursive": {"name": "root", "left": {"test.Tree": LEAF}, "under": {"a": {**LEAF, "under": {"b": LEAF}}}},
}


def by_java(name, schema, values) -> list[bytes]:
    """Each value as Java writes it."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/{name}" for name in ("schema", "values")]
        with open(names[0], "w") as file:
            json.dump(schema, file)
        with open(names[1], "w") as file:
            if name in WRITTEN:
                json.dump(WRITTEN[name], file)
            else:
                fastavro.json_writer(file, fastavro.parse_schema(schema), values)
        tool = [os.environ["JAVA"], "-XX:TieredStopAtLevel=1", "-jar", os.environ["AVRO_TOOLS"], "jsontofrag"]
        ran = subprocess.run([*tool, "--schema-file", *names], capture_output=True, check=True)
    written, each = io.BytesIO(ran.stdout), []
    for _ in values:
        start = written.tell()
        fastavro.schemaless_reader(written, fastavro.parse_schema(schema))
        each.append(ran.stdout[start : written.tell()])
    assert written.tell() == len(ran.stdout), (schema, ran.stdout, ran.stderr)
    return each


def is_json(value) -> bool:
    """Java does not read Python's NaN and infinities."""
    return not any(isinstance(v, float) and not math.isfinite(v) for v in value.values())


def main(url: str, topic: str) -> None:
    client = SchemaRegistryClient({"url": url})
    cases = [(name, schema, [value for value in values if is_json(value)]) for name, schema, values in CASES]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        written = pool.map(lambda case: by_java(*case), cases)
        for (name, schema, _), each in zip(cases, written):
            number = client.register_schema(f"{topic}-java-{name}", Schema(json.dumps(schema), "AVRO"))
            for index, value in enumerate(each):
                emit(f"{name}-{index}", b"\0" + number.to_bytes(4, "big") + value, schema)


main(*sys.argv[1:])
