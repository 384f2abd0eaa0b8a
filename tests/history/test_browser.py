"""A real browser on the pages of traces: it clicks, types and searches, and nothing of a session runs in it."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bashgym.history.pages import render
from bashgym.history.pages.render import Settings
from bashgym.history.pages.view import view

HERE = Path(__file__).parent


def sibling(name: str):
    spec = importlib.util.spec_from_file_location(f"history_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


told_by, hostile = sibling("conftest"), sibling("hostile")
ONE, text = told_by.ONE, told_by.text
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """The system's own chromium; playwright brings none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("needs chromium")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright (pip install 'bashgym[dev]')")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """An open page, and whatever it did that it must not do."""

    def __init__(self, browser, file: Path, **how: object) -> None:
        self.page = browser.new_page(**how)
        self.wrong: list[str] = []
        self.page.on("dialog", lambda one: (self.wrong.append(f"dialog {one.message}"), one.dismiss()))
        self.page.on("console", lambda one: self.wrong.append(f"{one.type} {one.text}"))
        self.page.on("pageerror", lambda one: self.wrong.append(str(one)))
        self.page.on("popup", lambda one: self.wrong.append(f"popup {one.url}"))
        self.page.on("request", lambda one: self.requested(one.url))
        self.file = file
        self.page.goto(file.as_uri())

    def requested(self, address: str) -> None:
        if not address.startswith(self.file.parent.as_uri()):
            self.wrong.append(f"request {address}")

    def shown(self, what: str) -> int:
        return sum(one.is_visible() for one in self.page.query_selector_all(what))


def written(past, printed, tmp_path: Path, *words: str) -> Path:
    target = tmp_path / "page.html"
    printed("traces", "report", ONE, "--raw", "--out", str(target), *words)
    return target


def session_with_everything(past) -> None:
    past.says("please mend the parser")
    thought = {"type": "thinking", "thinking": "a quiet thought about zebras", "signature": "s"}
    past.reply(
        "a",
        thought,
        text("I look first."),
        {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
    )
    past.result("t1", "parser.py zebra.txt")
    past.calls("b", "t2", "Edit", {"file_path": "/w/parser.py", "old_string": "a", "new_string": "b"})
    past.result("t2", "String to replace not found", failed=True)
    past.calls("c", "t3", "Task", {"prompt": "find okapis", "subagent_type": "Explore"})
    past.result("t3", "the okapi is in line 7", toolUseResult={"agentId": "abc1234", "content": []})
    past.says("thanks, now the tests").reply("d", text("All pass.")).save(ONE)
    past.says("find okapis", isSidechain=True, agentId="abc1234")
    past.reply("e", text("one okapi found"), isSidechain=True, agentId="abc1234")
    past.save(ONE, under=f"{ONE}/subagents/agent-abc1234.jsonl")


def test_a_reader_clicks_through(past, printed, tmp_path, chromium):
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path))
    page = tab.page
    assert tab.shown("main .stream > .turn > .step") == 6 and tab.shown(".call[open]") == 0
    page.click("details.thinking > summary")
    assert page.is_visible("text=a quiet thought about zebras")
    page.click("details.call:has(.tool:text-is('Edit')) > summary")
    assert page.is_visible(".diff .del:text-is('a')") and page.is_visible("text=String to replace not found")
    page.click("details.call:has(> summary .tool:text-is('Task')) > summary")
    assert not page.is_visible("text=one okapi found")
    page.click("details.agent > summary")
    assert page.is_visible("text=one okapi found")
    page.click("#collapse")
    assert tab.shown("main details[open]") == 0
    page.click("#expand")
    assert page.is_visible("text=one okapi found")
    page.click(".outline a:has-text('now the tests')")
    assert page.evaluate("location.hash") == "#t2"
    assert tab.wrong == []


