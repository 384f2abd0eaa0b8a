"""A new shell script beside the ones that are there."""

from stories.scene import Scene


def tell(scene: Scene) -> None:
    script = scene.pick(scene.repo.scripts[1:])
    scene.open()
    path = f"scripts/{script.name}"
    scene.ask(
        f"write a shell script {path} that {script.does}",
        f"i need {path}, it {script.does}",
        f"new script {path}: {script.does}",
    )
    scene.desk.glob("scripts/*.sh")
    scene.now_and_then("I'll keep the style of the one that is there.")
    scene.desk.read(f"scripts/{scene.repo.scripts[0].name}")
    scene.desk.write(path, script.text)
    scene.desk.bash(f"bash -n {path}", "Check the syntax")
    scene.desk.commit(f"Add {path}")
    scene.desk.reply(f"`{path}` is there; its syntax is fine, I did not run it.")
