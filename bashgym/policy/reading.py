"""A command line judged as the shell would run it, one simple command after the other."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bashgym.policy.effects import effects, found, writes
from bashgym.policy.feed import DOWNLOADED, NOTHING, Feed, downloads, feed, of_known, of_substitution
from bashgym.policy.inline import judged
from bashgym.policy.knowledge import Knowledge, load
from bashgym.policy.matching import by_rules
from bashgym.policy.places import UNRESOLVED
from bashgym.policy.remembering import known, remember
from bashgym.policy.values import Session, inside, plain, resolve, resolved
from bashgym.policy.verdicts import ALLOWED, Verdict, destructive, unknown, worst
from bashgym.policy.wrapped import ASSIGNMENT, inner, replacement
from bashgym.signals.shell import LONGEST, Command, Word, every

DEPTH = 8  # of commands within commands; deeper ones are not followed, and so not known
WILD_NAME = re.compile(r"[*?]|\[.*\]")  # a program by a pattern; `[` alone is a program
RUNS_DOWNLOAD = ("downloads", "runs what it downloads")


def judge(text: str, session: Session | None = None, depth: int = 0) -> Verdict:
    """The worst of all commands of a text. What is longer than a command can be is not read, and so not known."""
    if len(text) > LONGEST:
        return unknown("is too long to be read", text)
    if depth > DEPTH:
        return unknown("is nested too deeply to be read", text)
    session = session or Session()
    commands = every(text)
    if fork_bomb(commands):
        return destructive("processes", "starts processes without end", text)
    return worst(judge_one(commands, index, session, depth) for index in range(len(commands)))


def fork_bomb(commands: Sequence[Command]) -> bool:
    """A function that starts itself twice, in the background: `f() { f | f & }; f`."""
    named = {one.words[0] for one in commands if len(one.words) == 1}
    return any(
        one.after == "|" and other.after == "&" and one.words[:1] == other.words[:1] and one.words[0] in named
        for one, other in pairwise(commands)
        if one.words
    )


def judge_one(commands: Sequence[Command], index: int, session: Session, depth: int) -> Verdict:
    """One command of a line; what it sets is kept for those behind it."""
    command = commands[index]
    given = feed(commands, index, session)
    shown = " ".join(command.words) or " ".join((*command.assigned, *(f"> {path}" for path in command.writes)))
    verdict = worst(
        [
            *substituted(command, session, depth),
            *(writes(path, session, shown) for word in command.writes for path in resolve(word, session)),
            run(command.words, given, session, depth) if command.words else ALLOWED,
        ]
    )
    remember(command, given, session)
    return verdict._replace(command=verdict.command or shown[:200]) if verdict.state != "allowed" else verdict


def substituted(command: Command, session: Session, depth: int) -> Iterator[Verdict]:
    """The commands of all substitutions in its words."""
    for word in (*command.words, *command.assigned, *command.writes, *command.reads, command.stdin):
        for expansion in getattr(word, "live", ()):
            if expansion.startswith(("$(", "`", "<(", ">(")) and not expansion.startswith("$(("):
                yield judge(inside(expansion), session, depth + 1)
            elif expansion.startswith("${") and ("$(" in expansion or "`" in expansion):
                yield judge("echo " + expansion[2:-1].partition("-")[2], session, depth + 1)


def run(words: Sequence[str], given: Feed, session: Session, depth: int) -> Verdict:
    """A command by its words; the first may be a variable or a pattern."""
    if depth > DEPTH:
        return unknown("is nested too deeply to be read")
    first = resolve(words[0], session)
    if not first or ASSIGNMENT.match(words[0]):
        return run(words[1:], given, session, depth + 1) if len(words) > 1 else ALLOWED
    if UNRESOLVED in first[0] or (getattr(words[0], "bare", False) and WILD_NAME.search(first[0])):
        if any(of_substitution(inside(one), session) is DOWNLOADED for one in live_commands(words[0])):
            return destructive(*RUNS_DOWNLOAD)
        return unknown("runs what a variable or another command says")
    everything = [*first, *words[1:]]
    program = first[0].rsplit("/", 1)[-1].rsplit("\\", 1)[-1].removesuffix(".exe")
    facts = load()
    if program in facts.wrappers:
        return wrapped(program, everything[1:], given, session, depth)
    if program in facts.shells:
        return shell(everything[1:], given, session, depth)
    if program in ("eval", "trap", "alias", "source", "."):
        return evaluated(program, everything[1:], session, depth)
    return worst(plainly(program, first[0], everything[1:], given, session, depth))


def live_commands(word: str) -> list[str]:
    return [one for one in getattr(word, "live", ()) if one.startswith(("$(", "`", "<("))]


def plainly(
    program: str, path: str, words: Sequence[str], given: Feed, session: Session, depth: int
) -> Iterator[Verdict]:
    """A program that is no shell and starts none but by its options: rules, code, places."""
    facts = load()
    values = resolved(words, session)
    yield by_rules(facts, program.lower() if program.lower() == "remove-item" else program, words, given, session)
    yield effects(program, values, session, " ".join([program, *map(str, words)]))
    if program in ("find", "gfind"):
        yield from executed(words, values, session, depth)
    letters = interpreter(facts, program)
    if letters is not None:
        yield interpreted(letters, words, given, session, depth)
    if "/" in path or path.endswith((".sh", ".py")):
        script = of_known(path, session)
        if script is DOWNLOADED:
            yield destructive(*RUNS_DOWNLOAD)
        elif script.how == "text":
            yield judge(script.text, session, depth + 1)


def interpreter(facts: Knowledge, program: str) -> str | None:
    """The letters of the option that takes code; None where the program is no interpreter. python3.11 is python."""
    return facts.interpreters.get(re.sub(r"[\d.]+$", "", program), facts.interpreters.get(program))


def interpreted(letters: str, words: Sequence[str], given: Feed, session: Session, depth: int) -> Verdict:
    """Code by option, as the first word (awk), from the input, or in a file that was just written."""
    texts = list(map(str, words))
    shown = " ".join(texts)
    codes, script = [], ""
    at = 0
    while at < len(texts):
        word = texts[at]
        if letters and re.fullmatch(rf"-[A-Za-z]*[{letters}]", word) and at + 1 < len(texts):
            codes.append(texts[at + 1])
            at += 1
        elif word in ("-m", "--eval", "--print", "-W", "-X", "-F", "-v"):
            codes += [texts[at + 1]] if word in ("--eval", "--print") and at + 1 < len(texts) else []
            if word == "-m":
                script = "-m"
            at += 1
        elif not word.startswith("-") or word == "-":
            script = word
            break
        at += 1
    if not letters and script:
        codes, script = [script], "code"
    verdicts = [judged(code, session, shown, lambda text: judge(text, session, depth + 1)) for code in codes]
    if not codes and script in ("", "-"):
        if given.how == "downloaded":
            return destructive(*RUNS_DOWNLOAD, shown)
        if given.how == "unknown":
            return unknown("runs code that comes through a pipe", shown)
        verdicts.append(judged(given.text, session, shown, lambda text: judge(text, session, depth + 1)))
    elif not codes:
        verdicts.append(scripted(script, words, session, depth, code=True))
    return worst(verdicts)


def scripted(script: str, words: Sequence[str], session: Session, depth: int, code: bool) -> Verdict:
    """A script file: the repository's own may run; what was just downloaded or written is looked at."""
    for word in words:
        if str(word) == script and live_commands(word):
            return source_of(of_substitution(inside(live_commands(word)[0]), session), session, depth)
    known_file = of_known(script, session)
    if known_file.how == "text" and code:
        return judged(known_file.text, session, script, lambda text: judge(text, session, depth + 1))
    return source_of(known_file, session, depth) if known_file.how != "unknown" else ALLOWED


