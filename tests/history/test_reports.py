"""bashgym traces report: escaped, redacted unless told otherwise, for this user only, whole or not at all."""

import base64
import hashlib
import importlib.util
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bashgym.history.pages import render
from bashgym.history.pages.render import Settings
from bashgym.history.pages.view import Maker, view
from bashgym.pseudonyms import pseudonym

HERE = Path(__file__).parent


def sibling(name: str):
    spec = importlib.util.spec_from_file_location(f"history_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


told_by, hostile = sibling("conftest"), sibling("hostile")
ONE, TWO, THREE, text = (getattr(told_by, name) for name in ("ONE", "TWO", "THREE", "text"))

ALLOWED = """
html head meta title style body a div header p b span h1 h2 h4 dl dt dd ul ol li figure figcaption i svg rect line
input button nav main section article time details summary pre code mark small table thead tbody tr th td kbd script
"""


class Page(HTMLParser):
    """The tags and attributes of a page, and the text of its style and its script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}
        self.inside = ""
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag if tag in self.inline else self.inside

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        (self.inline[self.inside] if self.inside else self.words).append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def page_of(printed, tmp_path, *words: str) -> tuple[Page, Path]:
    target = tmp_path / "page.html"
    printed("traces", "report", ONE, "--out", str(target), *words)
    return Page(target.read_text()), target


def small(past) -> None:
    past.says("please write to ada.byron@kestrel-labs.io, the key is ghp_1234567890abcdefghijklmnopqrstuvwx12")
    past.reply("a", text("I wrote to ada.byron@kestrel-labs.io.")).save(ONE)


def test_secrets_and_people_are_replaced_and_marked(past, printed, tmp_path):
    small(past)
    page, target = page_of(printed, tmp_path)
    content = target.read_text()
    assert "ada.byron@" not in content and "ghp_1234567890" not in content
    marks = re.findall(r'<mark title="replaced: (\w+)">(\w+)</mark>', content)
    assert {"EMAIL"} <= {kind for kind, _ in marks} and len({name for kind, name in marks if kind == "EMAIL"}) == 1
    assert "were replaced before this page was made" in page.text
    assert target.stat().st_mode & 0o777 == 0o600


def test_redacted_is_the_default(past, printed, tmp_path):
    small(past)
    first = page_of(printed, tmp_path)[1].read_bytes()
    assert page_of(printed, tmp_path, "--redacted")[1].read_bytes() == first, "and the same page every time"


def test_raw_is_said_aloud(past, printed, tmp_path, capsys):
    small(past)
    capsys.readouterr()
    target = tmp_path / "page.html"
    from bashgym.cli import main

    assert main(["traces", "report", ONE, "--raw", "--out", str(target)]) == 0
    assert "do not share it" in capsys.readouterr().err
    content = target.read_text()
    assert (
        "ada.byron@kestrel-labs.io" in content
        and "Do not share it" in content
        and target.stat().st_mode & 0o777 == 0o600
    )


def test_without_a_place_it_goes_to_the_data_home(past, printed, own_home):
    small(past)
    (line,) = printed("traces", "report", ONE).split()
    assert Path(line) == own_home / "reports" / f"{ONE}.html" and Path(line).exists()


@pytest.mark.parametrize("words", [("--raw",), ()], ids=["raw", "redacted"])
def test_hostile_text_stays_text(past, printed, tmp_path, words):
    hostile.fill(past, ONE)
    page, target = page_of(printed, tmp_path, *words)
    assert {tag for tag, _ in page.tags} <= set(ALLOWED.split())
    assert len(page.inline["script"]) == len(page.inline["style"]) == 1
    assert [tag for tag, _ in page.tags].count("script") == 1
    for tag, attributes in page.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc", "action")
        ]
        address = attributes.get("href") or "#"
        assert address.startswith("#"), (tag, address)
    assert "document.title='owned'" in page.text, "the words are there, as words"
    assert not [char for char in target.read_text() if char not in "\n\t" and unfit(char)]


def unfit(char: str) -> bool:
    return not char.isprintable() and char not in "\N{ZERO WIDTH JOINER}\N{NO-BREAK SPACE}"


def test_the_policy_allows_our_style_and_script_and_nothing_else(past, printed, tmp_path):
    small(past)
    page, target = page_of(printed, tmp_path)
    (policy,) = [one["content"] for tag, one in page.tags if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "http" not in policy
    content = target.read_text()
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", content, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "http://" not in content and "https://" not in content


def test_steps_calls_and_sub_agents_have_their_place(past, printed, tmp_path):
    hostile.fill(past, ONE, "x & y")
    page, target = page_of(printed, tmp_path, "--raw")
    content = target.read_text()
    anchors = [one["id"] for tag, one in page.tags if tag == "article"]
    assert len(anchors) == len(set(anchors)) and "s1" in anchors and "a1s1" in anchors
    inside = content[content.index('<details class="agent">') :]
    assert (
        inside.index('id="a1s1"') < inside.index("</details>") and "Sub-agents whose call is not known" not in content
    )
    assert "Context compacted" in content and 'class="add"' in content and 'class="del"' in content
    assert "Malformed lines, kept aside: 1" in page.text and "failed" in page.text
    targets = {one["href"] for tag, one in page.tags if tag == "a"}
    assert {address[1:] for address in targets} <= {one.get("id") for _, one in page.tags}, "no link leads nowhere"


def test_every_step_and_every_word_of_it_is_on_the_page(past, samples):
    """Real sessions: the text of each step, call and result stands on the raw page, as far as it is not cut."""
    from bashgym.claude_code import files, session
    from bashgym.history.text import legible

    for ref in list(files.sessions(samples / "claude-code-entire"))[:6]:
        traces = session.read(ref)
        (html,) = render.pages(view(traces, [], "unverified"), Settings(raw=True, full=True))
        shown = " ".join(Page(html).text.split())
        for trace in traces:
            for step in trace.steps:
                for words in (step.text, step.reasoning_content or "", *(result_words(step))):
                    assert " ".join(legible(words).split()) in shown, (ref.id, step.step_id)


def result_words(step) -> list[str]:
    from bashgym.trace import plain

    return [plain(result.content) for result in (step.observation.results if step.observation else ())]


def test_pages_hold_so_many_steps_and_link_to_each_other(past):
    from bashgym.claude_code import files, session

    for number in range(30):
        past.says(f"turn {number}")
        for reply in range(4):
            past.reply(f"m{number}-{reply}", text("x"))
    path = past.save(ONE)
    (ref,) = files.sessions(path)
    found = view(session.read(ref), [], "gold")
    pages = render.pages(found, Settings(raw=True, per_page=40, stem="one", back="index.html"))
    assert len(pages) == 4
    parsed = [Page(page) for page in pages]
    assert [sum(tag == "article" for tag, _ in page.tags) for page in parsed] == [40, 40, 40, 30]
    names = ["one.html", "one-2.html", "one-3.html", "one-4.html"]
    ids = {name: {one.get("id") for _, one in page.tags} for name, page in zip(names, parsed, strict=True)}
    for name, page in zip(names, parsed, strict=True):
        for address in (one["href"] for tag, one in page.tags if tag == "a"):
            file, _, anchor = address.partition("#")
            assert file in ("", "index.html", *names) and (not anchor or anchor in ids[file or name])


def test_sub_agents_of_sub_agents_and_circles_end(past):
    """A trace that names itself, or its caller, as its sub-agent is placed once."""
    from bashgym.claude_code import files, session

    past.says("go").calls("a", "t1", "Task", {"prompt": "p"}).result("t1", "x", toolUseResult={"agentId": "abc1234"})
    past.save(ONE)
    for agent in ("abc1234", "def5678"):
        past.says("p", isSidechain=True, agentId=agent)
        past.calls(agent, f"t{agent}", "Task", {"prompt": "p"}, isSidechain=True, agentId=agent)
        other = "def5678" if agent == "abc1234" else "abc1234"
        past.result(f"t{agent}", "x", isSidechain=True, agentId=agent, toolUseResult={"agentId": other})
        past.save(ONE, under=f"{ONE}/subagents/agent-{agent}.jsonl")
    (ref,) = files.sessions(past.projects)
    traces = session.read(ref)
    for trace in traces[1:]:
        trace.info.lineage.parent_call_id = None
    (html,) = render.pages(view(traces, [], "gold"), Settings(raw=True))
    ids = [one["id"] for tag, one in Page(html).tags if tag == "article"]
    assert len(ids) == len(set(ids)) == sum(len(trace.steps) for trace in traces)
    assert Maker(traces).loose() != []


def test_long_texts_are_cut_unless_told_otherwise(past, printed, tmp_path):
    past.says("x").reply("a", text("head" + "y" * 50_000 + "tail")).save(ONE)
    page, _ = page_of(printed, tmp_path, "--raw")
    assert "30,008 characters left out" in page.text and "head" in page.text and "tail" in page.text
    assert "left out" not in page_of(printed, tmp_path, "--raw", "--full")[0].text


def test_marks_are_only_for_pseudonyms():
    name = pseudonym(b"k" * 32, "EMAIL", "x")
    assert render.marked(f"<a> {name}!") == f'&lt;a&gt; <mark title="replaced: EMAIL">{name}</mark>!'
    assert render.marked("EMAIL_aaaaaaaaaaaa <") == "EMAIL_aaaaaaaaaaaa &lt;"


def test_all_pages_with_an_index(past, printed, told, tmp_path):
    for session, cwd in ((ONE, "/w/one"), (TWO, "/w/two")):
        past.cwd = cwd
        past.says(f"hello from {cwd}").reply(f"m{session[0]}", text("hi")).save(session, cwd.replace("/", "-"))
    past.says("an odd name").reply("z", text("hi")).save("x", under="odd name.jsonl")
    out = tmp_path / "pages"
    assert told("traces", "report", "--all", "--raw", "--out", str(out))["sessions"] == 3
    index = Page((out / "index.html").read_text())
    links = [one["href"] for tag, one in index.tags if tag == "a" and one["href"].endswith(".html")]
    assert len(links) == 3 and all((out / link).exists() for link in links) and f"{ONE}.html" in links
    assert all(path.stat().st_mode & 0o077 == 0 for path in [out, *out.iterdir()])
    assert told("traces", "report", "--all", "--raw", "--repo", "one", "--out", str(out))["sessions"] == 1
    assert sorted(path.name for path in out.iterdir()) == [".bashgym-pages", f"{ONE}.html", "index.html"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], "nothing is left beside it"


def test_a_folder_of_others_is_not_replaced(past, printed, tmp_path):
    small(past)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    assert "not made by this command" in printed("traces", "report", "--all", "--out", str(mine), code=2)
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert "is a folder" in printed("traces", "report", ONE, "--out", str(mine), code=2)


def test_what_cannot_be_sanitized_is_not_written(past, printed, tmp_path, monkeypatch):
    from bashgym.history import reports

    class Broken:
        def find(self, strings, context):
            raise ValueError("cannot")

    small(past)
    monkeypatch.setattr(reports, "sanitizers", lambda: (("broken", Broken()),))
    for words in ((ONE, "--out", str(tmp_path / "p.html")), ("--all", "--out", str(tmp_path / "pages"))):
        assert "nothing was written" in printed("traces", "report", *words, code=3)
    assert not (tmp_path / "p.html").exists() and not (tmp_path / "pages").exists()
    assert not list(tmp_path.glob(".*pages*"))
