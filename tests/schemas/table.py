"""What other implementations read, brought to the table of docs/src/schemas.md."""

import base64
import datetime
import decimal
import io
import math

import fastavro

PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
EPOCH = datetime.date(1970, 1, 1)


def of_avro(datum: bytes, schema: dict) -> object:
    """A datum as fastavro reads it, without its logical types, which the table writes in its own way."""
    parsed = fastavro.parse_schema(plain(schema), _force=True)
    raw = fastavro.schemaless_reader(io.BytesIO(datum), parsed, return_record_name=True)
    return walk(raw, schema, {})


def plain(schema):
    """The schema without logical types."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    if isinstance(schema, dict):
        gone = {"logicalType", "precision", "scale", "__fastavro_parsed__", "__named_schemas"}
        return {
            name: plain(of) if name in ("type", "items", "values", "fields") else of
            for name, of in schema.items()
            if name not in gone
        }
    return schema


def walk(value, schema, named):
    """What fastavro read, brought to the table."""
    if isinstance(schema, str):
        return walk(value, named[schema], named) if schema not in PRIMITIVES else primitive(value, schema)
    if isinstance(schema, list):
        if value is None:
            return None
        branch = next(one for one in schema if fits(value, one))
        inner = walk(value[1] if isinstance(value, tuple) else value, branch, named)
        is_nullable = len(schema) == 2 and "null" in schema
        return inner if is_nullable else {branch_name(branch): inner}
    kind, logical = schema["type"], schema.get("logicalType")
    if kind in ("record", "enum", "fixed"):
        named[branch_name(schema)] = named[schema["name"]] = schema
    if logical:
        found = logically(value, schema, logical)
        if found is not None:
            return found
    if kind == "record":
        return {f["name"]: walk(value[f["name"]], f["type"], named) for f in schema["fields"]}
    if kind == "array":
        return [walk(item, schema["items"], named) for item in value]
    if kind == "map":
        return {key: walk(item, schema["values"], named) for key, item in value.items()}
    if kind == "enum":
        return value
    if kind == "fixed":
        return base64.b64encode(value).decode()
    return walk(value, kind, named)


KINDS = {
    str: {"string", "enum"},
    int: {"int", "long"},
    float: {"float", "double"},
    bool: {"boolean"},
    bytes: {"bytes", "fixed"},
    list: {"array"},
    dict: {"map", "record"},
}


def fits(value, branch):
    """Whether a value was written by this branch of a union. Those of the tests can be told apart."""
    if isinstance(value, tuple):
        return branch_name(branch).split(".")[-1] == value[0].split(".")[-1]
    if isinstance(branch, str) and branch not in PRIMITIVES:
        return isinstance(value, dict)  # a record that is defined elsewhere
    kind = branch if isinstance(branch, str) else branch["type"]
    return kind in KINDS[type(value)]


def branch_name(schema):
    if isinstance(schema, str):
        return schema
    if "name" not in schema:
        return schema["type"]
    space = schema.get("namespace")
    return f"{space}.{schema['name']}" if space else schema["name"]


def primitive(value, kind):
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind in ("float", "double"):
        return number(value)
    return value


def number(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def logically(value, schema, logical):
    if logical == "decimal":
        unscaled = int.from_bytes(value, "big", signed=True)
        with decimal.localcontext() as context:
            context.prec = 100
            return format(decimal.Decimal(unscaled).scaleb(-schema.get("scale", 0)), "f")
    if logical == "date":
        return (EPOCH + datetime.timedelta(days=value)).isoformat()
    digits = {"millis": 3, "micros": 6, "nanos": 9}.get(logical.rsplit("-", 1)[-1], 0)
    if logical.startswith("time-"):
        seconds, fraction = divmod(value, 10**digits)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:0{digits}}"
    if "timestamp-" in logical:
        seconds, fraction = divmod(value, 10**digits)
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        return f"{at.isoformat()}.{fraction:0{digits}}" + ("" if logical.startswith("local") else "Z")
    return None
