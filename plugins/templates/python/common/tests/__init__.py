"""Tests without WebAssembly. They find the plugin and the SDK in this project."""

import sys
from pathlib import Path

_project = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_project / "src"), str(_project / "sdk")]
