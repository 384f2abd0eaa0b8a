"""A pack out of a git repository: fetched into a bare one of ours, its files read from git's own store."""

import hashlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bashgym.errors import InputError
from bashgym.packs import tree
from bashgym.packs.address import ALLOWED, Address

SECONDS = 180
REPOSITORY_BYTES = 300_000_000  # no file that git writes may be larger
PLAIN = ("100644", "100755", "100664")
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.fsmonitor=false",
    "fetch.fsckObjects=true",
    "gc.auto=0",
    "http.lowSpeedLimit=500",
    "http.lowSpeedTime=30",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
)


class Fetched(NamedTuple):
    """`commit` is what the revision meant when it was fetched."""

    commit: str
    files: dict[str, bytes]


def fetch(address: Address, home: Path) -> Fetched:
    """Raises InputError where the repository cannot be had, has no such revision, or is no harmless pack."""
    url = address.url.removeprefix("git+")
    store = repository(url, home)
    heads = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    tell(store, url, "fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--", url, *heads)
    commit = resolved(address, store, url)
    return Fetched(commit, files(store, url, commit))


def repository(url: str, home: Path) -> Path:
    store = home / "git" / hashlib.sha256(url.encode()).hexdigest()[:24]
    if not (store / "HEAD").exists():
        store.mkdir(parents=True, exist_ok=True)
        tell(store, url, "init", "--quiet", "--bare", "--template=", ".")
    return store


def resolved(address: Address, store: Path, url: str) -> str:
    wanted = address.revision
    if not wanted:
        told = tell(store, url, "ls-remote", "--", url, "HEAD").split()
        if not told:
            raise InputError(f"{address.url}: the repository is empty; push something to it")
        return str(told[0].decode())
    for name in (f"refs/heads/{wanted}", f"refs/tags/{wanted}", wanted):
        done = run(store, url, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
    if len(wanted) == 40 and run(store, url, "fetch", "--quiet", "--", url, wanted).returncode == 0:
        return wanted
    raise InputError(f"{address}: no such branch, tag or commit there; `git ls-remote {url}` shows what there is")


def files(store: Path, url: str, commit: str) -> dict[str, bytes]:
    """path -> content of what belongs to the pack. Links and submodules among it are refused."""
    sizes, objects = {}, {}
    for mode, digest, size, path in listed(store, url, commit):
        if not tree.wanted(path):
            continue
        if mode not in PLAIN:
            what = {"120000": "a symbolic link", "160000": "a submodule"}.get(mode, f"of mode {mode}")
            raise InputError(f"git+{url}: {path!r} is {what}; a pack holds plain files only")
        sizes[path], objects[path] = size, digest
    tree.check_paths(sizes, f"git+{url}")
    return {path: tell(store, url, "cat-file", "blob", digest) for path, digest in objects.items()}


def listed(store: Path, url: str, commit: str) -> Iterator[tuple[str, str, int, str]]:
    """(mode, object, bytes, path) of everything in a commit."""
    for entry in tell(store, url, "ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
        if entry:
            facts, _, path = entry.partition(b"\t")
            mode, _, digest, size = facts.decode().split()
            yield mode, digest, int(size) if size != "-" else 0, path.decode("utf-8", "replace")


def follows(address: Address, home: Path, earlier: str, later: str) -> bool:
    """Whether `earlier` is in the history of `later`; not so after a force-push."""
    url = address.url.removeprefix("git+")
    return run(repository(url, home), url, "merge-base", "--is-ancestor", earlier, later).returncode == 0


def tell(store: Path, url: str, *words: str) -> bytes:
    done = run(store, url, *words)
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        raise InputError(
            f"git+{url}: git {words[0]} failed: {said or done.returncode}; check the address and try again"
        )
    return done.stdout


def run(store: Path, url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """git in `store`, asking nobody anything, speaking only the protocol of `url`."""
    scheme = url.partition("://")[0]
    settings = [word for one in SETTINGS for word in ("-c", one)]
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") and key != ALLOWED}
    env |= {"GIT_ALLOW_PROTOCOL": scheme, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
    env.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    try:
        return subprocess.run(
            ["git", *settings, *words], cwd=store, env=env, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=SECONDS, preexec_fn=limited,
        )  # fmt: skip
    except FileNotFoundError:
        raise InputError(f"git+{url}: git is not installed here; install it, or add the pack from a folder") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git+{url}: no end after {SECONDS} s of git {words[0]}; try again later") from None


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (REPOSITORY_BYTES, REPOSITORY_BYTES))
