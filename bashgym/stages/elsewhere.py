"""What another machine must share with this one before it may do this one's work.

Sessions, plugins and the store are files: a machine that works for this one sees the same files under the same paths,
runs the same code, and knows the same secrets (another would leave in a session what this machine would have taken
out). Compared as plain data; what is secret only by keyed digest."""

import getpass
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import paths, pseudonyms
from bashgym.scanning import machine
from bashgym.stages.worker import code_digest

TOLD = {
    "python": "runs another Python",
    "code": "has other code of bashgym",
    "home": "has another data home ($BASHGYM_HOME)",
    "token": "does not see this machine's files: the data home has to be on a file system that both share",
    "user": "works under another login",
    "known": "knows other secrets (its environment, its tools' credential files)",
}


class Machine(NamedTuple):
    """What is compared; `token` is what stands in a file that the asking machine has just written."""

    python: str
    code: str
    home: str
    token: str
    user: str
    known: tuple[str, ...]


class Asked(NamedTuple):
    """What a worker is given beside its task: the environment of the process that asks, and the path of its token."""

    environment: Mapping[str, str]
    token: str


def ask(folder: Path) -> Asked:
    """Writes a token into `folder`; who removes it is the caller."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f".token-{uuid.uuid4().hex}"
    place.write_text(uuid.uuid4().hex)
    return Asked(dict(os.environ), str(place))


def here(asked: Asked) -> Machine:
    """This machine."""
    token = Path(asked.token)
    home = paths.home()
    known = machine.known(machine.here()).types if token.exists() else {}  # without the key nothing can be digested
    return Machine(
        python=sys.version,
        code=code_digest(),
        home=str(home),
        token=token.read_text() if token.exists() else "",
        user=getpass.getuser(),
        known=tuple(sorted(pseudonyms.known(type, value) for value, type in known.items())),
    )


def there(asked: Asked) -> Machine:
    """The machine of a worker; the worker has the asking process's environment from then on."""
    adopt(asked.environment)
    return here(asked)


def adopt(environment: Mapping[str, str]) -> None:
    """What sanitizers and sources read from the environment is that of the machine that asks."""
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)


def work(function: Callable[[Any], Any], task: Any, asked: Asked) -> Any:
    """`function` of one task, in a worker."""
    adopt(asked.environment)
    return function(task)


def differences(mine: Machine, other: Machine) -> Iterator[str]:
    """How `other` may not work for `mine`, a few words each."""
    for name, told in TOLD.items():
        if getattr(mine, name) != getattr(other, name):
            yield told
            if name == "token":  # the rest follows from it
                return
