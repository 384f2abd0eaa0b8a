"""Which commands run tests: the families of test runners, behind whatever wraps them (uv run, npx, docker exec ...)."""

import re
from itertools import pairwise
from typing import NamedTuple

from bashgym.signals.shell import Command

ANY = "any"  # family of runners whose output is that of another runner: make, npm, tox ...

# programs that do nothing but run tests, and the family whose output they print
DIRECT = {
    "pytest": "pytest", "py.test": "pytest", "nose2": "unittest", "nosetests": "unittest", "stestr": "unittest",
    "green": "unittest", "tox": "tox", "nox": "tox", "jest": "jest", "vitest": "vitest", "mocha": "mocha",
    "ava": "tap", "tap": "tap", "bats": "tap", "gotestsum": "go", "ginkgo": "go", "rspec": "rspec",
    "phpunit": "phpunit", "pest": "phpunit", "ctest": "ctest", "karma": ANY, "cucumber": ANY, "behave": ANY,
    "paratest": "phpunit", "prove": "prove", "busted": "busted", "shellspec": "rspec", "shunit2": ANY, "wtr": ANY,
    "elm-test": ANY, "kaocha": ANY, "llvm-lit": ANY, "testcafe": ANY, "testem": ANY, "cram": ANY,
}  # fmt: skip
# programs with a sub-command that runs tests
SUBCOMMAND = {
    "cargo": ({"test", "t", "nextest"}, "cargo"), "go": ({"test"}, "go"), "deno": ({"test"}, "deno"),
    "bun": ({"test"}, "bun"), "dotnet": ({"test"}, "dotnet"), "mix": ({"test"}, "exunit"),
    "swift": ({"test"}, "swift"), "flutter": ({"test"}, "dart"), "dart": ({"test"}, "dart"),
    "playwright": ({"test"}, "playwright"), "rails": ({"test"}, "minitest"), "django-admin": ({"test"}, "unittest"),
    "react-scripts": ({"test"}, "jest"), "cypress": ({"run"}, "mocha"), "ng": ({"test"}, ANY), "zig": ({"test"}, ANY),
    "bazel": ({"test"}, ANY), "stack": ({"test"}, ANY), "cabal": ({"test"}, ANY), "lein": ({"test"}, ANY),
    "artisan": ({"test"}, "phpunit"), "hatch": ({"test"}, "pytest"), "meson": ({"test"}, ANY),
    "dune": ({"test", "runtest"}, ANY), "gleam": ({"test"}, ANY), "crystal": ({"spec"}, "rspec"),
    "nimble": ({"test"}, ANY), "rebar3": ({"eunit", "ct", "proper"}, ANY), "forge": ({"test"}, "cargo"),
    "terraform": ({"test"}, ANY), "tofu": ({"test"}, ANY), "helm": ({"unittest"}, ANY), "opa": ({"test"}, ANY),
    "molecule": ({"test", "verify", "idempotence"}, ANY), "dbt": ({"test", "build"}, ANY), "pants": ({"test"}, ANY),
    "buck2": ({"test"}, ANY), "xcodebuild": ({"test"}, "swift"), "raco": ({"test"}, ANY),
    "codecept": ({"run"}, "phpunit"),
    "scala-cli": ({"test"}, ANY),
    "gh": ({"watch", "checks"}, ANY), "spago": ({"test"}, ANY), "luarocks": ({"test"}, ANY), "R": ({"check"}, ANY),
    "bb": ({"test"}, ANY), "kubectl-kuttl": ({"test"}, ANY), "bazelisk": ({"test"}, ANY), "conftest": ({"test"}, ANY),
}  # fmt: skip
# programs that run whatever the project named so
TARGETS = frozenset({
    "make", "gmake", "just", "task", "mise", "rake", "invoke", "inv", "ninja", "mvn", "mvnw", "gradle", "gradlew",
    "ant", "npm", "pnpm", "yarn", "bun", "composer", "deno", "nx", "turbo", "lerna", "moon", "poe", "pdm", "lake",
})  # fmt: skip
BUILDERS = {"mvn": "maven", "mvnw": "maven", "gradle": "gradle", "gradlew": "gradle"}
MAVEN_PHASES = frozenset({"test", "verify", "install", "package", "integration-test", "deploy"})
TARGET = re.compile(
    r"(?:tests?|t|tst|spec|unit|e2e|integration|check|verify)(?:[:_.\-].*)?|.*[:_.\-](?:tests?|spec|e2e)"
)
TASK_OF_GRADLE = re.compile(r"(?:.*:)?(?:\w*[tT]est(?!Classes)\w*|check|build)")
SCRIPT_OF_TESTS = re.compile(
    r"(?:.*/)?(?:test\w*|\w*_tests?|\w*[.\-](?:test|spec)|run[_-]?(?:tests?|specs?))"
    r"\.(?:py|m?[jt]s|sh|bash|zsh|rb|php|pl|lua|[rR]|jl|exs|swift)"
    r"|(?:.*/)?(?:tests?|specs?)/(?:run|all|check|main|suite)\w*\.\w+|(?:.*/)?t/.*\.t"
)
BINARY_OF_TESTS = re.compile(r".*/(?:test_?\w*|\w+[_-]tests?|t_\w+|run[_-]?tests?|\w+Tests)")
IN_CODE = re.compile(r"\btest(?:that|_(?:local|dir|file|package|check))?\b.*\(|\bPkg\.test\b|\bdevtools::check\(")
INTERPRETERS = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "perl", "lua", "luajit", "Rscript", "ruby", "php", "julia"}
)
PYTHON = re.compile(r"(?:python|pypy)[\d.]*|py")
NO_RUN = frozenset({
    "--help", "--version", "--collect-only", "--co", "--listTests", "--list", "--list-tests", "--no-run", "--fixtures",
    "--markers", "--setup-plan", "--setup-only", "--dry-run", "-DskipTests", "-DskipTests=true",
    "-Dmaven.test.skip=true", "-list", "--exclude-task",
})  # fmt: skip
WRAPPERS = frozenset({
    "sudo", "doas", "time", "timeout", "gtimeout", "nice", "nohup", "exec", "command", "env", "stdbuf", "ionice",
    "xvfb-run", "npx", "bunx", "uvx", "pipx", "uv", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "bundle", "pnpm",
    "yarn", "npm", "mise", "docker", "docker-compose", "podman", "kubectl", "coverage", "conda", "mamba", "micromamba",
    "nix", "nix-shell", "direnv", "devbox", "dotenv", "cross-env", "c8", "nyc", "caffeinate", "php", "ruby", "unbuffer",
    "flox", "vagrant", "wsl", "with-env", "doppler", "op", "watchexec", "chronic", "strace", "xargs",
    "valgrind", "gdb", "retry",
})  # fmt: skip


