"""`bashgym doctor`: whether capture and reading work on this machine."""

from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    took = parser(
        "doctor",
        "Looks at hooks, retention, sessions that cannot be read, disk and versions, and says what to do about each.\n"
        "Changes nothing; ends with 1 where something is broken.",
    )
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym.history import doctor

    return doctor.report(options.json)
