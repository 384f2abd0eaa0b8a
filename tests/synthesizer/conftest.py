"""Makes the builders of tests/judge/traces.py and tests/synthesizer/planted.py importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
