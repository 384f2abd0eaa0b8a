"""What a session changed in each file, net: a line that was put in and taken out again is no change.

Edits of tools, patches, here-documents, `sed -i`, `rm` and `mv` alike. Where the whole file is known, before and after
are compared; else the old and new text of each edit is added up."""

import re
from typing import NamedTuple

from bashgym.hacking.delta import Delta
from bashgym.hacking.streams import dropped, plain, replaced_by
from bashgym.signals.calls import (
    EDIT_TOOLS,
    OPAQUE_TOOLS,
    READ_TOOLS,
    WRITE_TOOLS,
    Called,
    argument,
    calls,
    command_line,
    path_of,
)
from bashgym.signals.files import read_whole, replacements
from bashgym.signals.lately import lately
from bashgym.signals.shell import Command, split
from bashgym.trace import Trace

PATCH_FILE = re.compile(
    r"\*\*\* (Add|Update|Delete) File: (.+)|\+\+\+ (?:b/)?(\S+)|--- (?:a/)?(\S+)|\*\*\* Move to: (.+)"
)
SUBSTITUTION = re.compile(r"s([/|#,!@])((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1[gIip0-9]*")
DELETION = re.compile(r"^/((?:\\.|[^/])*)/d$|^\d+(?:,(?:\d+|\$))?d$")
PRINTED = re.compile(r"^(?:Chunk ID|Wall time|Process exited|Original token|Output:)", re.MULTILINE)
INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*|node|ruby|deno|bun")
REPLACING = re.compile(r"""(?:replace|sub|gsub)\(\s*r?(['"])((?:\\.|(?!\1).)*)\1\s*,\s*r?(['"])((?:\\.|(?!\3).)*)\3""")
WRITING = re.compile(r"""\bwrite\w*\(|\bwriteFile|,\s*['"][wa]""")
FILE_NAME = re.compile(r"""(['"])([\w./-]+\.[A-Za-z]\w{0,5})\1""")


