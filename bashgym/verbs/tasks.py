"""`bashgym tasks`: tasks of others brought in, checked, and a run's given to other frameworks."""

from collections import Counter
from pathlib import Path

from bashgym.errors import InputError, PrivacyError
from bashgym.verbs import parser

ABOUT = """Tasks with tests, for training on rewards.

  bashgym tasks import FOLDER OUT.jsonl      terminal-bench's or Harbor's folders, or a table of such tasks (.jsonl)
  bashgym tasks check FILE.jsonl             runs each known good and bad answer, and cheats, in the box of this machine
  bashgym tasks export RUN OUT               a run's tasks and rewards as an environment for `verifiers`

Then: bashgym run recipe=tiny_rlvr source.tasks.path=OUT.jsonl"""


def main(arguments: list[str]) -> int:
    took = parser("tasks", ABOUT)
    took.add_argument("action", choices=["import", "check", "export"])
    took.add_argument("place", metavar="FROM", help="a folder or table of tasks; a file of records; a run")
    took.add_argument("out", nargs="?", default="", metavar="OUT", help="where the result is written")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if options.action != "check" and not options.out:
        raise InputError(f"tasks {options.action}: say where the result is to be written")
    place = Path(options.place).expanduser()
    if not place.exists() and options.action != "export":
        raise InputError(f"tasks {options.action}: {place} is not there")
    if options.action == "import":
        return imported(place, Path(options.out).expanduser(), options.json)
    if options.action == "check":
        return checked(place, options.json)
    return exported(options.place, Path(options.out).expanduser(), options.json)


def imported(place: Path, out: Path, as_json: bool) -> int:
    """Writes the records and says what was left out; 1 where nothing came of it."""
    from bashgym import show
    from bashgym.display import printable
    from bashgym.tasks import Task, write
    from bashgym.tasks.imported import found

    every = list(found(place))
    tasks = [one for one in every if isinstance(one, Task)]
    left = Counter(one.reason for one in every if not isinstance(one, Task))
    if tasks:
        write(out, tasks)
    if as_json:
        show.as_json({"tasks": len(tasks), "left_out": dict(left), "file": str(out) if tasks else None})
    else:
        print(f"{len(tasks)} tasks in {out}" if tasks else "no task was found")
        for reason, count in sorted(left.items()):
            print(f"left out, {count}: {printable(reason)}")
    return 0 if tasks else 1


def checked(path: Path, as_json: bool) -> int:
    """1 where an answer scores what it must not."""
    from bashgym import sandbox, show
    from bashgym.display import printable
    from bashgym.tasks import BadTask, as_verifier, read
    from bashgym.tasks.selftest import selftest
    from bashgym.tasks.verify import verify

    try:
        tasks, box = read(path), sandbox.choose()
    except (BadTask, sandbox.NoBox, OSError, UnicodeDecodeError) as error:
        raise InputError(f"tasks check: {error}") from None
    by_id = {task.id: task for task in tasks}

    class Verifier:
        def score(self, completion: str, row: dict[str, object]) -> float:
            return float(verify(by_id[str(row["id"])], completion, box).passed)

    rows = [{"id": task.id, "verifier": as_verifier(task)} for task in tasks]
    report = selftest({"unit_tests": Verifier()}, rows, 0, 0)
    if as_json:
        show.as_json({**report._asdict(), "untried": report.untried, "box": box.name})
    else:
        print(f"{report.tasks} tasks, {sum(report.tried.values())} answers in the box {box.name}")
        for fault in report.faults:
            print(printable(fault))
    return 1 if report.faults else 0


def exported(run: str, out: Path, as_json: bool) -> int:
    from bashgym import show, tokens
    from bashgym.episodes.verifiers import export

    folder = tokens.run_folder(run)
    try:
        count = export(folder, out)
    except PrivacyError as error:
        raise InputError(f"tasks export: {error}") from None
    if as_json:
        show.as_json({"tasks": count, "folder": str(out)})
    else:
        print(f"{count} tasks; install with: pip install {out}")
    return 0
