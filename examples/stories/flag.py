"""The command line gets a flag: read the parser, add a row, test it, commit."""

from repos.shape import Flag
from stories.scene import Scene

LIMIT = '    assert build_parser().parse_args(["x"]).limit == 20'


def tell(scene: Scene) -> None:
    flag = scene.pick(scene.repo.flags)
    scene.open()
    default = "" if flag.kind == "bool" else f", {flag.kind}, default {flag.default}"
    scene.ask(
        f"add a --{flag.name} flag to the cli ({flag.help}{default})",
        f"the cli needs --{flag.name}: {flag.help}{default}",
        f"can you add --{flag.name} to the command line? {flag.help}{default}",
        f"new cli option --{flag.name} ({flag.help}{default}) with a test",
    )
    scene.start()
    add(scene, flag)
    describe(scene, flag)
    scene.finish(f"Add --{flag.name} flag", f"`--{flag.name}` is there, with a test.")


def add(scene: Scene, flag: Flag) -> None:
    path = f"src/{scene.repo.name}/cli.py"
    scene.desk.grep("add_argument")
    scene.desk.read(path, "tests/test_cli.py")
    scene.desk.edit(path, "    return parser", f"{flag.row()}\n    return parser")
    scene.desk.edit("tests/test_cli.py", LIMIT, f"{LIMIT}\n\n\n{test(flag)}")


def describe(scene: Scene, flag: Flag) -> None:
    """A row about it in the docs, below the first one."""
    row = next(row for row in scene.repo.usage.split("\n") if row.startswith("Run "))
    scene.desk.read("docs/usage.md")
    scene.desk.edit("docs/usage.md", row, f"{row}\nUse `--{flag.name}` for: {flag.help}.")


def test(flag: Flag) -> str:
    name = flag.name.replace("-", "_")
    if flag.kind == "bool":
        return f'def test_{name}():\n    assert build_parser().parse_args(["x", "--{flag.name}"]).{name} is True'
    default = f'"{flag.default}"' if flag.kind == "str" else flag.default
    return f'def test_{name}():\n    assert build_parser().parse_args(["x"]).{name} == {default}'
