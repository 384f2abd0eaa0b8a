"""`bashgym keys`: the pseudonym key, which a team may share."""

import getpass
import os
import sys
from pathlib import Path

from bashgym.errors import InputError
from bashgym.verbs import no_more, parser

ABOUT = """Shows, exports or imports the key that pseudonyms are made with.

  bashgym keys show                 its id (never the key)
  bashgym keys export FILE          into a file that a passphrase opens
  bashgym keys import FILE          from such a file; sessions then get the same pseudonyms as over there

The passphrase is asked for, or read from the file that --passphrase-file names."""


def main(arguments: list[str]) -> int:
    took = parser("keys", ABOUT)
    took.add_argument("action", choices=["show", "export", "import"])
    took.add_argument("file", nargs="?", help="for export and import")
    took.add_argument("--passphrase-file", default="", metavar="FILE", help="its first line is the passphrase")
    took.add_argument("--replace", action="store_true", help="for import: also where another key is in use")
    options = took.parse_intermixed_args(arguments)
    from bashgym import keys, pseudonyms

    if options.action == "show":
        no_more("keys", "show", options.file)
        print(pseudonyms.key_id(pseudonyms.load_key()))
        return 0
    if not options.file:
        raise InputError(f"keys {options.action}: name a file")
    path = Path(options.file).expanduser()
    if path.exists() == (options.action == "export"):  # said before a passphrase is thought of
        raise InputError(f"{path}: is there already; name another file" if path.exists() else f"{path}: is not there")
    words = passphrase(options.passphrase_file, twice=options.action == "export")
    if options.action == "export":
        print(f"key {keys.export(path, words)} written to {path}")
    else:
        print(f"key {keys.take(path, words, options.replace)} is in use now")
    return 0


def passphrase(file: str, twice: bool) -> str:
    """From a file's first line, or asked for."""
    if file:
        try:
            return Path(file).expanduser().read_text().split("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--passphrase-file {file}: cannot be read ({type(error).__name__})") from None
    if not sys.stdin.isatty() or os.environ.get("TERM") == "dumb":
        raise InputError("no terminal to ask for the passphrase at; give --passphrase-file FILE")
    words = getpass.getpass("passphrase: ")
    if twice and getpass.getpass("once more: ") != words:
        raise InputError("the two passphrases differ")
    return words
