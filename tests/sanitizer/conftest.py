"""The three shipped sanitizers, built once: compiling their rules takes seconds."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bashgym.records import Span
from bashgym.registry import load
from bashgym.scan import Sanitized, sanitize

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BASHGYM_HOME", str(tmp_path_factory.mktemp("rules")))
        plugins = {name: load("sanitizer", name) for name in ("secrets", "pii", "identity")}
        return {name: plugin(plugin.Config()) for name, plugin in plugins.items()}


@pytest.fixture(scope="session")
def clean(built: dict[str, Any]) -> Callable[..., Sanitized]:
    """clean(value, "pii", ...): a JSON value past the named sanitizers, or past all three."""

    def call(value: Any, *names: str) -> Sanitized:
        return sanitize(value, [(name, built[name]) for name in names or built], KEY, "session")

    return call


@pytest.fixture(scope="session")
def cleaned_text(clean: Callable[..., Sanitized]) -> Callable[..., str]:
    return lambda text, *names: clean(text, *names).value


def values(spans: Sequence[Span], strings: Sequence[str]) -> list[str]:
    return [strings[span.index][span.start : span.end] for span in spans]
