"""Keeps models in MLflow: a SQLite file in the data home, or a server of your own."""

import fcntl
import hashlib
import json
import logging
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from bashgym import config, paths
from bashgym.errors import InputError, PluginError, RecipeError
from bashgym.records import ModelVersion

EXPERIMENT = "bashgym"
KEY = "bashgym.key"  # on a run: hash of the model's name and its lineage's run, so that a repeated add finds it
RECORD = "bashgym.record"  # on a version: the ModelVersion as JSON, in pieces
LATEST = "bashgym.latest"  # on a model: MLflow keeps the alias `latest` for itself
PIECE = 90_000  # characters; a version's tag holds 100,000
BATCH = 1000  # metrics that one call may log
LONGEST_NAME = 200
NAME = re.compile(r"\w[\w.+-]*")
ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
NOT_IN_METRIC = re.compile(r"[^\w\-./ ]")
NO_CURVE = frozenset({"step", "max_steps", "time", "epoch"})  # numbers of an event that say where it is
NOT_FOUND = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


class ModelRegistry:
    """One MLflow run per training, one version of a registered model whose source is the checkpoint's folder.

    Writing is serialised by a lock file beside the database, so that processes neither race for the first migration
    nor register one training twice. Nothing leaves this machine unless `uri` names a server."""

    class Config(config.Config):
        uri: str = ""
        """Where MLflow keeps its records: `sqlite:////absolute/path.db` or a server's http(s) address; empty:
        models/registry.db in the data home."""

    def __init__(self, config: Config) -> None:
        if config.uri and not re.match(r"sqlite:///|https?://", config.uri):
            raise RecipeError(
                f"model_registry.uri: {config.uri!r} is neither sqlite:///PATH nor http(s)://HOST; "
                "leave it empty for the data home"
            )
        self.config = config

    @property
    def database(self) -> Path | None:
        """The SQLite file; None for a server."""
        if not self.config.uri:
            return paths.home() / "models" / "registry.db"
        return Path(self.config.uri.removeprefix("sqlite:///")) if self.config.uri.startswith("sqlite") else None

    @property
    def folder(self) -> Path:
        """Where the lock lies, and what MLflow would keep as files."""
        return self.database.parent if self.database else paths.home() / "models"

    @cached_property
    def client(self) -> Any:
        """MLflow's client, opened; the first use of a new database makes its tables (some seconds).

        Raises InputError when the database is damaged or of another MLflow."""
        client_class = quiet_client()
        uri = f"sqlite:///{self.database}" if self.database else self.config.uri
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            client = client_class(tracking_uri=uri, registry_uri=uri)
            client.search_experiments(max_results=1)  # its stores are opened by their first use
            client.search_registered_models(max_results=1)
        except (MlflowException, SQLAlchemyError) as error:
            told = " ".join(str(error).split())[:200]
            raise InputError(
                f"model_registry.uri: {uri} cannot be opened: {told}; for an older file: mlflow db upgrade {uri}"
            ) from None
        return client

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """The client, while no other process writes; a killed process gives the lock back."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "registry.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield self.client

    def reader(self) -> Any | None:
        """The client, or None where nothing was ever kept: looking makes no database."""
        if self.database and not self.database.exists():
            return None
        if "client" not in self.__dict__:
            with self.alone():  # opening checks the tables, which another process may just be making
                return self.client
        return self.client

    def add(self, version: ModelVersion, curves: Sequence[dict[str, Any]] = ()) -> ModelVersion:
        """The version as kept. Of one `lineage["run"]` there is one version, however often it is added.

        `curves`: events with a step and numbers, at the top or under `metrics`. Raises InputError for a bad name."""
        check_name(version.name)
        with self.alone() as client:
            run = find_run(client, version) or start_run(client, version, self.folder)
            number = find_version(client, run.info.run_id)
            if number is None:
                write_run(client, run.info.run_id, version, curves)
                number = make_version(client, run.info.run_id, version)
            if run.info.status != "FINISHED":
                client.set_terminated(run.info.run_id, "FINISHED")
        kept = self.get(version.name, number)
        if kept is None:
            raise InputError(f"model {version.name} version {number} was added and cannot be read again")
        return kept

    def alias(self, name: str, version: str, alias: str) -> None:
        """Moves `alias` to the version. Raises InputError for an unknown version, or an alias that is no word."""
        if not ALIAS.fullmatch(alias) or re.fullmatch(r"v\d+", alias):
            raise InputError(f"alias {alias!r}: letters, digits, - and _, not a number or v1; for example: champion")
        if self.get(name, version) is None:
            raise InputError(f"{name}@{version}: no such model version; see: bashgym models")
        with self.alone() as client:
            if alias.lower() == "latest":
                client.set_registered_model_tag(name, LATEST, version)
            else:
                client.set_registered_model_alias(name, alias, version)

    def get(self, name: str, version: str | None = None) -> ModelVersion | None:
        """By number or alias; None is the newest. None where there is none."""
        client = self.reader()
        model = existing(client.get_registered_model, name) if client else None
        if client is None or model is None:
            return None
        aliases = aliases_of(model)
        if version is None:
            numbers = [int(found.version) for found in versions(client, name)]
            number = str(max(numbers)) if numbers else None
        else:
            number = version if version.isdigit() else aliases.get(version)
        found = existing(client.get_model_version, name, number) if number else None
        return from_mlflow(found, aliases) if found else None

    def list(self) -> Iterator[ModelVersion]:
        """Every version, by name, newest first."""
        client = self.reader()
        for model in pages(client.search_registered_models) if client else ():
            aliases = aliases_of(model)
            for found in sorted(versions(client, model.name), key=lambda one: -int(one.version)):
                yield from_mlflow(found, aliases)

    def lineage(self, name: str, version: str) -> dict[str, str]:
        """Where a version came from. Raises InputError when there is no such version."""
        found = self.get(name, version)
        if found is None:
            raise InputError(f"{name}@{version}: no such model version; see: bashgym models")
        return found.lineage


def quiet_client() -> type:
    """MLflow's client class, without telemetry and without its chatter; raises PluginError where it is missing."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    try:
        from mlflow import MlflowClient
    except ImportError:
        way_out = "pip install 'mlflow-skinny>=3.17' sqlalchemy alembic"
        raise PluginError(f"mlflow-skinny is not installed; install it with: {way_out}") from None
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return MlflowClient


