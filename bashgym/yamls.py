"""YAML files read by libyaml: the same values as PyYAML's own reader finds, ten times as fast."""

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a PyYAML built without libyaml lacks it


def load(content: str | bytes) -> Any:
    """Plain values (tables, lists, numbers, texts; no tags). Raises yaml.YAMLError, UnicodeDecodeError."""
    return yaml.load(content, LOADER)