def source_of(given: Feed, session: Session, depth: int) -> Verdict:
    """A text that a shell runs."""
    if given.how == "downloaded":
        return destructive(*RUNS_DOWNLOAD)
    if given.how == "unknown":
        return unknown("runs commands that come from elsewhere")
    return judge(given.text, session, depth + 1) if given.how == "text" else ALLOWED


def shell(words: Sequence[str], given: Feed, session: Session, depth: int) -> Verdict:
    """bash -c TEXT, bash FILE, bash with commands at its input."""
    at = 0
    while at < len(words) and str(words[at]).startswith(("-", "+")) and len(words[at]) > 1:
        flag = str(words[at])
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command", flag):
            return text_run(words[at + 1 :], session, depth)
        if flag == "-s" or (re.fullmatch(r"-[a-zA-Z]*s[a-zA-Z]*", flag) and not flag.startswith("--")):
            return source_of(given, session, depth)
        at += 2 if flag in ("-o", "-O", "+o", "--rcfile", "--init-file") else 1
    if at >= len(words) or str(words[at]) in ("-", "/dev/stdin"):
        return source_of(given, session, depth)
    if live_commands(words[at]):
        return source_of(of_substitution(inside(live_commands(words[at])[0]), session), session, depth)
    values = resolve(words[at], session)
    if not values or UNRESOLVED in values[0]:
        return unknown("runs a script that a variable names")
    return scripted(values[0], (), session, depth, code=False)


