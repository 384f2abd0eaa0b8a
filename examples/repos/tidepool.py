"""tidepool: a feed reader."""

from repos.shape import Change, Flag, Function, Repo, Script

SLUGIFY = Function(
    module="text",
    name="slugify",
    code='''def slugify(title: str) -> str:
    """Lower case, words joined by dashes."""
    words = title.lower().split()
    return "-".join(words)''',
    right="    words = title.lower().split()",
    wrong='    words = title.split(" ")',
    almost='    words = title.lower().split(" ")',
    tests=('slugify("Hello  World") == "hello-world"', 'slugify("tide") == "tide"'),
    does="turns a title into a slug",
    fault="slugs come out with capitals",
    new_name="make_slug",
)
SHORTEN = Function(
    module="text",
    name="shorten",
    code='''def shorten(text: str, width: int) -> str:
    """At most `width` characters, an ellipsis included."""
    if len(text) <= width:
        return text
    return text[: width - 3] + "..."''',
    right='    return text[: width - 3] + "..."',
    wrong='    return text[:width] + "..."',
    tests=('shorten("tide pools", 8) == "tide ..."', 'shorten("tide", 8) == "tide"'),
    does="cuts a text to a width, with an ellipsis",
    fault="shortened titles are too long",
    new_name="truncate",
)
UNREAD = Function(
    module="feeds",
    name="unread_count",
    code='''def unread_count(entries: list[dict]) -> int:
    """Entries that nobody has opened yet."""
    return sum(1 for entry in entries if not entry.get("read"))''',
    right='    return sum(1 for entry in entries if not entry.get("read"))',
    wrong='    return sum(1 for entry in entries if entry.get("read"))',
    tests=('unread_count([{"read": True}, {}, {}]) == 2', "unread_count([]) == 0"),
    does="counts the entries that were not read",
    fault="the unread count is the wrong way round",
    new_name="count_unread",
)
FIND_FEED = Function(
    module="feeds",
    name="find_feed",
    code='''def find_feed(feeds: dict[str, str], url: str) -> str | None:
    """The name of the feed with this address."""
    for name, address in feeds.items():
        if address.rstrip("/") == url.rstrip("/"):
            return name
    return None''',
    right='        if address.rstrip("/") == url.rstrip("/"):',
    wrong="        if address == url:",
    almost='        if address.rstrip("/") == url:',
    tests=('find_feed({"sea": "a.io/x"}, "a.io/x/") == "sea"', 'find_feed({}, "a.io") is None'),
    does="finds the name of a feed by its address",
    fault="feeds with a slash at the end are not found",
    new_name="feed_by_url",
)

REPO = Repo(
    name="tidepool",
    system="linux",
    about="A feed reader for the terminal",
    argument="title",
    functions=(SLUGIFY, SHORTEN, UNREAD, FIND_FEED),
    flags=(
        Flag("quiet", "bool", "print nothing but errors"),
        Flag("width", "int", "columns of a line", "72"),
        Flag("feed", "str", "show this feed only", "all"),
    ),
    config=(
        "config/settings.toml",
        '[fetch]\ntimeout_seconds = 10\nmax_entries = 50\nuser_agent = "tidepool/1.2"\n\n'
        '[cache]\nfolder = "cache"\nkeep_days = 7\n',
    ),
    changes=(
        Change("timeout_seconds", "timeout_seconds = 10", "timeout_seconds = 30", "30"),
        Change("max_entries", "max_entries = 50", "max_entries = 200", "200"),
        Change("keep_days", "keep_days = 7", "keep_days = 14", "14"),
    ),
    usage=(
        "# Usage\n\nRun `tidepool TITLE` to see its slug.\nFeeds are fetched every hour.\n"
        "Unread entries are shown first.\n\n## Cache\n\nThe cache is kept for a week.\n"
    ),
    sentences=(
        ("Feeds are fetched every hour.", "Feeds are fetched every ten minutes."),
        ("The cache is kept for a week.", "The cache is kept for two weeks."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "clean.sh",
            "removes the cache folder and the pycache folders",
            "#!/usr/bin/env bash\nset -euo pipefail\nrm -rf cache\nfind . -name __pycache__ -prune -exec rm -rf {} +\n",
        ),
        Script(
            "fetch.sh",
            "fetches all feeds listed in feeds.txt",
            "#!/usr/bin/env bash\nset -euo pipefail\nwhile read -r url; do\n"
            '  curl -fsS "$url" -o "cache/$(basename "$url")"\ndone < feeds.txt\n',
        ),
    ),
    server="feeds-1",
)
