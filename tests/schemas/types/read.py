"""Reads lines of JSON from standard input into a dataclass of a module, as `record.json` does.

    read.py FILE CLASS

Prints what the fields are, one line for each line.
"""

import importlib.util
import json
import sys

from millstream import _shape


def main(path: str, name: str) -> None:
    spec = importlib.util.spec_from_file_location("generated", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["generated"] = module
    spec.loader.exec_module(module)
    shape = getattr(module, name)
    for line in sys.stdin:
        print(_shape.read(shape, json.loads(line)))


main(*sys.argv[1:])
