"""`bashgym audit`: datasets past today's leak gate."""

from typing import TYPE_CHECKING

from bashgym.verbs import parser

if TYPE_CHECKING:
    from bashgym.audit import Audited

ABOUT = """Puts the datasets of earlier runs past today's leak gate, and names the models trained on what fails it.

  bashgym audit                     every run
  bashgym audit RUN ...             these runs (a name under runs/, or a folder)

What fails is moved to quarantine in its run's folder, and the exit code is 3."""
FAILED = 3  # as PrivacyError has it


def main(arguments: list[str]) -> int:
    took = parser("audit", ABOUT)
    took.add_argument("runs", nargs="*", metavar="RUN", help="which runs; none: all")
    took.add_argument("--registry", default="mlflow", metavar="PRESET", help="which model registry (default: mlflow)")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    import msgspec

    from bashgym import audit, show
    from bashgym.display import Terminal, table

    folders = audit.runs(options.runs)
    models = list(audit.registered(options.registry))
    screen = Terminal(options.json or not folders)
    done = [audit.audit(folder, models) for folder in screen.progress("looking at datasets", folders, len(folders))]
    if options.json:
        show.as_json(msgspec.to_builtins(done))
    elif not done:
        print("no run has written a dataset yet; `bashgym run recipe=quickstart` does")
    else:
        rows = ([one.run, "passed" if one.passed else "FAILED", told(one), ", ".join(one.models)] for one in done)
        table(["run", "gate", "measured", "models trained on it"], rows)
    return 0 if all(one.passed for one in done) else FAILED


def told(one: "Audited") -> str:
    """What was looked at, or why it failed."""
    if one.why:
        return one.why
    lost = f"; of {one.lost} sessions the removed values are lost" if one.lost else ""
    return f"{one.rows} rows, {one.values} removed values looked for{lost}"
