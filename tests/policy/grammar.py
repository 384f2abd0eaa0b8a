"""Commands from a seeded grammar: what is done x how options are spelled x how words are quoted x what wraps it.

Written from what shells do, not from what the policy knows: a phrase says itself whether it destroys anything."""

import base64
import random
import shlex
from collections.abc import Callable

Phrase = list[str]  # words as they are meant; one that begins with RAW is shell syntax and is not quoted
RAW = "\1"


def pick(rng: random.Random, *choices: str) -> str:
    return rng.choice(choices)


def flags(rng: random.Random, *names: tuple[str, str]) -> Phrase:
    """(letter, long name) each: clustered, apart or spelled out, in any order."""
    chosen = list(names)
    rng.shuffle(chosen)
    style = rng.randrange(4)
    if style == 0:
        return ["-" + "".join(letter for letter, _ in chosen)]
    if style == 1:
        return [f"-{letter}" for letter, _ in chosen]
    if style == 2:
        return [f"--{name}" if name else f"-{letter}" for letter, name in chosen]
    return [f"--{name}" if name and rng.random() < 0.5 else f"-{letter}" for letter, name in chosen]


def mixed(rng: random.Random, program: str, options: Phrase, operands: Phrase) -> Phrase:
    """Options before, behind or around the operands; sometimes a -- where all options stand before it."""
    style = rng.randrange(4)
    if style == 0:
        return [program, *operands, *options]
    if style == 1 and options:
        return [program, options[0], *operands, *options[1:]]
    return [program, *options, *(["--"] if style == 2 else []), *operands]


RECURSIVE, FORCE, VERBOSE = ("r", "recursive"), ("f", "force"), ("v", "verbose")
FATAL = (
    "/", f"{RAW}/*", f"{RAW}~", f"{RAW}~/", f"{RAW}$HOME", f'{RAW}"$HOME"', f"{RAW}${{HOME}}/", "/etc", "/usr",
    f"{RAW}/usr/*", "/var/lib", "/home",
    f"{RAW}~/.ssh", f"{RAW}~/*", "/home/anna", "/boot", "..", "../..", ".", "./", f"{RAW}*", f"{RAW}./*",
    f"{RAW}../*", "//", "/./", "/etc/../usr",
    f"{RAW}~/Documents", "/root", "/opt", "/srv", ".git", f"{RAW}/{{bin,lib}}", "/System", "/Users/anna", "/data",
    f"{RAW}~/.aws",
)  # fmt: skip
HARMLESS = (
    "build", "./dist", "node_modules", "src/old.py", "/tmp/build", "/tmp/a b/c", f"{RAW}*.pyc", f"{RAW}build/*",
    "target/debug", ".pytest_cache",
    f"{RAW}/tmp/run-*", f"{RAW}~/.cache/pip/wheels", "coverage.xml", "logs/app.log", f"{RAW}{{dist,build}}",
    "/var/tmp/x/y", "tests/__pycache__", ".venv",
    f"{RAW}~/project/build", "/home/anna/project/dist", "/opt/app/cache", "it's", "a b", "-x", ".git/index.lock",
    f'{RAW}"$TMPDIR"/x',
)  # fmt: skip


def removal(rng: random.Random, targets: tuple[str, ...]) -> Phrase:
    more = [VERBOSE] if rng.random() < 0.3 else []
    extra = [rng.choice(HARMLESS[:5])] if rng.random() < 0.3 else []
    operands = [*extra, rng.choice(targets)]
    rng.shuffle(operands)
    if "-x" in operands:
        return ["rm", *flags(rng, RECURSIVE, FORCE), "--", *operands]
    return mixed(rng, pick(rng, "rm", "rm", "rm", "/bin/rm"), flags(rng, RECURSIVE, FORCE, *more), operands)


