"""A value in a configuration file changes."""

from repos.shape import Change
from stories.scene import Scene


def tell(scene: Scene) -> None:
    change = scene.pick(scene.repo.changes)
    scene.open()
    scene.ask(
        f"set {change.key} to {change.value}",
        f"set {change.key} to {change.value} in the config",
        f"please change {change.key} to {change.value}",
        f"{change.key} should be {change.value}",
    )
    apply(scene, change)
    scene.finish(f"Set {change.key} to {change.value}", f"`{change.key}` is {change.value} now.")


def apply(scene: Scene, change: Change) -> None:
    path = scene.repo.config[0]
    scene.now_and_then(f"Where is `{change.key}` set?")
    scene.desk.grep(change.key)
    scene.desk.read(path)
    scene.desk.edit(path, change.old, change.new)
