"""What tests share. A test that lacks a system package is skipped and counted aloud; under BASHGYM_CI that fails."""

import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

# time is measured in benchmarks/; on a busy machine a deadline would only make tests fail by chance
settings.register_profile("bashgym", deadline=None)
settings.load_profile("bashgym")

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT.parent / "shared" / "samples"
HARBOR = "harbor==0.25.0"
TRAINED = ("small_run", "consumed")  # fixtures that run the training environment, once for the tests of several modules
NEEDS = "needs "  # how the reason of a skip begins that CI does not accept


def pytest_configure() -> None:
    """A shell that puts the tests in the background has them ignore Ctrl-C, and so all that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sanitizers' rules are compiled once, which takes seconds, and not for every test's own home; the program
    once, and not in each of the hundreds of processes that tests start."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # all workers'
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KF_RULE_CACHE_DIR", str(folder / "compiled_rules"))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("OMP_NUM_THREADS", "1")  # a training in each worker, on a core of its own
        yield folder / "compiled_rules"


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a BashGym home of its own, and no Claude Code history but what it makes."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("BASHGYM_HOME", str(folder))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder / "no-claude"))
    for name in ("BASHGYM_PACKS", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real session files, where this checkout has them beside it."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside this checkout")
    return SAMPLES


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """need("chromium") is the program's path, or the end of a test that cannot do without."""

    def found(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.skip(f"{NEEDS}{program}")
        return path

    return found


@pytest.fixture(scope="session")
def training_python() -> Path:
    """The training environment's interpreter, which `make test` makes before the tests."""
    from bashgym import environment
    from bashgym.errors import BashGymError

    try:
        return environment.python()
    except BashGymError as error:
        pytest.skip(f"{NEEDS}the training environment: {error}")


@pytest.fixture(scope="session")
def small_run(training_python: Path, tmp_path_factory: pytest.TempPathFactory) -> NamedTuple:
    """A small chat dataset and a model really trained on it; see tests/small_run.py."""
    path = Path(__file__).parent / "small_run.py"
    spec = importlib.util.spec_from_file_location("small_run", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["small_run"] = module
    spec.loader.exec_module(module)
    return module.make(tmp_path_factory.mktemp("small_run"))


@pytest.fixture(scope="session")
def harbor(pytestconfig: pytest.Config) -> types.ModuleType:
    """Harbor's own models of ATIF (`harbor.models.trajectories`), from its wheel, fetched once into pytest's cache.

    The wheel wants Python 3.12, its models do not."""
    folder = pytestconfig.cache.mkdir(HARBOR.replace("==", "-"))
    if not (folder / "harbor").is_dir():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        fetch = [*pip, "--only-binary=:all:", "--python-version=3.12", f"--dest={folder}", HARBOR]
        subprocess.run(fetch, check=True, timeout=300)
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            names = [name for name in packed.namelist() if name.startswith("harbor/models/trajectories/")]
            packed.extractall(folder, names)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module("harbor.models.trajectories")
    finally:
        sys.path.remove(str(folder))


@pytest.fixture
def bashgym(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real command line in a folder of its own, as a user would."""

    def call(*words: str, cwd: Path = tmp_path, **env: str) -> subprocess.CompletedProcess[str]:
        seen = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **env}
        command = [sys.executable, "-m", "bashgym", *words]
        return subprocess.run(command, cwd=cwd, env=seen, capture_output=True, text=True, timeout=900)

    return call


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what is made once run in the worker that has made it. Modules with long ones come first, so
    that no worker is left with one when all others are done."""
    long: dict[Path, int] = {}
    for item in items:
        if name := shared(item):
            item.add_marker(pytest.mark.xdist_group(name))
        marks = [mark for mark in ("slow", "training") if item.get_closest_marker(mark)]
        long[item.path] = max(long.get(item.path, 0), len(marks))
    items.sort(key=lambda item: -long[item.path])


def shared(item: pytest.Item) -> str:
    """What a test shares with others: a training, or what its module makes; empty where it is nothing."""
    used = item._fixtureinfo.name2fixturedefs
    trained = [name for name in TRAINED if name in used]
    if not trained and any(fixtures[-1].scope == "module" for fixtures in used.values()):
        return item.nodeid.partition("::")[0]
    return "".join(trained[:1])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    report = yield
    told = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if os.environ.get("BASHGYM_CI") and told.removeprefix("Skipped: ").startswith(NEEDS):
        report.outcome = "failed"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        reasons = sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped})
        terminalreporter.write_line(f"{len(skipped)} TESTS SKIPPED: {'; '.join(reasons)}", yellow=True, bold=True)
