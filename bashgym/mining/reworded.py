"""Requests in other words that ask for the same: a plain command put politely, as a wish, as a task. English only."""

import re

VERBS = frozenset({
    "add", "fix", "write", "make", "create", "update", "remove", "rename", "refactor", "implement", "change", "move",
    "run", "explain", "show", "find", "check", "use", "delete", "build", "convert", "improve", "replace", "test",
    "document", "list", "print", "sort", "split", "merge", "extract", "load", "save", "send", "parse", "handle",
    "return", "raise", "stop", "start", "set", "put", "clean", "tidy", "simplify", "speed", "look", "investigate",
    "debug", "reproduce", "review", "rewrite", "format", "validate", "log", "cache", "support", "allow", "prevent",
    "ensure", "migrate", "upgrade", "install", "configure", "commit", "search", "count", "generate", "render", "draw",
    "measure", "compare", "describe", "summarize", "summarise", "help", "let",
})  # fmt: skip
OPENING = re.compile(
    r"(?P<please>please,?\s+)?(?P<verb>[A-Za-z]+)\b(?P<rest>(?:[^\n.?!]|[.?!](?=\S))*+)(?P<end>[.!]?)(?=\s|$)",
    re.IGNORECASE,
)
FORMS = (
    "Could you {request}?",
    "Please {request}.",
    "I would like you to {request}.",
    "Can you {request}?",
    "Your task: {request}.",
    "I need you to {request}.",
    "{Request}, please.",
    "Would you {request}?",
)


def reworded(text: str, turn: int) -> str | None:
    """The text with its first sentence in the `turn`th other form; None where it is no plain command."""
    match = OPENING.match(text)
    if not match or match["verb"].lower() not in VERBS or text[match.end() :].lstrip().startswith("?"):
        return None
    request = f"{match['verb'].lower()}{match['rest'].rstrip()}"
    if not request or request.endswith((":", ",", ";")):
        return None
    made = FORMS[turn % len(FORMS)].format(request=request, Request=request[0].upper() + request[1:])
    whole = made + text[match.end() :]
    return whole if whole != text else reworded(text, turn + 1)
