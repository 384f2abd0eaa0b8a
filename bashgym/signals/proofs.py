"""Runs that are no test runs and yet speak for the work: builds, linters, validators, the project's own programs.

A command speaks where what it says rests on the work: it checks something and says so by its exit status, or it is the
project's own program and prints what comes of it. Looking (cat, ls, git status) never speaks."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from bashgym.signals.calls import Called, command_line, exit_code
from bashgym.signals.runners import base, runner, unwrap
from bashgym.signals.shell import Command, split
from bashgym.trace import Trace

At = tuple[int, int, int]
# programs that check or build, each with the words of which one must follow; none: whatever follows
TABLE = """
tsc|mypy|pyright|ruff|flake8|pylint|eslint|stylelint|biome|rubocop|phpstan|psalm|shellcheck|hadolint|actionlint|yamllint
markdownlint|vale|staticcheck|luacheck|ansible-lint|tflint|checkov|kubeconform|kubeval|xmllint|tox|nox|diff|cmp
npm|pnpm|yarn|make|gmake|just|task|ninja|mvn|mvnw|gradle|gradlew|svelte-check|vue-tsc|webpack|rollup|esbuild|protoc
gcc|g++|clang|clang++|cc|javac|kotlinc|rustc|ghc|swiftc|sphinx-build|hugo|pandoc|latexmk|pdflatex|ansible-playbook|sqlite3
cobc|gfortran|fpc|dmd|ldc2|nim|ocamlc|ocamlopt|elm|purs|coqc|lean|lake|erlc|solc|iverilog|verilator|ghdl|gprbuild|gnatprove
hlint|ktlint|swiftlint|selene|tfsec|cfn-lint|kube-score|kube-linter|spectral|redocly|ajv|check-jsonschema|cue|jsonnet|dhall
buildifier|taplo|cspell|codespell|semgrep|bandit|valgrind|pgtap|pg_prove|sqlite-utils|openssl|haproxy|caddy|named-checkconf
golangci-lint|pre-commit|lefthook|bun: run build
promtool|astro|alembic|glab|circleci: check build upgrade lint ci config
nginx|sshd: -t
visudo|psql|sha256sum: -c
jupyter|papermill: --execute run
systemd-analyze: verify
cargo|go|zig|swift|stack|cabal|bazel|bazelisk: build check clippy run doc vet
dotnet|mix|sbt|rebar3: build run publish compile dialyzer credo
cmake|mkdocs|jekyll|docusaurus|mdbook|dune|vite|next|kustomize|nix: --build build flake
docker|podman: build buildx compose run
helm|sqlfluff|buf|packer|terraform|tofu|pulumi: lint template validate plan apply preview up build
kubectl|oc: rollout apply wait diff get
molecule|dbt|prisma|quarto: converge run compile parse validate migrate render
flutter|dart: build analyze run
php: -l
mysql: -e
"""
CHECKING = {
    name: frozenset(words.split())
    for row in TABLE.strip().split("\n")
    for names, _, words in [row.partition(": ")]
    for name in names.split("|")
}
NO_CHECK = frozenset(
    """install i ci add remove uninstall init update upgrade outdated publish login version --version --help -h list ls
    info clean fmt ps logs images pull push stop down""".split()  # noqa: SIM905
)
INTERPRETER = re.compile(
    r"(?:python|pypy)[\d.]*|node|deno|bun|ruby|perl|php|lua|luajit|Rscript|julia|ts-node|tsx|elixir|guile|sh|bash"
)
SCRIPT = re.compile(r"[\w./@-]+\.\w{1,5}")
OPERATING = re.compile(
    r"(?:kubectl|oc)\b.*\s(?:delete|apply|scale|restart|patch|create|drain|cordon|set)\b|git\s(?:-\S+\s)*(?:push|rebase|merge|tag"
    r"|cherry-pick|revert|clean|am|worktree|submodule|mv|rm)\b|(?:docker|podman)\b.*\s(?:up|restart|rm|stop|start|prune)\b"
    r"|helm\s(?:install|upgrade|rollback|uninstall)|(?:terraform|tofu)\s(?:apply|destroy|import|state)"
    r"|(?:systemctl|service)\s.*(?:restart|start|stop|reload|enable|disable)|(?:rm|mv|cp|mkdir|ln|chmod|chown|rsync)\s"
    r"|(?:npm|pnpm|yarn|pip3?|uv|cargo|go|gem|bundle|composer|apt|apt-get|brew|poetry|mix|dotnet)\s(?:\S+\s)?"
    r"(?:i|ci|install|add|remove|update|upgrade|get|lock|sync|uninstall|mod)\b"
    r"|(?:psql|mysql|sqlite3)\b.*\b(?:update|insert|delete|create|alter|drop)\b|alembic\s(?:upgrade|downgrade)",
    re.IGNORECASE,
)
OWN_HOST = re.compile(r"localhost|127\.0\.0\.1|\[::1\]|\.internal\b|\.local\b|\.svc\b|\$\w*(?:URL|HOST)")
TIDIES = frozenset("echo printf rm kill pkill cat tail head grep ls wc sed sleep wait true pdftotext df du".split())  # noqa: SIM905
TIDIED = frozenset((program, verb) for program in ("docker", "podman") for verb in ("rm", "stop", "kill", "logs", "ps"))
TROUBLE = re.compile(
    r"\berrors?\b(?!\s*[:=]?\s*0)|\bfail\w*|\brefused\b|\breset\s+by\b|\bdenied\b|\bfatal\b|\bcannot\b|\bexception\b|\btraceback\b",
    re.IGNORECASE,
)
HELD = frozenset({"&", "||"})


class Proof(NamedTuple):
    """One such run. `kind`: it checks by itself, or the project's own program ran."""

    at: At
    step_id: int
    kind: Literal["check", "program"]
    command: str
    passed: bool
    output: str