OWN = frozenset({
    "install", "i", "ci", "add", "remove", "rm", "uninstall", "init", "create", "publish", "pack", "view", "info", "ls",
    "list", "outdated", "audit", "link", "update", "upgrade", "config", "why", "use", "trust", "require", "pip", "sync",
    "lock", "tool", "build", "pull", "push", "logs", "get", "describe", "which",
})  # fmt: skip
EVERYTHING = frozenset({".", "./...", "run", "auto", "test", "tests/", "discover"})
STARTING = frozenset({"exec", "x", "dlx"})
FILTERS = frozenset(
    {"-k", "-run", "-t", "--run", "--test", "--grep", "-g", "--testNamePattern", "--filter", "-Dtest", "--tests"}
)
SETTINGS = frozenset({
    "-c", "-o", "-W", "--cov", "--rootdir", "--config", "--reporter", "--tb", "--color", "--log-level", "--cov-report",
    "--coverage-reporter", "--with", "--extra", "--group", "--target-dir", "--profile", "--format", "-p",
})  # fmt: skip


class Runner(NamedTuple):
    """A test runner as a command names it; `selectors` are what narrows the run (paths, -k words, script names)."""

    family: str
    program: str
    selectors: tuple[str, ...] = ()


def runner(command: Command) -> Runner | None:
    """The test runner that `command` starts, or None when it runs no tests."""
    words = unwrapped(command)
    return at_front(list(words)) if words else None


def unwrapped(command: Command) -> tuple[str, ...]:
    """The words of the test runner itself, without what wraps it; empty when it runs no tests."""
    words = list(command.words)
    if NO_RUN.intersection(words):
        return ()
    while words:
        if at_front(words):
            return tuple(words)
        if base(words[0]) not in WRAPPERS or manages(words[1:]):
            return ()
        words = unwrap(words[1:])
    return ()


def at_front(words: list[str]) -> Runner | None:
    """The runner whose name is the first word."""
    program, rest = base(words[0]), words[1:]
    if program in DIRECT:
        return Runner(DIRECT[program], program, selectors(rest))
    if PYTHON.fullmatch(program):
        return python(rest)
    if program == "node" and "--test" in rest:
        return Runner("node", program, selectors(rest))
    if program in SUBCOMMAND:
        names, family = SUBCOMMAND[program]
        named = [word for word in rest if word in names]
        if named and not (program == "go" and "-c" in rest):
            return Runner(family, program, selectors(rest[rest.index(named[0]) + 1 :]))
    if program == "sbt" and any(re.match(r"(?:\S*/)?test", word) for word in rest):
        return Runner(ANY, program, selectors([part for word in rest for part in word.split()[1:]]))
    if program in TARGETS:
        return by_target(program, rest)
    if program in INTERPRETERS:
        return by_interpreter(rest)
    if program in ("clojure", "clj", "mill") and any(re.search(r"(?:^|[:._])test\b", word) for word in rest):
        return Runner(ANY, program, selectors(rest))
    if BINARY_OF_TESTS.fullmatch(words[0]):
        return Runner(ANY, program, selectors(rest))
    if SCRIPT_OF_TESTS.fullmatch(words[0]) and ("/" in words[0] or program.endswith(".sh")):
        return Runner(ANY, program, selectors(rest))
    return None


