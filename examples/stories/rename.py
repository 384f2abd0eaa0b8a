"""A function gets another name: find all places, change each file, run, commit."""

from repos.shape import Function
from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions)
    scene.open()
    scene.ask(
        f"rename {function.name} to {function.new_name}",
        f"rename {function.name} to {function.new_name} everywhere",
        f"please rename {function.name} -> {function.new_name}, tests too",
        f"{function.name} is a bad name. call it {function.new_name}",
    )
    scene.start()
    scene.desk.grep(function.name)
    replace(scene, function)
    close(scene, function)


def places(scene: Scene, function: Function) -> list[str]:
    """The Python files that name the function, as Grep lists them."""
    files = scene.desk.workspace.files
    return [path for path in sorted(files) if path.endswith(".py") and function.name in files[path]]


def replace(scene: Scene, function: Function) -> None:
    for path in places(scene, function):
        scene.desk.read(path)
        scene.desk.edit(path, function.name, function.new_name, replace_all=True)


def close(scene: Scene, function: Function) -> None:
    text = f"Renamed `{function.name}` to `{function.new_name}` everywhere."
    scene.finish(f"Rename {function.name} to {function.new_name}", text)