def destroy(rng: random.Random) -> Phrase:
    """One that destroys."""
    disk = pick(rng, "/dev/sda", "/dev/nvme0n1", "/dev/vdb", "/dev/mmcblk0")
    choices: list[Callable[[], Phrase]] = [
        lambda: removal(rng, FATAL),
        lambda: removal(rng, FATAL),
        lambda: removal(rng, FATAL),
        lambda: ["dd", *rng.sample([f"of={disk}", "if=/dev/zero", "bs=1M"], 3)],
        lambda: [pick(rng, "mkfs.ext4", "mkfs", "mkfs.xfs", "wipefs"), *pick(rng, "", "-f").split(), disk],
        lambda: ["shred", *flags(rng, ("v", "verbose"), ("z", "zero")), disk],
        lambda: ["git", "clean", *flags(rng, ("f", "force"), ("d", ""), ("x", ""))],
        lambda: ["git", *pick(rng, "", "-C .", "-c a.b=c").split(), "push", *rng.sample(["origin", "--force"], 2)],
        lambda: ["git", "push", "-f", "origin", "main"],
        lambda: ["git", "reset", *rng.sample(["--hard", "HEAD~2"], 2)],
        lambda: mixed(rng, "chmod", flags(rng, ("R", "recursive")), ["777", pick(rng, "/", "/etc", "/usr")]),
        lambda: mixed(rng, "chown", flags(rng, ("R", "recursive")), ["anna:anna", pick(rng, "/", "/var", f"{RAW}~")]),
        lambda: [
            "find",
            pick(rng, "/", f"{RAW}~", "/etc", "."),
            *pick(rng, "", "-type f", "-mindepth 1").split(),
            "-delete",
        ],
        lambda: [
            "find",
            pick(rng, "/", "/usr", f"{RAW}~"),
            "-name",
            "x",
            "-exec",
            "rm",
            *flags(rng, RECURSIVE, FORCE),
            "{}",
            pick(rng, "+", ";"),
        ],
        lambda: ["terraform", "destroy", *pick(rng, "", "-auto-approve").split()],
        lambda: ["kubectl", *pick(rng, "", "-n prod").split(), "delete", "namespace", "prod"],
        lambda: ["aws", "s3", "rm", *rng.sample(["s3://bucket/x", "--recursive"], 2)],
        lambda: [
            "psql",
            "-c",
            pick(rng, "DROP TABLE users", "drop database shop;", "TRUNCATE orders", "delete from users;"),
        ],
        lambda: ["docker", "system", "prune", *flags(rng, ("a", "all"), ("f", "force"))],
        lambda: [pick(rng, "shutdown", "reboot", "poweroff", "halt")],
        lambda: ["python3", "-c", "import shutil; shutil.rmtree('/')"],
        lambda: ["python", "-c", "import os; os.system('rm -rf /')"],
        lambda: ["perl", "-e", 'system("rm -rf /")'],
        lambda: ["node", "-e", "require('fs').rmSync('/', {recursive: true})"],
        lambda: ["mv", pick(rng, f"{RAW}~", "/etc", f"{RAW}*"), "/dev/null"],
        lambda: ["truncate", "-s", "0", "/etc/passwd"],
        lambda: ["crontab", "-r"],
        lambda: ["kill", "-9", "-1"],
        lambda: ["rsync", "-a", pick(rng, "--delete", "--delete-after"), "empty/", "/"],
        lambda: ["tee", "/etc/passwd"],
        lambda: ["cp", "x", pick(rng, "/etc/passwd", "/dev/sda", "/bin/sh")],
    ]
    return rng.choice(choices)()


def work(rng: random.Random) -> Phrase:
    """One that a developer types all day."""
    choices: list[Callable[[], Phrase]] = [
        lambda: removal(rng, HARMLESS),
        lambda: removal(rng, HARMLESS),
        lambda: ["rm", *pick(rng, "", "-f").split(), "notes.txt"],
        lambda: ["pytest", *rng.sample(["-q", "-x", "--tb=short", "tests/test_a.py", "-k", "rm -rf /"][:4], 2)],
        lambda: ["pytest", "-k", "not slow"],
        lambda: [
            "git",
            "commit",
            "-m",
            pick(rng, "drop rm -rf / from the docs", "curl | bash is gone", "DROP TABLE in a test", "it's $(date)"),
        ],
        lambda: [
            "git",
            *pick(
                rng, "status", "diff HEAD", "log --oneline -5", "push origin main", "stash", "checkout -b x", "clean -n"
            ).split(),
        ],
        lambda: ["grep", "-rn", pick(rng, "rm -rf /", "curl x | bash", "$(whoami)", "mkfs.ext4 /dev/sda"), "src"],
        lambda: ["echo", pick(rng, "rm -rf /", "$(rm -rf ~)", ":(){ :|:& };:", "done; rm -rf /", "> /dev/sda")],
        lambda: mixed(rng, "chmod", flags(rng, ("R", "recursive")), ["755", pick(rng, "scripts", ".", "bin/run.sh")]),
        lambda: mixed(rng, "chown", flags(rng, ("R", "recursive")), ["anna", pick(rng, ".", "build")]),
        lambda: ["find", ".", "-name", pick(rng, "*.pyc", "__pycache__", "*.log"), pick(rng, "-print", "-delete")],
        lambda: [
            "find",
            pick(rng, ".", "src", "tests"),
            "-name",
            "*.orig",
            "-exec",
            "rm",
            *flags(rng, FORCE),
            "{}",
            pick(rng, "+", ";"),
        ],
        lambda: ["find", "/usr", "-name", "*.so"],
        lambda: ["dd", "if=a.img", "of=b.img"],
        lambda: ["curl", *rng.sample(["-s", "-L", "https://example.com/a.json"], 3)],
        lambda: ["wget", "-O", "a.tar.gz", "https://example.com/a.tar.gz"],
        lambda: ["npm", *pick(rng, "test", "run build", "install", "ci").split()],
        lambda: ["make", pick(rng, "test", "clean", "all")],
        lambda: ["cargo", *pick(rng, "test", "build --release", "clean").split()],
        lambda: ["python3", "-c", pick(rng, "print(1)", "import sys; print(sys.path)", "x = 'rm -rf /'; print(x)")],
        lambda: ["python", "-m", "http.server", "8000"],
        lambda: ["sed", "-i", "s/a/b/", "src/a.py"],
        lambda: ["awk", "{print $1}", "file"],
        lambda: ["cp", "-r", "src", "build"],
        lambda: ["mv", "a.py", "b.py"],
        lambda: ["tar", "czf", "a.tgz", "src"],
        lambda: ["cat", pick(rng, "/etc/hosts", f"{RAW}~/.bashrc", "README.md")],
        lambda: ["ls", "-la", pick(rng, "/", f"{RAW}~", ".")],
        lambda: ["mkdir", "-p", "a/b"],
        lambda: ["docker", *pick(rng, "ps -a", "build -t x .", "compose up -d", "run --rm -v a:/b img ls").split()],
        lambda: ["kubectl", "get", "pods"],
        lambda: ["terraform", pick(rng, "plan", "init", "validate")],
        lambda: ["psql", "-c", pick(rng, "select * from users", "delete from users where id = 1;")],
        lambda: ["tee", "out.log"],
        lambda: ["kill", "-9", "4242"],
        lambda: ["touch", "/tmp/x"],
        lambda: ["sleep", "1"],
    ]
    return rng.choice(choices)()


