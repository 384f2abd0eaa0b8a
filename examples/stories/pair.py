"""Two things at once: a list is kept."""

from stories import configure, flag
from stories.scene import Scene


def tell(scene: Scene) -> None:
    new, change = scene.pick(scene.repo.flags), scene.pick(scene.repo.changes)
    scene.open()
    default = "" if new.kind == "bool" else f", {new.kind}, default {new.default}"
    scene.ask(
        f"two things: add a --{new.name} flag to the cli ({new.help}{default}) and set {change.key} to {change.value}",
        f"1. add --{new.name} to the cli ({new.help}{default}) 2. set {change.key} to {change.value}",
    )
    keep(scene, new.name, change.key, "in_progress", "pending")
    scene.start()
    flag.add(scene, new)
    keep(scene, new.name, change.key, "completed", "in_progress")
    configure.apply(scene, change)
    keep(scene, new.name, change.key, "completed", "completed")
    scene.finish(f"Add --{new.name} flag and set {change.key} to {change.value}", "Both are done and the tests pass.")


def keep(scene: Scene, flag_name: str, key: str, first: str, second: str) -> None:
    one = (f"Add --{flag_name} flag", f"Adding --{flag_name} flag", first)
    scene.desk.todo(one, (f"Set {key}", f"Setting {key}", second))
