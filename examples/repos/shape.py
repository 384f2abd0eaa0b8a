"""What an invented repository is made of, and its files built from that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """A function, and what can be wrong with it. `right` are rows of `code`, `wrong` the same rows with a fault
    that the first test sees; `almost` is an attempt that it still sees."""

    module: str
    name: str
    code: str
    right: str
    wrong: str
    tests: tuple[str, ...]  # what each test asserts
    does: str  # "turns a title into a slug"
    fault: str  # what a user says of the fault
    new_name: str
    almost: str = ""
    imports: tuple[str, ...] = ()

    def test(self) -> str:
        names = [f"test_{self.name}", f"test_{self.name}_again"]
        return "\n\n\n".join(
            f"def {name}():\n    assert {claim}" for name, claim in zip(names, self.tests, strict=False)
        )


@dataclass(frozen=True)
class Flag:
    name: str
    kind: str  # bool, int or str
    help: str
    default: str = ""

    def row(self) -> str:
        if self.kind == "bool":
            return f'    parser.add_argument("--{self.name}", action="store_true", help="{self.help}")'
        default = f'"{self.default}"' if self.kind == "str" else self.default
        return f'    parser.add_argument("--{self.name}", type={self.kind}, default={default}, help="{self.help}")'


@dataclass(frozen=True)
class Change:
    """A value in a configuration file: `old` is its row, `value` what it shall be."""

    key: str
    old: str
    new: str
    value: str


@dataclass(frozen=True)
class Script:
    name: str
    does: str
    text: str


@dataclass(frozen=True)
class Repo:
    name: str
    system: str  # linux or mac: whose home it lies in
    about: str
    argument: str  # the command line's positional argument
    functions: tuple[Function, ...]  # the first one takes a string: the command line calls it
    flags: tuple[Flag, ...]
    config: tuple[str, str]  # path, text
    changes: tuple[Change, ...]
    usage: str  # docs/usage.md
    sentences: tuple[tuple[str, str], ...]  # in docs/usage.md: what it says, what it shall say
    scripts: tuple[Script, ...]  # the first one is there, the others can be asked for
    server: str  # the host name's first part

    def module(self, module: str) -> str:
        return f"src/{self.name}/{module}.py"

    def test_module(self, module: str) -> str:
        return f"tests/test_{module}.py"

    def files(self, broken: Function | None = None, missing: Function | None = None) -> dict[str, str]:
        """The whole repository, with one function broken or not there yet."""
        there = [function for function in self.functions if function is not missing]
        files = {f"src/{self.name}/__init__.py": f'"""{self.about}."""\n', f"src/{self.name}/cli.py": self.cli()}
        files |= {f"src/{self.name}/settings.py": self.settings(), f"src/{self.name}/client.py": self.client()}
        for module in sorted({function.module for function in there}):
            inside = [function for function in there if function.module == module]
            files[self.module(module)] = module_text(module, self.name, inside, broken)
            files[self.test_module(module)] = test_text(self.name, inside)
        first = self.scripts[0]
        files |= {"tests/test_cli.py": self.cli_tests(), self.config[0]: self.config[1], "docs/usage.md": self.usage}
        return files | {f"scripts/{first.name}": first.text, "CHANGELOG.md": self.changelog()}

    def changelog(self) -> str:
        names = [function.name for function in self.functions]
        rows = [
            "# Changes",
            "",
            "## Unreleased",
            "",
            f"- Tests for {names[-1]}",
            "",
            "## 1.2.0",
            "",
            f"- {self.about}",
            f"- Add {names[0]} and {names[1]}",
            "",
        ]
        return "\n".join(rows)

    def cli(self) -> str:
        call = self.functions[0]
        return f'''"""The command line of {self.name}."""

import argparse

from {self.name}.{call.module} import {call.name}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="{self.name}")
    parser.add_argument("{self.argument}")
    parser.add_argument("--limit", type=int, default=20, help="how many to show")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    print({call.name}(args.{self.argument}))
    return 0
'''

    def cli_tests(self) -> str:
        return f"""from {self.name}.cli import build_parser


def test_limit():
    assert build_parser().parse_args(["x"]).limit == 20
"""

    def settings(self) -> str:
        return f'''"""Settings of {self.name}, from the environment."""

import os


def database_url() -> str:
    return os.environ.get("DB_URL", "sqlite:///{self.name}.db")


def api_key() -> str:
    return os.environ.get("API_KEY", "")
'''

    def client(self) -> str:
        return f'''"""What {self.name} sends to its API."""


def headers(token: str) -> dict[str, str]:
    return {{"Accept": "application/json", "Authorization": token}}
'''


def module_text(module: str, package: str, functions: list[Function], broken: Function | None) -> str:
    imports = sorted({name for function in functions for name in function.imports})
    head = "\n\n".join(
        [
            f'"""{module.capitalize()} of {package}."""',
            *["\n".join(f"import {name}" for name in imports)] * bool(imports),
        ]
    )
    codes = [
        function.code.replace(function.right, function.wrong) if function is broken else function.code
        for function in functions
    ]
    return "\n\n\n".join([head, *[code.strip("\n") for code in codes]]) + "\n"


def test_text(package: str, functions: list[Function]) -> str:
    names = ", ".join(sorted(function.name for function in functions))
    head = f"from {package}.{functions[0].module} import {names}"
    return "\n\n\n".join([head, *[function.test() for function in functions]]) + "\n"