def proofs(called: Called, trace: Trace) -> Iterator[Proof]:
    """The runs of one call whose outcome is known: the last command of a line, or one that `&&` leads on from."""
    line = command_line(called)
    code = exit_code(called, trace)
    if line is None or code is None:
        return
    commands = split(line)
    for index, command in enumerate(commands):
        kind = kind_of(command)
        silent = muted(commands, index) and not (code == 0 and cleaned_up(commands, index, called.text))
        if kind and not command.conditional and not silent:
            words = " ".join(command.words)
            if code == 0 or index == first_check(commands):
                yield Proof((*called.at, index), called.step.step_id, kind, words, code == 0, called.text)


def operates(called: Called) -> bool:
    """Whether a command changed something that is no file of the work: a cluster, a branch, what is installed."""
    line = command_line(called) if called.took_effect else None
    return line is not None and any(OPERATING.match(" ".join(command.words)) for command in split(line))


def first_check(commands: Sequence[Command]) -> int:
    return next((index for index, command in enumerate(commands) if kind_of(command)), -1)


def muted(commands: Sequence[Command], index: int) -> bool:
    """Whether the line's status says nothing of this command; what shows its output behind a pipe is no mute."""
    behind = [later.after for later in commands[index:-1]]
    return any(operator in HELD for operator in behind) or (";" in behind and "-e" not in commands[0].words)


def cleaned_up(commands: Sequence[Command], index: int, output: str) -> bool:
    """Whether what stands behind the first `;` only shows and tidies up, and nothing printed speaks of errors."""
    behind = list(commands[index:])
    cut = next((number for number, one in enumerate(behind[:-1]) if one.after == ";"), None)
    if cut is None or any(one.after in HELD for one in behind[:-1]) or TROUBLE.search(output) or not output.strip():
        return False
    return all(one.program in TIDIES or (one.program, *one.words[1:2]) in TIDIED for one in behind[cut + 1 :])


def kind_of(command: Command) -> Literal["check", "program"] | None:
    """What a command is; None for what runs tests, looks, or fetches."""
    if runner(command) or not command.words:
        return None
    words = list(command.words)
    program, rest = base(words[0]), words[1:]
    if program in ("npx", "bunx", "uvx", "uv", "poetry", "bundle", "sudo", "time", "env", "pipenv", "rye"):
        words = unwrapped(rest)
        program, rest = (base(words[0]), words[1:]) if words else ("", [])
    if not program or (NO_CHECK.intersection(rest[:2]) and program not in ("glab", "circleci")):
        return None
    if INTERPRETER.fullmatch(program):
        return "program" if any(SCRIPT.fullmatch(word) for word in rest[:3]) or "-m" in rest[:2] else None
    if program in CHECKING:
        needed = CHECKING[program]
        return "check" if not needed or needed.intersection(rest) else None
    if program in ("curl", "wget", "http", "xh"):
        return "program" if OWN_HOST.search(" ".join(rest)) else None
    return "program" if words[0].startswith("./") else None


def unwrapped(words: list[str]) -> list[str]:
    """What a wrapper starts, whether it runs tests or not."""
    kept = [word for word in words if word not in ("run", "exec", "--", "-q", "-y") and "=" not in word]
    return unwrap(kept) or kept
