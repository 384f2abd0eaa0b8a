"""What an output tells of failures: the names of the tests, and whether something is missing around them."""

import re

FAILED = re.compile(
    r"^(?:FAILED|ERROR)[ \t]+([\w./\\-]+(?:::[^\s]+)*)|^[ \t]*--- FAIL:[ \t]+(\S+)"
    r"|^test[ \t]+(\S+)[ \t]+\.\.\.[ \t]+FAILED|^[ \t]*[✖✗✘×●][ \t]+([^\n(]{3,80})|^not ok \d+(?: -)? ([^\n#]+)"
    r"|^rspec[ \t]+(\S+)|^(?:FAIL|ERROR):[ \t]+(\S+)|^\[ERROR\][ \t]+(\w+[\w.$]*)(?::|\s)"
    r"|^[ \t]*\d+\)[ \t]+(\S[^\n]{3,80})|^[ \t]*\[[ \t]+FAILED[ \t]+\][ \t]+(\w+[./]\S+)"
    r"|^[ \t]*\d+ - (\S+)[ \t]+\(",
    re.MULTILINE,
)
SURROUNDINGS = re.compile(
    r"Docker environment|docker daemon|Connection refused|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|SERVER_DOWN"
    r"|Name or service not known|Temporary failure in name resolution|getaddrinfo|No route to host"
    r"|Network is unreachable|no such host|could not connect"
    r"|No space left|CUDA (?:is not available|driver)|No CUDA|no display|cannot open display|executable doesn'?t exist"
    r"|browsers? (?:is |are |was |were )?not (?:found|installed)|credentials? (?:not found|missing|could not)",
    re.IGNORECASE,
)


def names(output: str) -> frozenset[str]:
    """The tests that an output tells to have failed."""
    found = (next(name for name in match.groups() if name) for match in FAILED.finditer(output[-100_000:]))
    return frozenset(" ".join(name.split()) for name in found)


def around(output: str) -> bool:
    """Whether what was printed tells of something missing around the tests: a server, Docker, a network."""
    return bool(SURROUNDINGS.search(output[-100_000:]))
