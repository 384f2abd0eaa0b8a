"""A function is missing: read the module and its tests, add one and the other, run, commit."""

from repos.shape import Function
from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions[1:])
    scene.open(missing=function)
    path, tests = scene.repo.module(function.module), scene.repo.test_module(function.module)
    other = next(one for one in scene.repo.functions if one.module == function.module and one is not function)
    scene.ask(
        f"add a function {function.name} to {path} that {function.does}",
        f"i need {function.name} in {path}, it {function.does}. with tests",
        f"please write {function.name} in {path} ({function.does}) and test it",
        f"new function {function.name} in {path}: {function.does}. add a test too",
    )
    scene.start()
    scene.desk.read(path)
    append(scene, path, other.code, function.code)
    scene.desk.read(tests)
    names = ", ".join(sorted([function.name, other.name]))
    head = f"from {scene.repo.name}.{function.module} import "
    scene.desk.edit(tests, head + other.name, head + names)
    append(scene, tests, other.test(), function.test())
    scene.finish(f"Add {function.name}", f"Added `{function.name}` with a test. All tests pass.")


def append(scene: Scene, path: str, last: str, new: str) -> None:
    """New code goes below the last row of the file."""
    row = last.split("\n")[-1]
    scene.desk.edit(path, row, f"{row}\n\n\n{new}")


def tell_broken(scene: Scene) -> None:
    """A new module that does not parse, and nobody runs it."""
    function: Function = scene.pick(scene.repo.functions[1:])
    scene.open()
    path = f"src/{scene.repo.name}/{function.new_name}.py"
    scene.ask(f"put a copy of {function.name} into a new file {path} as {function.new_name}, no tests needed")
    scene.desk.grep(f"def {function.name}")
    scene.desk.read(scene.repo.module(function.module))
    code = function.code.replace(f"def {function.name}", f"def {function.new_name}").replace(":\n", "\n", 1)
    scene.desk.write(path, code + "\n")
    scene.desk.reply(f"Wrote `{path}`.")
