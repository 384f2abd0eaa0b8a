"""fernpost: a mail queue."""

from repos.shape import Change, Flag, Function, Repo, Script

DOMAIN_OF = Function(
    module="address",
    name="domain_of",
    code='''def domain_of(address: str) -> str | None:
    """The part behind the at sign, in lower case."""
    if "@" not in address:
        return None
    return address.split("@")[-1].lower()''',
    right='    return address.split("@")[-1].lower()',
    wrong='    return address.split("@")[0].lower()',
    almost='    return address.split("@")[-1]',
    tests=('domain_of("Fern@Post.Io") == "post.io"', 'domain_of("fern") is None'),
    does="returns the domain of a mail address",
    fault="we get the user name instead of the domain",
    new_name="mail_domain",
)
MASK = Function(
    module="address",
    name="mask",
    code='''def mask(address: str) -> str:
    """Only the first letter of the name stays."""
    name, domain = address.split("@")
    return name[:1] + "***@" + domain''',
    right='    return name[:1] + "***@" + domain',
    wrong='    return name + "***@" + domain',
    tests=('mask("fern@post.io") == "f***@post.io"', 'mask("a@b.io") == "a***@b.io"'),
    does="masks the name in a mail address",
    fault="masked addresses still show the whole name",
    new_name="hide_name",
)
NEXT_RETRY = Function(
    module="queue",
    name="next_retry",
    code='''def next_retry(attempt: int) -> int:
    """Seconds until the next attempt: doubled each time, at most an hour."""
    return min(30 * 2**attempt, 3600)''',
    right="    return min(30 * 2**attempt, 3600)",
    wrong="    return 30 * 2**attempt",
    almost="    return max(30 * 2**attempt, 3600)",
    tests=("next_retry(8) == 3600", "next_retry(10) == 3600"),
    does="returns the seconds until the next attempt",
    fault="the waiting time grows without end",
    new_name="retry_delay",
)
IS_DUE = Function(
    module="queue",
    name="is_due",
    code='''def is_due(now: int, planned: int, paused: bool = False) -> bool:
    """Whether a mail goes out now."""
    return not paused and now >= planned''',
    right="    return not paused and now >= planned",
    wrong="    return not paused and now > planned",
    tests=("is_due(5, 5) == True", "is_due(5, 6) == False"),
    does="says whether a mail is due",
    fault="mails go out a second late",
    new_name="should_send",
)

REPO = Repo(
    name="fernpost",
    system="linux",
    about="A mail queue with retries",
    argument="address",
    functions=(DOMAIN_OF, MASK, NEXT_RETRY, IS_DUE),
    flags=(
        Flag("dry-run", "bool", "send nothing"),
        Flag("attempts", "int", "attempts before giving up", "5"),
        Flag("queue", "str", "name of the queue", "default"),
    ),
    config=(
        "config/queue.yaml",
        "queue:\n  workers: 2\n  max_attempts: 5\n  batch_size: 20\nsmtp:\n  port: 587\n  timeout: 15\n",
    ),
    changes=(
        Change("workers", "  workers: 2", "  workers: 4", "4"),
        Change("batch_size", "  batch_size: 20", "  batch_size: 100", "100"),
        Change("max_attempts", "  max_attempts: 5", "  max_attempts: 8", "8"),
    ),
    usage=(
        "# Usage\n\nRun `fernpost ADDRESS` to see its domain.\nMails are tried five times.\n"
        "Two workers send mails.\n\n## Pausing\n\nA paused queue sends nothing.\n"
    ),
    sentences=(
        ("Mails are tried five times.", "Mails are tried eight times."),
        ("Two workers send mails.", "Four workers send mails."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "drain.sh",
            "waits until the spool folder is empty",
            '#!/usr/bin/env bash\nset -euo pipefail\nwhile [ -n "$(ls spool)" ]; do\n  sleep 5\ndone\n',
        ),
        Script(
            "failed.sh",
            "lists the mails that failed today",
            '#!/usr/bin/env bash\nset -euo pipefail\ngrep -l "status: failed" spool/"$(date +%Y-%m-%d)"/*\n',
        ),
    ),
    server="mail-2",
)