def test_search_opens_what_it_finds(past, printed, tmp_path, chromium):
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path))
    page = tab.page
    page.keyboard.press("/")
    page.keyboard.type("okapi found")
    page.wait_for_selector("#hits:text-is('1 of 1')")
    assert page.is_visible("text=one okapi found"), "in a sub-agent within a call, both of which were closed"
    assert page.evaluate("CSS.highlights.get('found').size") == 1
    page.fill("#search", "zebra")
    page.wait_for_selector("#hits:text-is('1 of 2')")
    page.press("#search", "Enter")
    assert page.text_content("#hits") == "2 of 2"
    page.press("#search", "Escape")
    assert page.text_content("#hits") == "" and page.input_value("#search") == ""
    page.fill("#search", "no such words")
    page.wait_for_selector("#hits:text-is('nothing')")
    assert tab.wrong == []


def test_filters_and_keys(past, printed, tmp_path, chromium):
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path))
    page = tab.page
    page.click("button:has-text('Thinking')")
    assert tab.shown("details.thinking") == 0 and tab.shown("details.call") == 3
    page.click("button:has-text('Only failures')")
    assert (tab.shown("main .stream > .turn > .step"), tab.shown("details.call")) == (1, 1)
    page.click("button:has-text('Only you')")
    assert tab.shown("main .stream > .turn > .step") == 2
    page.click("button:has-text('Only you')")
    assert tab.shown("main .stream > .turn > .step") == 6
    page.click("h1")
    for key, wanted in (("j", "s1"), ("j", "s2"), ("j", "s3"), ("k", "s2")):
        page.keyboard.press(key)
        assert page.evaluate("document.querySelector('.current').id") == wanted
    page.keyboard.press("e")
    assert page.is_visible("text=one okapi found")
    page.keyboard.press("c")
    assert tab.shown("main details[open]") == 0
    assert tab.wrong == []


def test_every_control_is_reached_by_the_keyboard(past, printed, tmp_path, chromium):
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path))
    seen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        told = (
            "(e => e.id || e.className || e.tagName + (e.closest('details')?.className || ''))(document.activeElement)"
        )
        seen.add(tab.page.evaluate(told))
    assert {"skip", "search", "next", "expand", "collapse", "no", "SUMMARYcall"} <= seen


def test_without_scripts_it_can_be_read(past, printed, tmp_path, chromium):
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path), java_script_enabled=False)
    page = tab.page
    assert not page.is_visible(".bar") and page.is_visible("text=please mend the parser")
    page.click("details.call:has(> summary .tool:text-is('Task')) > summary")
    page.click("details.agent > summary")
    assert page.is_visible("text=one okapi found")


def test_nothing_hostile_runs(past, printed, tmp_path, chromium):
    """Everything is opened, pointed at, focused, clicked and searched for: no dialog, no request, no console line."""
    hostile.fill(past, ONE)
    tab = Tab(chromium, written(past, printed, tmp_path))
    page = tab.page
    assert page.title() != "owned" and not tab.wrong
    page.click("#expand")
    for summary in page.query_selector_all("main summary"):
        if summary.is_visible():
            summary.hover()
            summary.focus()
    for link in page.query_selector_all("main a, nav a"):
        assert link.get_attribute("href").startswith("#")
    page.fill("#search", "</script>")
    page.wait_for_selector("#hits:has-text(' of ')")
    page.fill("#search", '"><img src=x')
    page.wait_for_timeout(300)
    tags = "script,img,iframe,object,embed,link,base,form"
    assert page.evaluate(f"document.querySelectorAll('{tags}').length") == 1, "our one script"
    assert page.title() != "owned" and page.url.startswith(tab.file.as_uri())
    assert tab.wrong == []


