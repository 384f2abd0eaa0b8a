"""A question: where is something? Nothing is changed."""

from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions)
    scene.open()
    path = scene.repo.module(function.module)
    scene.ask(
        f"where is {function.name} defined?",
        f"where do we have {function.name} and what does it do?",
        f"in which file is {function.name}?",
    )
    scene.desk.grep(f"def {function.name}")
    scene.desk.read(path)
    row = next(
        number
        for number, text in enumerate(scene.desk.workspace.files[path].split("\n"), 1)
        if text.startswith(f"def {function.name}(")
    )
    scene.desk.reply(f"`{function.name}` is in `{path}`, row {row}. It {function.does}.")
