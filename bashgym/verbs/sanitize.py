"""`bashgym sanitize`: any JSON Lines or text file without its secrets and people."""

from pathlib import Path

from bashgym.errors import InputError
from bashgym.verbs import parser

ABOUT = """Takes secrets and people out of any JSON Lines or text file; the same lines in the same order come out.

  bashgym sanitize IN.jsonl                    writes IN.clean.jsonl
  bashgym sanitize IN.jsonl -o OUT.jsonl --report R.json
  bashgym sanitize IN.jsonl --show-spans       only tells what it finds, by rule, values masked

A line of JSON Lines that cannot be read goes to OUT.quarantine.jsonl with its number, and a marker takes its place."""
LABELS = "secrets,pii,identity"


def main(arguments: list[str]) -> int:
    took = parser("sanitize", ABOUT)
    took.add_argument("file", metavar="IN", help="the file")
    took.add_argument("-o", "--out", default="", metavar="OUT", help="where the clean file goes")
    took.add_argument("--report", default="", metavar="R.json", help="write the counts to this file, too")
    took.add_argument("--show-spans", action="store_true", help="write no file; tell which rule finds which span")
    took.add_argument("--sanitizers", default=LABELS, metavar="A,B", help=f"presets, in order (default: {LABELS})")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    source = Path(options.file).expanduser()
    if not source.is_file():
        raise InputError(f"sanitize: {source} is no file")
    from bashgym import sanitize, show

    sanitizers = sanitize.chosen([label for label in options.sanitizers.split(",") if label])
    if not sanitizers:
        raise InputError("sanitize: --sanitizers names none")
    if options.show_spans:
        show.spans(sanitize.spans(source, sanitizers), options.json)
        return 0
    target = Path(options.out).expanduser() if options.out else source.with_name(f"{source.stem}.clean{source.suffix}")
    if target.exists() and target.samefile(source):
        raise InputError(f"sanitize: {target} is the file itself; name another with -o")
    report = sanitize.sanitize(source, target, sanitizers)
    show.sanitized(report, target, Path(options.report).expanduser() if options.report else None, options.json)
    return 0