def test_the_policy_stops_what_escaping_would_miss(tmp_path, chromium, past):
    """A page with the attack put in unescaped, as if we had forgotten it: the policy alone lets nothing of it run."""
    from bashgym.claude_code import files, session

    past.says("MARKER").save(ONE)
    (ref,) = files.sessions(past.projects)
    (html,) = render.pages(view(session.read(ref), [], "gold"), Settings(raw=True))
    file = tmp_path / "page.html"
    attacks = [one for one in hostile.ATTACKS if "refresh" not in one and "</style>" not in one]
    file.write_text(html.replace('dir="auto">MARKER</div>', f'dir="auto">{" ".join(attacks)}</div>'), errors="replace")
    tab = Tab(chromium, file)
    tab.page.wait_for_timeout(300)
    assert "onerror" in tab.page.content() and tab.page.title() != "owned"
    assert tab.wrong and all("Content Security Policy" in one for one in tab.wrong if not one.startswith("request"))
    assert not [one for one in tab.wrong if one.startswith(("dialog", "popup"))]


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_runs_off_the_page(past, printed, tmp_path, chromium, width):
    hostile.fill(past, ONE, f"{'W' * 3000} <b>x</b>")
    tab = Tab(chromium, written(past, printed, tmp_path), viewport={"width": width, "height": 900})
    for open_all in (False, True):
        if open_all:
            tab.page.click("#expand")
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(past, printed, tmp_path, chromium, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text, measured on what the browser computed."""
    session_with_everything(past)
    tab = Tab(chromium, written(past, printed, tmp_path), color_scheme=scheme)
    tab.page.click("#expand")
    weak = tab.page.evaluate(CONTRAST)
    assert weak == []


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => { for (let at = node; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor); if (colour[3] > 250) return colour; }
    return rgba(getComputedStyle(document.body).backgroundColor); };
  const weak = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!own || !node.checkVisibility() || node.closest('script, style, .off, .current')) continue;
    const a = light(rgba(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${node.textContent}`);
  }
  return weak;
}"""


def test_two_thousand_steps_stay_usable(past, tmp_path, chromium):
    """Loaded in at most 5 s, a search in at most 2 s, on a machine that other tests keep busy."""
    from bashgym.claude_code import files, session

    for number in range(1000):
        past.says(f"turn {number}") if number % 25 == 0 else None
        past.calls(f"m{number}", f"t{number}", "Bash", {"command": f"make part-{number}"})
        past.result(f"t{number}", "\\n".join(f"line {line} of {number}" for line in range(60)))
        past.reply(f"n{number}", text(f"part {number} is made"))
    past.save(ONE)
    (ref,) = files.sessions(past.projects)
    (html,) = render.pages(view(session.read(ref), [], "gold"), Settings(raw=True))
    file = tmp_path / "page.html"
    file.write_text(html)
    tab = Tab(chromium, file)
    page = tab.page
    timing = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    assert timing["loadEventEnd"] < 5000
    assert page.evaluate("document.querySelectorAll('.step').length") == 2040
    spent = page.evaluate(
        "() => new Promise((done) => { const box = document.getElementById('search'), begun = performance.now();"
        " box.value = 'line 7 of 999'; box.dispatchEvent(new Event('input'));"
        " const look = () => document.getElementById('hits').textContent.includes(' of ')"
        " ? done(performance.now() - begun) : requestAnimationFrame(look); look(); })"
    )
    assert spent < 2000
    assert page.is_visible("text=line 7 of 999")


def test_the_index_filters(past, printed, tmp_path, chromium):
    for number, words in enumerate(("about zebras", "about okapis")):
        past.says(words).reply(f"m{number}", text("x")).save(f"{number}{ONE[1:]}")
    printed("traces", "report", "--all", "--raw", "--out", str(tmp_path / "pages"))
    tab = Tab(chromium, tmp_path / "pages" / "index.html")
    page = tab.page
    page.keyboard.press("/")
    page.keyboard.type("okapi")
    page.wait_for_selector("#hits:text-is('1 found')")
    assert tab.shown("tr[data-row]") == 1
    page.click("tr:not([hidden]) a")
    assert "about okapis" in page.text_content("h1")
    page.click("text=All sessions")
    assert tab.shown("tr[data-row]") == 2
    assert tab.wrong == []
