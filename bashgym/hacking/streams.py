"""What a script of sed makes of a text, as far as Python reads its patterns alike."""

import re

from bashgym.hacking.delta import Delta


def plain(pattern: str) -> str:
    """A pattern of sed, roughly as the text it stands for."""
    return re.sub(r"\\([/.*\[\](){}'\"|+?^$])", r"\1", pattern.replace("\\b", "").replace("\\n", "\n")).strip("^$")


def replaced_by(old: str, new: str, content: str | None) -> str | None:
    """The content after a substitution, where Python reads the pattern as sed does and it is soon done."""
    if content is None or len(old) > 200 or re.search(r"[*+}]\)?[*+{]", old):
        return None
    try:
        return re.sub(old, re.sub(r"&", r"\\g<0>", new), content, flags=re.MULTILINE)
    except (re.error, IndexError):
        return content.replace(plain(old), plain(new))


def dropped(delta: Delta, pattern: str | None, content: str | None, step: int) -> str | None:
    """`/pattern/d`; lines by number, and patterns in files that are not known, are noted as a blind change."""
    if pattern is None or content is None:
        delta.blind.append(pattern or "lines by number")
        return None
    try:
        kept = "\n".join(line for line in content.split("\n") if not re.search(pattern, line))
    except re.error:
        kept = "\n".join(line for line in content.split("\n") if plain(pattern) not in line)
    delta.swap(content, kept, step)
    return kept
