"""Tests of this folder share modules that lie beside them, and the stand-ins of tests/fakes."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "fakes")]
