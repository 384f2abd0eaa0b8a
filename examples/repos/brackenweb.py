"""brackenweb: a generator of static sites."""

from repos.shape import Change, Flag, Function, Repo, Script

IS_EXTERNAL = Function(
    module="links",
    name="is_external",
    code='''def is_external(url: str) -> bool:
    """Whether a link leaves the site."""
    return url.startswith(("http://", "https://"))''',
    right='    return url.startswith(("http://", "https://"))',
    wrong='    return url.startswith("http://")',
    almost='    return url.startswith("https")',
    tests=(
        '[is_external("https://a.io"), is_external("http://a.io")] == [True, True]',
        'is_external("/about") == False',
    ),
    does="says whether a link leaves the site",
    fault="https links are treated as our own",
    new_name="leaves_site",
)
JOIN_URL = Function(
    module="links",
    name="join_url",
    code='''def join_url(base: str, path: str) -> str:
    """Exactly one slash between base and path."""
    return base.rstrip("/") + "/" + path.lstrip("/")''',
    right='    return base.rstrip("/") + "/" + path.lstrip("/")',
    wrong='    return base + "/" + path',
    almost='    return base.rstrip("/") + "/" + path',
    tests=('join_url("a.io/", "/b") == "a.io/b"', 'join_url("a.io", "b") == "a.io/b"'),
    does="joins a base and a path with one slash",
    fault="links have double slashes",
    new_name="build_url",
)
TITLE_CASE = Function(
    module="pages",
    name="title_case",
    code='''def title_case(name: str) -> str:
    """`about-us` becomes `About Us`."""
    return " ".join(word.capitalize() for word in name.split("-"))''',
    right='    return " ".join(word.capitalize() for word in name.split("-"))',
    wrong="    return name.capitalize()",
    tests=('title_case("about-us") == "About Us"', 'title_case("home") == "Home"'),
    does="makes a title of a file name",
    fault="page titles keep their dashes",
    new_name="page_title",
)
PAGE_FOR = Function(
    module="pages",
    name="page_for",
    code='''def page_for(pages: dict[str, str], url: str) -> str | None:
    """The file of a page."""
    key = url.strip("/") or "index"
    if key not in pages:
        return None
    return pages[key]''',
    right='    key = url.strip("/") or "index"',
    wrong='    key = url.strip("/")',
    tests=('page_for({"index": "home.md"}, "/") == "home.md"', 'page_for({}, "/x") is None'),
    does="finds the file of a page by its url",
    fault="the front page is not found",
    new_name="find_page",
)

REPO = Repo(
    name="brackenweb",
    system="linux",
    about="A generator of static sites",
    argument="url",
    functions=(IS_EXTERNAL, JOIN_URL, TITLE_CASE, PAGE_FOR),
    flags=(
        Flag("drafts", "bool", "build drafts too"),
        Flag("port", "int", "port of the preview", "8000"),
        Flag("output", "str", "folder of the site", "public"),
    ),
    config=(
        "config/site.yaml",
        "site:\n  language: en\n  per_page: 10\n  minify: false\nfeed:\n  entries: 15\n  full_text: true\n",
    ),
    changes=(
        Change("per_page", "  per_page: 10", "  per_page: 25", "25"),
        Change("minify", "  minify: false", "  minify: true", "true"),
        Change("entries", "  entries: 15", "  entries: 40", "40"),
    ),
    usage=(
        "# Usage\n\nRun `brackenweb URL` to check a link.\nA page lists ten posts.\n"
        "Drafts are not built.\n\n## Feed\n\nThe feed has 15 entries.\n"
    ),
    sentences=(
        ("A page lists ten posts.", "A page lists 25 posts."),
        ("The feed has 15 entries.", "The feed has 40 entries."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "publish.sh",
            "builds the site and copies it to the public folder",
            "#!/usr/bin/env bash\nset -euo pipefail\npython -m brackenweb build\nrsync -a --delete build/ public/\n",
        ),
        Script(
            "images.sh",
            "lists images above one megabyte",
            "#!/usr/bin/env bash\nset -euo pipefail\nfind static -name '*.png' -size +1M\n",
        ),
    ),
    server="www-2",
)
