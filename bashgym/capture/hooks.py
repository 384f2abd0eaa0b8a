"""The hooks' own code, where BashGym does what they do: one rule for both, written once, in hooks/."""

import importlib.util
import sys
from functools import lru_cache
from types import ModuleType

from bashgym import paths
from bashgym.errors import BashGymError


@lru_cache
def module(name: str) -> ModuleType:
    """hooks/`name`.py, loaded by its path: hooks are no package and import nothing of ours."""
    path = paths.shipped("hooks") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"bashgym_hooks_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BashGymError(f"{path} is missing; install BashGym again")
    found = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # one of them may load another, as it does where it is a hook
    try:
        spec.loader.exec_module(found)
    finally:
        sys.path.remove(str(path.parent))
    return found
