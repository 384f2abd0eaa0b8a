"""A sub-agent finds the places, the session changes them."""

from stories import rename
from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions)
    scene.open()
    scene.ask(
        f"let a sub agent find all uses of {function.name}, then rename it to {function.new_name}",
        f"use a subagent to look for {function.name}, then rename it to {function.new_name}",
    )
    scene.start()
    paths = rename.places(scene, function)
    work = [("Grep", {"pattern": function.name, "output_mode": "content", "-n": True})]
    work += [("Read", {"file_path": scene.desk.workspace.absolute(path)}) for path in paths[:2]]
    report = "\n".join([f"`{function.name}` is named in {len(paths)} files:", *[f"- {path}" for path in paths]])
    question = f"List every file of this repository that names {function.name}. Change nothing."
    scene.desk.delegate(f"Find uses of {function.name}", question, work, report)
    rename.replace(scene, function)
    rename.close(scene, function)
