"""A home whose trainings repeat exactly: the pseudonym key of a home is drawn, and with it the tokens of its rows."""

from pathlib import Path

from bashgym.pseudonyms import KEY_BYTES


def keyed(home: Path) -> Path:
    """The same home, with the key that all such homes have."""
    (home / "keys").mkdir(mode=0o700)
    (home / "keys" / "pseudonym.key").write_bytes(bytes(range(KEY_BYTES)))
    return home
