"""Tests of this folder share hook_runs.py, which is found beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
