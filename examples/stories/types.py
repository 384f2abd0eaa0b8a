"""The type checker complains: a function returns None and does not say so."""

from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick([function for function in scene.repo.functions if " | None:" in function.code])
    head = function.code.split("\n")[0]
    wrong = head.replace(" | None:", ":")
    scene.open()
    path = scene.repo.module(function.module)
    files = scene.desk.workspace.files
    scene.desk.workspace.open(files | {path: files[path].replace(head, wrong)})
    scene.ask(
        "mypy complains, fix it",
        "fix the mypy error",
        f"mypy is red in {function.module}.py, please fix the types",
        "type check fails on ci. can you fix?",
    )
    scene.start()
    scene.desk.types()
    scene.desk.read(path)
    scene.desk.edit(path, wrong, head)
    scene.desk.types()
    scene.finish(f"Fix types of {function.name}", f"`{function.name}` may return None and says so now.")