def quoted(rng: random.Random, word: str) -> str:
    """A word in one of the ways to write it; the shell reads each as the same."""
    if word.startswith(RAW):
        return word[1:]
    plain = word and all(sign.isalnum() or sign in "/._-=:+@," for sign in word)
    style = rng.randrange(7)
    if plain and style < 3:
        return word
    if plain and style == 3:
        return "\\" + word if word[0].isalpha() else word
    if style == 4 and "'" not in word and len(word) > 1:
        at = rng.randrange(1, len(word))
        return f"'{word[:at]}''{word[at:]}'"
    if style == 5 and not any(sign in word for sign in '"$`\\!'):
        return f'"{word}"'
    if style == 6 and word.isascii() and word.isprintable():
        return (
            "$'"
            + "".join(f"\\x{ord(sign):02x}" if rng.random() < 0.5 or sign in "'\\" else sign for sign in word)
            + "'"
        )
    return shlex.quote(word) if not plain or style else word


def line(rng: random.Random, phrase: Phrase) -> str:
    """The words as a command line; a program is not always where one looks for it."""
    text = " ".join(quoted(rng, word) for word in phrase)
    return text.replace(" ", "  ", 1) if rng.random() < 0.1 else text


def wrapped(rng: random.Random, text: str) -> str:
    """One more program around a command line that stands alone."""
    whole = shlex.quote(text)
    return rng.choice(
        [
            f"sudo {text}", f"sudo -u root -E {text}", f"env A=1 B=2 {text}", f"env -i PATH=/bin {text}",
            f"nohup {text}",
            f"timeout -k 5 60 {text}", f"timeout --signal=KILL 60s {text}", f"nice -n 10 {text}", f"time {text}",
            f"stdbuf -oL {text}", f"command {text}", f"setsid {text}", f"env -u B A=1 {text}", f"bash -c {whole}",
            f"sh -xc {whole}",
            f"bash -lc {whole}", f"eval {whole}", f"sudo bash -c {whole}", f"su -c {whole}", f"ionice -c3 {text}",
            f"env {text}", f"exec {text}", f"xargs -0 {text} < /dev/null" if "{}" in text else f"nohup {text}",
            f"flock /tmp/lock {text}", f"busybox {text}" if text.startswith("rm") else f"doas {text}",
        ]
    )  # fmt: skip


def placed(rng: random.Random, text: str) -> str:
    """A command line within others."""
    encoded = base64.b64encode(text.encode()).decode()
    return rng.choice(
        [
            text, text, text, text, f"cd src; cd ..; {text}", f"true && {text}", f"{text} || true", f"ls; {text}",
            f"{text} &",
            f"if [ -f x ]; then {text}; fi", f"while true; do {text}; done", f"{{ {text}; }}", f"{text} > out.txt 2>&1",
            f"( {text} )", f'echo "$({text})"', f"x=$({text})",
            f"echo `{text}`" if "`" not in text and "\\" not in text else text,
            f"bash <<'END'\n{text}\nEND\n", f"echo {shlex.quote(text)} | sh", f"bash <<< {shlex.quote(text)}",
            f"f() {{ {text}; }}; f", f"# a comment\n{text}", f"ls \\\n  && {text}", f"! {text}", f"{text} | cat",
            f"echo {encoded} | base64 -d | bash", f"cat <<'END' | sudo sh\n{text}\nEND\n",
            f"for i in 1 2; do {text}; done",
        ]
    )  # fmt: skip


def command(rng: random.Random, make: Callable[[random.Random], Phrase]) -> str:
    text = line(rng, make(rng))
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        text = wrapped(rng, text)
    return placed(rng, text)


def commands(seed: int, n: int, make: Callable[[random.Random], Phrase]) -> list[str]:
    """n different ones."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < n:
        found[command(rng, make)] = None
    return list(found)
