"""A pack out of a repository of the Hugging Face Hub, at one commit."""

import tempfile
from pathlib import Path
from typing import Any

from bashgym.errors import InputError, MissingPackage
from bashgym.packs import tree
from bashgym.packs.address import Address
from bashgym.packs.git import Fetched

TYPES = {"datasets": "dataset", "spaces": "space"}
SECONDS = 30


def fetch(address: Address, home: Path) -> Fetched:
    """Raises InputError where the repository cannot be had or is no harmless pack."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
    except ImportError:
        raise MissingPackage("huggingface_hub", "hub") from None
    import httpx

    kind, repo = repository(address)
    api = HfApi()
    try:
        info = api.repo_info(repo, repo_type=kind, revision=address.revision or None, timeout=SECONDS)
        return Fetched(str(info.sha), files(api, address, kind, repo, str(info.sha)))
    except (
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        httpx.HTTPError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{address}: {type(error).__name__}: {said}; check the address and try again") from None


def repository(address: Address) -> tuple[str, str]:
    """(type, owner/name)"""
    rest = address.url.removeprefix("hf://")
    head, _, tail = rest.partition("/")
    return (TYPES[head], tail) if head in TYPES else ("model", rest)


def files(api: Any, address: Address, kind: str, repo: str, commit: str) -> dict[str, bytes]:
    listed = api.list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind)
    sizes = {one.path: one.size for one in listed if hasattr(one, "size") and tree.wanted(one.path)}
    tree.check_paths(sizes, address.url)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in sizes:
            got = api.hf_hub_download(repo, path, revision=commit, repo_type=kind, local_dir=folder)
            content = Path(got).read_bytes()
            if len(content) != sizes[path]:
                raise InputError(f"{address.url}: {path} came with {len(content):,} bytes instead of {sizes[path]:,}")
            found[path] = content
    return found