def python(rest: list[str]) -> Runner | None:
    """`python -m pytest`, `python manage.py test`, `python tests/test_cart.py`."""
    if "-m" in rest and (module := rest[rest.index("-m") + 1 :]):
        if module[0] in ("unittest", "django", "xmlrunner"):
            return Runner("unittest", module[0], selectors(module[1:]))
        return runner(Command(tuple(module)))
    script = next((word for word in rest if not word.startswith("-")), "")
    if base(script) in ("manage.py", "setup.py") and {"test", "pytest"}.intersection(rest):
        return Runner(ANY, base(script), selectors(rest[rest.index(script) + 2 :]))
    if base(script) in ("runtests.py", "run_tests.py") or SCRIPT_OF_TESTS.fullmatch(script):
        return Runner(ANY, base(script), selectors(rest))
    return None


def by_interpreter(rest: list[str]) -> Runner | None:
    """`sh tests/run.sh`, `perl t/parse.t`, `Rscript -e 'testthat::test_local()'`, `ruby -Itest test/cart_test.rb`."""
    script = next((word for word in rest if not word.startswith("-")), "")
    if SCRIPT_OF_TESTS.fullmatch(script):
        return Runner(ANY, base(script), selectors(rest[rest.index(script) + 1 :]))
    if any(IN_CODE.search(after) for flag, after in pairwise(rest) if flag in ("-e", "--eval")):
        return Runner(ANY, "tests in code")
    return None


def by_target(program: str, rest: list[str]) -> Runner | None:
    """`make test`, `npm run test:unit`, `mise run test:ci`, `mvn verify`, `./gradlew :app:test`."""
    if program in ("gradle", "gradlew") and "-x" in rest and "test" in rest[rest.index("-x") :][:2]:
        return None
    wanted = [word for word in rest if not word.startswith("-") and "=" not in word]
    if program in ("mvn", "mvnw"):
        named = [word for word in wanted if word in MAVEN_PHASES]
    elif program in ("gradle", "gradlew"):
        named = [word for word in wanted if TASK_OF_GRADLE.fullmatch(word)]
    else:
        words = wanted if program in ("make", "gmake", "just", "ninja", "rake", "nx", "turbo") else first_name(wanted)
        named = [word for word in words if TARGET.fullmatch(word)]
    if not named:
        return None
    narrowing = () if named[0] in ("test", "t", "tst") else (named[0],)
    others = selectors(rest[rest.index(named[0]) + 1 :]) if program not in ("make", "gmake") else ()
    return Runner(BUILDERS.get(program, ANY), program, narrowing + others)


def first_name(words: list[str]) -> list[str]:
    """The script's name: the word after `run`, or a first word that is none of the manager's own commands.

    A workspace (`pnpm --filter web test`, `yarn workspace web test`) stands before it."""
    if "run" in words[:-1]:
        return words[words.index("run") + 1 :][:1]
    if not words or words[0] in OWN | STARTING:
        return []
    return [word for word in words[:3] if TARGET.fullmatch(word)][:1]


def manages(words: list[str]) -> bool:
    """Whether a package manager or container program is told to do its own work: `npm install jest`."""
    return bool(OWN.intersection([word for word in words if not word.startswith("-")][:1]))


def unwrap(words: list[str]) -> list[str]:
    """What a wrapper starts: everything from the first word that names a runner or another wrapper."""
    for index, word in enumerate(words):
        if index and words[index - 1] in ("--with", "--extra", "--group"):
            continue
        name = base(word)
        known = name in DIRECT or name in SUBCOMMAND or name in TARGETS or name in WRAPPERS or name == "node"
        if known or PYTHON.fullmatch(name) or ("/" in word and SCRIPT_OF_TESTS.fullmatch(word)):
            return words[index:]
    return []


def selectors(words: list[str]) -> tuple[str, ...]:
    """What narrows a run, in order of names: settings, numbers and words for "everything" are left out."""
    kept = []
    for before, word in zip(("", *words), words, strict=False):
        flag, _, value = word.partition("=") if word.startswith("-") else ("", "", word)
        setting = before in SETTINGS and (before != "-p" or word.startswith("no:"))
        if (flag in FILTERS or not flag) and not setting:
            kept.append(value)
    return tuple(sorted({word for word in kept if word and not word.isdigit() and word not in EVERYTHING}))


def covers(wide: Runner, narrow: Runner) -> bool:
    """Whether a pass of `wide` also speaks for what `narrow` ran: no selectors, or each of its own is within one."""
    if wide.family != narrow.family and ANY not in (wide.family, narrow.family):
        return False
    if not wide.selectors:
        return True
    return bool(narrow.selectors) and all(
        any(one.startswith(other.rstrip("./")) for other in wide.selectors) for one in narrow.selectors
    )


def base(word: str) -> str:
    """The name of a program without its folder and without Windows' ending."""
    return word.rsplit("/", 1)[-1].removesuffix(".exe").removesuffix(".cmd")
