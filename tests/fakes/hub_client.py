"""huggingface_hub's own client, spoken to by a Hub on loopback for as long as a test runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.hub_writable import TOKEN, WritableHub


@contextmanager
def client_of(server: WritableHub, patch: pytest.MonkeyPatch, folder: Path) -> Iterator[WritableHub]:
    """The package reads its endpoint and token once, at its import."""
    from huggingface_hub import constants

    with server:
        patch.setattr(constants, "ENDPOINT", server.url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
        patch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub-cache"))
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setenv("HF_TOKEN", TOKEN)
        patch.setenv("HF_ENDPOINT", server.url)
        yield server
