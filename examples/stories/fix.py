"""A test fails: run it, read it, find the function, read and edit that, run the test again, commit."""

from repos.shape import Function
from stories.scene import Scene


def tell(scene: Scene) -> None:
    function = scene.pick(scene.repo.functions)
    scene.open(broken=function)
    begin(scene, function)
    scene.desk.edit(scene.repo.module(function.module), function.wrong, function.right)
    scene.finish(f"Fix {function.name}", f"`{function.name}` is fixed and all tests pass.")


def tell_red(scene: Scene) -> None:
    """The attempt does not help, and the session ends with a red test."""
    function = scene.pick([function for function in scene.repo.functions if function.almost])
    scene.open(broken=function)
    begin(scene, function)
    path = scene.repo.module(function.module)
    scene.desk.edit(path, function.wrong, function.almost)
    scene.desk.test()
    if scene.rng.random() < 0.5:
        scene.desk.say("Still red. I'll take that back.")
        scene.desk.edit(path, function.almost, function.wrong)
        scene.desk.test()
    scene.desk.reply(f"`test_{function.name}` still fails; I could not find the cause.")


def begin(scene: Scene, function: Function) -> None:
    scene.ask(
        f"test_{function.name} fails, fix it pls",
        f"{function.fault}. can you fix {function.name}?",
        f"pytest is red in {function.module}.py, please fix",
        f"fix the bug in {function.name}: {function.fault}",
        f"there's a failing test for {function.name}. make it green",
    )
    scene.start()
    scene.desk.read(scene.repo.test_module(function.module))
    scene.now_and_then(f"I'll look for `{function.name}`.")
    scene.desk.grep(f"def {function.name}")
    scene.desk.read(scene.repo.module(function.module))