class Deltas:
    """Reads calls one after the other; `files` by path as the session named them, from the working folder."""

    def __init__(self, cwd: str | None) -> None:
        self.cwd = (cwd or "").rstrip("/")
        self.files: dict[str, Delta] = {}
        self.seen: dict[str, str] = {}  # whole content of files as last known

    def named(self, path: str) -> str:
        """The path from the working folder; one name for a file that is named in two ways."""
        plain = path.strip().removeprefix("./")
        if self.cwd and plain.startswith(self.cwd + "/"):
            plain = plain[len(self.cwd) + 1 :]
        if plain in self.files or plain in self.seen:
            return plain
        known = [*self.files, *self.seen]
        return next((one for one in known if one.endswith("/" + plain) or plain.endswith("/" + one)), plain)

    def at(self, path: str, step: int) -> Delta:
        name = self.named(path)
        if name not in self.files:
            self.files[name] = Delta(name, before=self.seen.get(name))
        self.files[name].steps.append(step)
        return self.files[name]

    def take(self, called: Called) -> None:
        """One call. What failed or was refused changed nothing."""
        line = command_line(called)
        if line is not None:
            if called.result is not None and called.call.extra.bashgym.denied is None:
                self.ran(called, line)
            return
        if called.failed or called.call.extra.bashgym.denied or called.result is None:
            return
        if called.tool in READ_TOOLS or argument(called, "command") == "view":
            self.looked(called)
        elif called.tool in WRITE_TOOLS | EDIT_TOOLS | OPAQUE_TOOLS:
            self.edited(called)

    def looked(self, called: Called) -> None:
        path, text = path_of(called), read_whole(called)
        if path and text is None and not called.cut and argument(called, "offset", "limit", "viewrange") is None:
            text = called.text or None
        if path and text is not None:
            self.seen[self.named(path)] = text

    def edited(self, called: Called) -> None:
        path, step = path_of(called), called.step.step_id
        whole = argument(called, "content", "filetext", "contents")
        if path and isinstance(whole, str):
            raw = called.raw if isinstance(called.raw, dict) else {}
            self.written(path, whole, step, raw.get("originalFile"), raw.get("type") == "create")
        elif path and called.tool not in OPAQUE_TOOLS:
            self.replaced(path, called, step)
        else:
            text = argument(called, "input", "patch", "diff", "content")
            if isinstance(text, str):
                self.patched(text, step)

    def replaced(self, path: str, called: Called, step: int) -> None:
        """An edit, or several of one call."""
        delta = self.at(path, step)
        raw = called.raw if isinstance(called.raw, dict) else {}
        original = raw.get("originalFile") if isinstance(raw.get("originalFile"), str) else None
        if original is not None and delta.before is None and len(delta.steps) == 1:
            delta.before = original
        content = original if original is not None else self.seen.get(delta.path)
        for old, new, everywhere in replacements(called):
            if not isinstance(old, str) or not isinstance(new, str):
                continue
            if content is not None and old and old in content:
                changed = content.replace(old, new) if everywhere else content.replace(old, new, 1)
                delta.swap(content, changed, step)
                content = changed
            else:
                delta.swap(old, new, step)
                content = None
        delta.after = content
        if content is not None:
            self.seen[delta.path] = content
        else:
            self.seen.pop(delta.path, None)

    def written(self, path: str, text: str, step: int, original: str | None, create: bool) -> None:
        """A file put there whole."""
        delta = self.at(path, step)
        before = original if isinstance(original, str) else self.seen.get(delta.path)
        if len(delta.steps) == 1:
            delta.before, delta.created = before, before is None and (create or not delta.removed)
        delta.swap(before or "", text, step)
        delta.after, delta.gone = text, False
        self.seen[delta.path] = text

    def patched(self, text: str, step: int) -> None:
        """Codex's patches and unified diffs."""
        delta: Delta | None = None
        for line in text.split("\n"):
            if named := PATCH_FILE.match(line):
                kind, path = named[1], named[2] or named[3] or named[4] or named[5]
                if path and path != "/dev/null":
                    if named[5] and delta is not None:
                        self.moved(delta.path, path, step)
                    delta = self.at(path, step)
                    delta.created = delta.created or kind == "Add"
                    delta.gone = kind == "Delete"
            elif delta is not None and line[:1] in "+-" and line[1:].strip():
                delta.swap(line[1:], "", step) if line[0] == "-" else delta.swap("", line[1:], step)

    def moved(self, path: str, target: str, step: int) -> None:
        delta = self.at(path, step)
        content = self.seen.pop(delta.path, None)
        delta.gone, delta.after = True, None
        moved = self.at(target, step)
        moved.before = moved.after = content
        moved.gone = False
        if content is not None:
            self.seen[moved.path] = content

    def ran(self, called: Called, line: str) -> None:
        """Commands that show, write, edit, remove or move files."""
        step = called.step.step_id
        if "*** Begin Patch" in line:
            self.patched(line[line.index("*** Begin Patch") :], step)
            return
        commands = split(line)
        for command in commands:
            words = [word for word in command.words[1:] if not word.startswith("-")]
            if command.program == "cat" and not command.writes and len(words) == 1 and len(commands) == 1:
                if not called.failed and not called.cut:
                    self.seen[self.named(words[0])] = printed(called.text)
            elif command.program in ("cat", "tee") and command.stdin:
                for path in [*command.writes, *(words if command.program == "tee" else [])]:
                    self.written(path, command.stdin, step, None, False)
            elif command.program in ("echo", "printf") and command.writes:
                for path in command.writes:
                    self.at(path, step).swap("", " ".join(words).replace("\\n", "\n"), step)
            elif command.program in ("sed", "gsed", "perl"):
                self.streamed(command, step)
            elif INTERPRETER.fullmatch(command.program):
                self.scripted(command.stdin or " ".join(command.words[1:]), step)
            else:
                self.shuffled(command, step)
            if command.program not in ("cat", "tee", "echo", "printf"):
                for path in command.writes:  # what a program printed into a file
                    if not path.startswith(("/dev/", "&")):
                        self.printed_into(path, command, step)

    def printed_into(self, path: str, command: Command, step: int) -> None:
        delta = self.at(path, step)
        delta.blind.append(f"written by {command.program}")
        delta.after = None
        self.seen.pop(delta.path, None)

    def streamed(self, command: Command, step: int) -> None:
        """`sed -i`: what a substitution takes and gives; a deletion by pattern takes what fits in the known file."""
        if not any(re.match(r"-\w*i|--in-place", word) for word in command.words[1:]):
            return
        words = [word for word in command.words[1:] if not word.startswith("-")]
        script, paths = (words[0], words[1:]) if words else ("", [])
        for path in paths:
            delta = self.at(path, step)
            content = self.seen.get(delta.path)
            for part in re.split(r";\s*", script):
                if found := SUBSTITUTION.search(part):
                    content = self.substituted(delta, found[2], found[3], content, step)
                elif deleted := DELETION.match(part.strip()):
                    content = dropped(delta, deleted[1], content, step)
            if content is not None:
                self.seen[delta.path] = delta.after = content

    def scripted(self, code: str, step: int) -> None:
        """A small program that replaces text in files it names: `p.write_text(p.read_text().replace("a", "b"))`."""
        pairs = [(match[2], match[4]) for match in REPLACING.finditer(code)]
        if not pairs or not WRITING.search(code):
            return
        for path in dict.fromkeys(match[2] for match in FILE_NAME.finditer(code)):
            delta = self.at(path, step)
            content = self.seen.get(delta.path)
            for old, new in pairs:
                old, new = old.replace("\\n", "\n"), new.replace("\\n", "\n")
                if content is None:
                    delta.swap(old, new, step)
                else:
                    delta.swap(content, content.replace(old, new), step)
                    content = content.replace(old, new)
            if content is not None:
                self.seen[delta.path] = delta.after = content

    def substituted(self, delta: Delta, old: str, new: str, content: str | None, step: int) -> str | None:
        changed = replaced_by(old, new, content)
        if content is None or changed is None:
            delta.swap(plain(old), plain(new), step)
            return None
        delta.swap(content, changed, step)
        return changed

    def shuffled(self, command: Command, step: int) -> None:
        """rm, git rm, mv, git mv."""
        words = list(command.words)
        if command.program == "git" and len(words) > 2 and words[1] in ("rm", "mv"):
            words = words[1:]
        program, paths = words[0].rsplit("/", 1)[-1], [word for word in words[1:] if not word.startswith("-")]
        if program in ("rm", "unlink"):
            for path in paths:
                delta = self.at(path, step)
                delta.gone, delta.after = True, None
                delta.swap(self.seen.pop(delta.path, ""), "", step)
        elif program == "mv" and len(paths) == 2:
            self.moved(paths[0], paths[1], step)
        elif program in ("cp", "install", "rsync") and len(paths) > 1 and "." in paths[-1].rsplit("/", 1)[-1]:
            self.printed_into(paths[-1], command, step)


class Read(NamedTuple):
    """The net changes of a trace, and the files whose whole content is known at its end."""

    trace: Trace
    deltas: tuple[Delta, ...]
    seen: dict[str, str]


@lately
def of(trace: Trace) -> Read:
    """What a trace changed."""
    reader = Deltas(trace.info.project.cwd)
    for called in calls(trace):
        reader.take(called)
    return Read(trace, tuple(reader.files.values()), reader.seen)


def printed(text: str) -> str:
    """What a command printed, without what Codex writes above it."""
    if PRINTED.match(text) and "Output:\n" in text:
        return text.split("Output:\n", 1)[1]
    return text
