"""A pack's plugin as seen from here: a class and objects that ask the process in which it runs."""

import atexit
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from bashgym import errors, paths
from bashgym.apart import wire
from bashgym.errors import BashGymError, PluginError, PrivacyError
from bashgym.kinds import ScanContext, class_name
from bashgym.loading import Plugin

KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR")  # of our environment, and LC_*
MEMORY = "bashgym.apart"  # where a scan's memory says that the other side has its strings
START = "import sys; sys.path[:0] = sys.argv[1:]; from bashgym.apart.child import main; main()"


class Foreign(BaseModel):
    """Settings that were checked where their plugin is."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Worker:
    """The process of one plugin; it ends with ours."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.lock = threading.RLock()
        self.functions: dict[int, Callable[..., Any]] = {}
        self.numbers = itertools.count()
        self.home = tempfile.mkdtemp(prefix="bashgym-pack-")
        self.process = self.started()
        atexit.register(self.end)

    def started(self) -> subprocess.Popen[bytes]:
        env = {key: value for key, value in os.environ.items() if key in KEPT or key.startswith("LC_")}
        env |= {"BASHGYM_HOME": self.home, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        searched = [path for path in sys.path if path and "site-packages" in path]
        command = [sys.executable, "-I", "-c", START, str(paths.HERE.parent), *searched]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def ask(self, do: str, **told: Any) -> Any:
        """The answer; functions that were given along are called meanwhile. Raises what the plugin raised."""
        with self.lock:
            try:
                return self.answered({"do": do, "id": next(self.numbers), **told})
            except OSError as error:
                raise self.failure(f"its process ended ({error})") from None

    def answered(self, message: dict[str, Any]) -> Any:
        says, hears = self.process.stdin, self.process.stdout
        assert says and hears
        wire.send(says, message)
        while True:
            answer = wire.receive(hears)
            if answer is None:
                raise self.failure("its process ended")
            if "callback" in answer:
                wire.send(says, self.called(answer))
                continue
            if answer["id"] != message["id"]:
                continue  # to a question whose asker was interrupted
            if "error" in answer:
                raise self.raised(answer)
            return answer["answer"]

    def called(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            function = self.functions[asked["callback"]]
            return {"value": wire.encode(function(*[wire.decode(one) for one in asked["args"]]))}
        except BashGymError as error:
            return {"error": str(error)}

    def raised(self, answer: dict[str, Any]) -> BashGymError:
        ours = getattr(errors, answer["ours"], None) if answer["ours"] else None
        if isinstance(ours, type) and issubclass(ours, BashGymError) and ours is not errors.MissingPackage:
            return ours(answer["error"])
        return self.failure(f"{answer['type']}: {answer['error']}")

    def failure(self, why: str) -> BashGymError:
        """A sanitizer that cannot go on stops the run as one of ours does."""
        kind = PrivacyError if self.plugin.kind == "sanitizer" else PluginError
        return kind(f"{self.plugin.kind} plugin '{self.plugin.name}' of {self.plugin.origin}: {why}")

    def number(self, function: Callable[..., Any]) -> int:
        number = next(self.numbers)
        self.functions[number] = function
        return number


class Apart:
    """The base of all such classes; an object of it stands for one that was built over there."""

    worker: Worker
    methods: frozenset[str]
    settings_told: dict[str, Any]  # its settings' schema, and the documentation of their fields

    def __init__(self, config: Foreign) -> None:
        vars(self)["config"] = config
        where = self.worker.plugin.kind
        vars(self)["number"] = self.worker.ask("build", values=config.model_dump(mode="json"), where=where)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "number" not in vars(self):
            raise AttributeError(name)
        if name in self.methods:
            return partial(self.call, name)
        told = self.worker.ask("get", of=self.number, name=name)
        if "absent" in told:
            raise AttributeError(name)
        return partial(self.call, name) if "method" in told else wire.decode(told["value"])

    def __setattr__(self, name: str, value: Any) -> None:
        given = vars(self).setdefault("given", {})
        self.worker.functions.pop(given.pop(name, None), None)
        self.worker.ask("put", of=self.number, name=name, value=wire.encode(value, self.numbered(given, name)))

    def numbered(self, numbers: dict[Any, int], name: Any = None) -> Callable[[Any], int]:
        """Gives functions numbers and notes them."""

        def give(function: Callable[..., Any]) -> int:
            number = self.worker.number(function)
            numbers[name if name is not None else number] = number
            return number

        return give

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        given = [*args, *named.values()]
        session = None
        if given and isinstance(given[-1], ScanContext):
            session = self.session(given.pop())
        numbers: dict[Any, int] = {}
        encoded = [wire.encode(one, self.numbered(numbers)) for one in given]
        told = self.worker.ask("call", of=self.number, name=name, args=encoded, session=session)
        if "stream" in told:
            return self.stream(told["stream"])
        for number in numbers.values():
            del self.worker.functions[number]
        return wire.decode(told["value"])

    def session(self, context: ScanContext) -> dict[str, Any]:
        told = {"token": str(id(context.memory)), "session": context.session, "keys": wire.encode(list(context.keys))}
        if MEMORY not in context.memory:
            context.memory[MEMORY] = True
            told["strings"] = wire.encode(list(context.strings))
        return told

    def stream(self, number: int) -> Iterator[Any]:
        while "end" not in (told := self.worker.ask("next", stream=number)):
            yield wire.decode(told["value"])


def proxy(plugin: Plugin) -> type:
    """The class of a plugin that runs apart. Raises PluginError where it cannot be loaded there."""
    if plugin.kind == "executor":
        raise PluginError(
            f"executor '{plugin.name}' of {plugin.origin}: a pack brings no executor, which runs our code"
        )
    worker = Worker(plugin)
    told = worker.ask("load", plugin=[*map(str, plugin)])
    body = {**told["plain"], "Config": Foreign, "worker": worker, "methods": frozenset(told["methods"])}
    body |= {"settings_told": {"schema": told["schema"], "docs": told["docs"]}}
    return type(class_name(plugin.kind), (Apart,), body)


def settings(cls: Any, values: dict[str, Any], where: str) -> Foreign:
    """`values`, checked by the plugin's own settings. Raises RecipeError as `bashgym.config.validate` does."""
    return Foreign.model_validate(cls.worker.ask("settings", values=values, where=where))