def check_name(name: str) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        better = re.sub(r"[^\w.-]+", "-", name).strip("-")[:LONGEST_NAME] or "my-model"
        raise InputError(f"model name {name!r} cannot be kept: letters, digits and . _ + - only; for example: {better}")


def key_of(version: ModelVersion) -> str:
    """What makes two adds the same: the name and the run it came from; without a run, the whole lineage."""
    origin = version.lineage.get("run") or json.dumps([version.path, version.lineage], sort_keys=True)
    return hashlib.sha256(f"{version.name}\0{origin}".encode()).hexdigest()


def find_run(client: Any, version: ModelVersion) -> Any | None:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    found = client.search_runs([experiment.experiment_id], f"tags.`{KEY}` = '{key_of(version)}'", max_results=1)
    return found[0] if found else None


def start_run(client: Any, version: ModelVersion, folder: Path) -> Any:
    """A new run; the experiment's folder for artifacts is set, so that MLflow never makes ./mlruns."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        number = client.create_experiment(EXPERIMENT, artifact_location=(folder / "artifacts").as_uri())
    else:
        number = experiment.experiment_id
    tags = {KEY: key_of(version), "mlflow.runName": version.lineage.get("run") or version.name}
    return client.create_run(number, tags=tags)


def find_version(client: Any, run_id: str) -> str | None:
    found = client.search_model_versions(f"run_id = '{run_id}'")
    return str(found[0].version) if found else None


def write_run(client: Any, run_id: str, version: ModelVersion, curves: Sequence[dict[str, Any]]) -> None:
    """Curves, scores, parameters and lineage; written again after a kill, the same values are the same rows."""
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(name, value, time, step) for name, value, time, step in points(curves)]
    made = milliseconds(version.created)
    tags = [RunTag(f"lineage.{name}", value) for name, value in version.lineage.items()]
    for score in version.scores:
        name = metric_name(f"{score.benchmark}/{score.metric}/{score.role}")
        tags.append(RunTag(f"evidence.{name}", score.evidence))
        if score.value is not None:
            metrics.append(Metric(name, score.value, made, 0))
    params = [Param(name, version.lineage[name]) for name in ("recipe", "base") if name in version.lineage]
    client.log_batch(run_id, params=params)
    for start in range(0, len(tags), 100):
        client.log_batch(run_id, tags=tags[start : start + 100])
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def points(curves: Sequence[dict[str, Any]]) -> Iterator[tuple[str, float, int, int]]:
    """(name, value, time in ms, step) of every number in the events; "nan" and "inf" as text are numbers too."""
    for event in curves:
        step = int(event.get("step") or 0)
        time = int(float(event.get("time") or 0) * 1000)
        inner = event.get("metrics")
        for name, value in {**event, **(inner if isinstance(inner, dict) else {})}.items():
            plain = as_number(value)
            if plain is not None and name not in NO_CURVE:
                yield metric_name(name), plain, time, step


def as_number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        plain = float(value)
    except (ValueError, OverflowError):
        return None
    return None if isinstance(value, str) and math.isfinite(plain) else plain


def metric_name(name: str) -> str:
    return NOT_IN_METRIC.sub("_", name)[:240]


def milliseconds(created: str) -> int:
    """0 where the time is not ISO 8601: a fixed number, so that writing again changes nothing."""
    try:
        return int(datetime.fromisoformat(created).timestamp() * 1000)
    except ValueError:
        return 0


def make_version(client: Any, run_id: str, version: ModelVersion) -> str:
    """The registered model where it is new, and a version with the whole record in its tags, in one step."""
    if existing(client.get_registered_model, version.name) is None:
        client.create_registered_model(version.name)
    # json, not msgspec: it keeps NaN and infinities
    plain = json.dumps(msgspec.to_builtins(msgspec.structs.replace(version, version="", aliases=())))
    pieces = {f"{RECORD}.{at // PIECE}": plain[at : at + PIECE] for at in range(0, len(plain), PIECE)}
    made = client.create_model_version(version.name, version.path, run_id=run_id, tags=pieces)
    return str(made.version)


def from_mlflow(found: Any, aliases: dict[str, str]) -> ModelVersion:
    """The record as it was added; a version that someone made with MLflow itself has a path and no scores."""
    number = str(found.version)
    names = tuple(sorted(alias for alias, version in aliases.items() if version == number))
    pieces = [found.tags[f"{RECORD}.{n}"] for n in range(len(found.tags)) if f"{RECORD}.{n}" in found.tags]
    if not pieces:
        created = datetime.fromtimestamp(found.creation_timestamp / 1000).astimezone().isoformat()
        return ModelVersion(name=found.name, path=found.source or "", version=number, aliases=names, created=created)
    kept = msgspec.convert(json.loads("".join(pieces)), ModelVersion)
    return msgspec.structs.replace(kept, version=number, aliases=names)


def aliases_of(model: Any) -> dict[str, str]:
    """Alias -> version number, `latest` included."""
    aliases = {alias: str(version) for alias, version in model.aliases.items()}
    return aliases | ({"latest": model.tags[LATEST]} if LATEST in model.tags else {})


def versions(client: Any, name: str) -> Iterator[Any]:
    if not NAME.fullmatch(name):  # nothing of ours, and not to be put into a filter
        return
    for found in pages(client.search_model_versions, f"name = '{name}'"):
        if found.name == name:
            yield found


def pages(search: Any, *words: str) -> Iterator[Any]:
    token = None
    while True:
        page = search(*words, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def existing(look: Any, *words: str) -> Any | None:
    """What `look` finds, or None where MLflow says there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return look(*words)
    except MlflowException as error:
        if error.error_code in NOT_FOUND:
            return None
        raise
