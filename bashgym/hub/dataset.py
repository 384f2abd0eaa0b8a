"""A data set opened: from the hub or from this disk, whole or its first rows. The only file that knows `datasets`."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bashgym import paths, yamls
from bashgym.errors import InputError, MissingPackage

FILES = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".ndjson": "json", ".arrow": "arrow"}
MISSING = "missing"
OPTIONAL = "?"  # at the end of a column's name: it may be absent


class Wanted(NamedTuple):
    """Which rows of which data set; `key` is where a recipe says so, for error messages."""

    key: str
    dataset: str
    split: str
    revision: str
    limit: int  # rows; 0 for all


class Opened(NamedTuple):
    """A data set's rows, to be had by their number, and what is known of it."""

    rows: Any  # datasets.Dataset
    name: str  # with @ and the revision where one was asked for
    fingerprint: str

    @property
    def exact(self) -> frozenset[str]:
        """Columns whose values come back as they were. In all others objects of one list have each other's keys."""
        return frozenset(name for name, kind in self.rows.features.items() if "Json(" in repr(kind))

    @property
    def columns(self) -> list[str]:
        return list(self.rows.column_names)


def library() -> Any:
    """The `datasets` package, quiet. Raises MissingPackage."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError:
        raise MissingPackage("datasets", "hub") from None
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    return datasets


def local(dataset: str) -> Path | None:
    """The file or folder that a name means, where there is one; everything else is a repository of the hub."""
    path = paths.resolve(dataset)
    return path if path.exists() or dataset.startswith((".", "/", "~", "shipped:")) else None


def opened(wanted: Wanted) -> Opened:
    """Raises InputError, in one line, where the data set cannot be had."""
    if not wanted.dataset:
        raise InputError(
            f"{wanted.key}.dataset: none is named; set {wanted.key}.dataset=OWNER/NAME, a file or a folder"
        )
    datasets = library()
    kept = cached(wanted) if wanted.limit else None
    try:
        rows = read(datasets, kept) if kept and kept.exists() else loaded(datasets, wanted, kept)
    except Exception as error:  # whatever the network, the hub or a damaged file makes of it: the user reads one line
        reason = " ".join(str(error).split())[:200]
        way = "check the name, the split, the revision and the network; HF_TOKEN opens gated data sets"
        raise InputError(f"{wanted.key}.dataset {wanted.dataset}: cannot be loaded ({reason}); {way}") from None
    name = f"{wanted.dataset}@{wanted.revision}" if wanted.revision else wanted.dataset
    return Opened(rows, name, str(getattr(rows, "_fingerprint", "")) if kept is None else kept.stem)


def loaded(datasets: Any, wanted: Wanted, kept: Path | None) -> Any:
    """All rows; or, where only some are wanted, those, streamed and kept in `kept`, so that no more is fetched."""
    path = local(wanted.dataset)
    given: dict[str, Any] = {"split": wanted.split, "streaming": kept is not None, "cache_dir": str(folder())}
    if path is not None and path.is_file():
        kind = FILES.get(path.suffix)
        if kind is None:
            raise ValueError(f"{path.suffix or 'a file without ending'} is none of {', '.join(FILES)}")
        found = datasets.load_dataset(kind, data_files={wanted.split: str(path)}, **given)
    elif path is not None and (path / "state.json").exists():
        found = datasets.load_from_disk(str(path))
        return found.select(range(min(wanted.limit or len(found), len(found))))
    else:
        revision = {"revision": wanted.revision} if wanted.revision and path is None else {}
        found = datasets.load_dataset(str(path or wanted.dataset), **given, **revision)
    return found if kept is None else first(datasets, found, wanted.limit, kept)


def first(datasets: Any, stream: Any, limit: int, kept: Path) -> Any:
    """The first rows of a stream, written to `kept`."""
    rows = list(stream.take(limit))
    shape = {"features": stream.features} if stream.features else {"on_mixed_types": "use_json"}
    found = datasets.Dataset.from_list(rows, **shape)
    fresh = kept.with_suffix(".new")
    found.to_parquet(str(fresh))
    fresh.replace(kept)
    return read(datasets, kept)


def read(datasets: Any, kept: Path) -> Any:
    return datasets.Dataset.from_parquet(str(kept), cache_dir=str(folder()))


def cached(wanted: Wanted) -> Path:
    """Where the first rows are kept. A file on this disk that changed has another name."""
    path = local(wanted.dataset)
    files = sorted(path.rglob("*")) if path and path.is_dir() else [path] if path else []
    stamp = [(str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in files if one.is_file()]
    digest = hashlib.sha256(repr((wanted, stamp)).encode()).hexdigest()[:32]
    return folder() / f"{digest}.parquet"


def folder() -> Path:
    """Where data sets are kept: in BashGym's own folder, since some come from this disk and are private."""
    made = paths.home() / "cache" / "hub"
    made.mkdir(parents=True, exist_ok=True, mode=0o700)
    return made


def check(columns: Iterable[str], fields: dict[str, str], needed: Iterable[str], key: str) -> dict[str, str]:
    """The columns of the fields that are there. Raises InputError for a column that is not, with those that are."""
    have = sorted(columns)
    for field in needed:
        if not fields.get(field):
            raise InputError(f"{key}.fields.{field}: no column is named; the columns are {', '.join(have)}")
    found = {}
    for field, named in fields.items():
        column = named.removesuffix(OPTIONAL)
        if column in have:
            found[field] = column
        elif not named.endswith(OPTIONAL):
            raise InputError(f"{key}.fields.{field}: no column {column!r}; the columns are {', '.join(have)}")
    return found


def licence(wanted: Wanted, rows: Any) -> str:
    """What the data set's card says of its licence; "missing" where it says nothing."""
    path = local(wanted.dataset)
    if path is not None:
        card = (path if path.is_dir() else path.parent) / "README.md"
        return front_matter(card.read_text("utf-8", "replace")) if card.is_file() else MISSING
    told = getattr(getattr(rows, "info", None), "license", "")
    return str(told) if told else remote_licence(wanted)


def remote_licence(wanted: Wanted) -> str:
    """From the card on the hub."""
    from huggingface_hub import DatasetCard

    try:
        return front_matter(DatasetCard.load(wanted.dataset).content)
    except Exception:  # no card, or none that can be had: the user is told that the licence is not known
        return MISSING


def front_matter(card: str) -> str:
    """The licence in the YAML at the head of a card."""
    if not card.startswith("---"):
        return MISSING
    try:
        head = yamls.load(card.split("---", 2)[1])
    except yaml.YAMLError:
        return MISSING
    found = head.get("license") if isinstance(head, dict) else None
    return str(found) if found else MISSING