def text_run(words: Sequence[str], session: Session, depth: int) -> Verdict:
    """A text for a shell, with the words behind it as $0, $1 ..."""
    if not words:
        return ALLOWED
    if any(of_substitution(inside(one), session) is DOWNLOADED for one in live_commands(words[0])):
        return destructive(*RUNS_DOWNLOAD)
    numbered: dict[str, list[str] | None] = {}
    for number, word in enumerate(words[1:]):
        numbered[str(number)] = known(resolve(word, session))
    every_one = known(resolved(words[2:], session))
    numbered |= {"@": every_one, "*": every_one}
    within = Session(session.cwd, {**session.variables, **numbered}, session.files)
    # what the outer shell puts in has to be known; where it is one's own variable, the inner one has it, too
    texts = [str(words[0])] if not live_commands(words[0]) else [*resolve(words[0], session)]
    return worst(judge(text, within, depth + 1) for text in texts)


def evaluated(program: str, words: Sequence[str], session: Session, depth: int) -> Verdict:
    """eval, trap, alias, source."""
    if program == "alias":
        return worst(judge(str(word).partition("=")[2], session, depth + 1) for word in words if "=" in word)
    if program == "trap":
        return text_run(words[:1], session, depth) if len(words) > 1 else ALLOWED
    if program in ("source", "."):
        live = live_commands(words[0]) if words else []
        if live:
            return source_of(of_substitution(inside(live[0]), session), session, depth)
        values = resolve(words[0], session) if words else []
        return scripted(values[0], (), session, depth, code=False) if values else ALLOWED
    return worst(
        [
            *(trusted(inside(one), session) for word in words for one in live_commands(word)),
            text_run([" ".join(list(plain(words, session)))], session, depth)
            if not any(map(live_commands, words))
            else ALLOWED,
        ]
    )


def trusted(text: str, session: Session) -> Verdict:
    """Output of another command that is evaluated."""
    commands = every(text)
    if any(downloads(command) for command in commands):
        return destructive(*RUNS_DOWNLOAD)
    if commands and all(command.program in load().trusted_output for command in commands):
        return ALLOWED
    output = of_substitution(text, session)
    return (
        judge(output.text, session, DEPTH) if output.how == "text" else unknown("evaluates what another command prints")
    )


def wrapped(program: str, words: Sequence[str], given: Feed, session: Session, depth: int) -> Verdict:
    """What sudo, env, xargs and the like start."""
    wrapper = load().wrappers[program]
    within = inner(words, wrapper)
    if within.text is not None and not wrapper.fed:
        return text_run([within.text], session, depth)
    if within.text is not None:
        within = within._replace(words=tuple(every(within.text)[0].words) if every(within.text) else ())
    if not within.words:
        return (
            source_of(given, session, depth)
            if given.how != "nothing" and program in ("sudo", "su", "doas")
            else ALLOWED
        )
    if not wrapper.fed:
        return run(within.words, given, session, depth + 1)
    items = fed_items(words, given, session)
    mark = replacement([str(word) for word in words])
    if program == "parallel" and ":::" in within.words:
        at = within.words.index(":::")
        items, within = list(within.words[at + 1 :]), within._replace(words=within.words[:at])
    if mark and any(mark in word for word in within.words):
        return worst(
            run([str(word).replace(mark, item) for word in within.words], NOTHING, session, depth + 1) for item in items
        )
    return run([*within.words, *items], NOTHING, session, depth + 1)


def fed_items(words: Sequence[str], given: Feed, session: Session) -> list[str]:
    """The words that xargs reads, as words that are patterns still."""
    if given.items:
        return [pattern(item) for item in given.items]
    return [UNRESOLVED]


def pattern(item: str) -> str:
    return Word.of(item, [], bool(re.search(r"[*?\[~]", item)))


def executed(words: Sequence[str], values: Sequence[str], session: Session, depth: int) -> Iterator[Verdict]:
    """What find starts with -exec, on what it finds."""
    places = found(values)
    at = 0
    while at < len(words):
        if str(words[at]) in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((i for i in range(at + 1, len(words)) if str(words[i]) in (";", "+")), len(words))
            for place in places:
                line = [
                    word if "{}" not in word else pattern(str(word).replace("{}", place))
                    for word in words[at + 1 : end]
                ]
                if line:
                    yield run(line, NOTHING, session, depth + 1)
            at = end
        at += 1
