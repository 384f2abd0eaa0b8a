"""The linter complains of imports that nobody uses."""

from stories.scene import Scene

IMPORTS = ("json", "os", "sys", "math", "time", "shutil")


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions[1:])
    name = scene.rng.choice(IMPORTS)
    path = scene.repo.module(function.module)
    scene.open()
    files = scene.desk.workspace.files
    head, rest = files[path].split("\n", 1)
    # the row goes with the blank line below it
    scene.desk.workspace.open(files | {path: f"{head}\n\nimport {name}\n{rest}"})
    scene.ask(
        "ruff complains, fix it",
        "fix lint",
        "lint is red on ci, please fix",
        f"there's a lint error in {function.module}.py",
    )
    scene.start()
    scene.desk.lint()
    scene.desk.read(path)
    scene.desk.edit(path, f"import {name}\n\n", "")
    scene.desk.lint()
    scene.finish(f"Remove unused import of {name}", f"The unused import of `{name}` is gone; lint and tests pass.")
