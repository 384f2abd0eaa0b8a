"""A sentence of the documentation changes. Nothing to test."""

from stories.scene import Scene

PATH = "docs/usage.md"


def tell(scene: Scene) -> None:
    old, new = scene.pick(scene.repo.sentences)
    scene.open()
    scene.ask(
        f'docs: "{old}" should say "{new}"',
        f'in the docs change "{old}" to "{new}"',
        f'the docs are wrong. "{old}" must be "{new}"',
    )
    scene.desk.grep(old)
    scene.desk.read(PATH)
    scene.desk.edit(PATH, old, new)
    scene.desk.commit(f"Update {PATH}")
    scene.desk.reply(f"`{PATH}` is updated.")
