"""The report page: hostile text stays text, what is missing is said, nothing is fetched, the sentence is honest."""

import copy
import math
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from bashgym.manifest import Manifest
from bashgym.report import chart
from bashgym.report.outcome import outcome
from bashgym.stages.report import render, run_report

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img onerror=alert(1) src=x>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</style><svg onload=alert(1)>",
    "\x1b[31m\u202ethe other way\x00\ud800",
)
LOCK = "# Written by bashgym; the resolved recipe of this run.\nrecipe: quickstart\nsettings:\n  seed: 42\n"


def stage(
    name: str, taken: int | None, given: int | None, seconds: float, dropped: dict[str, int], **more: Any
) -> dict:
    entry = {"name": name, "in": taken, "out": given, "dropped": dropped, "seconds": seconds, "evidence": "measured"}
    return entry | more


def score(metric: str, role: str, value: float | None, stderr: float | None = None, **more: Any) -> dict[str, Any]:
    entry = {"benchmark": "lm_eval", "metric": metric, "role": role, "value": value, "evidence": "measured", "n": 52}
    return entry | {"stderr": stderr, "higher_is_better": True, "note": ""} | more


def all_scores() -> list[dict[str, Any]]:
    lower = {"higher_is_better": False}
    return [
        score("tool_accuracy", "base", 0.0288, 0.0232),
        score("byte_perplexity", "base", 8.317, 0.041, **lower),
        score("arguments_exact", "base", 0.0, 0.0),
        score("tool_accuracy", "trained", 0.7115, 0.0634),
        score("byte_perplexity", "trained", 1.284, 0.097, **lower),
        score("arguments_exact", "trained", 0.1346, 0.0478),
        score("tool_accuracy", "most_frequent_tool", 0.3462, 0.0666),
        score("tool_accuracy", "chance", 0.0833, 0.0387, note="one of twelve tools, drawn evenly"),
    ]


def all_stages() -> list[dict[str, Any]]:
    left_out = {"class unverified": 61, "class failed": 18, "nothing to learn from": 4}
    cut = {"abandoned branch": 37, "turn longer than the sequence length": 11, "context window without a reply": 2}
    return [
        stage("source", 214, 231, 12.481, {"malformed line, kept aside": 3}),
        stage("sanitize", 231, 231, 48.22, {}, replaced=2731),
        stage("judge", 231, 231, 3.117, {}, classes={"gold": 96, "silver": 56, "unverified": 61, "failed": 18}),
        stage("curate", 231, 148, 0.041, left_out, splits={"train": 118, "test": 19}, how=["split by session"]),
        stage("format", 391, 402, 1.93, cut, rows={"train": 318, "validation": 38, "test": 46}),
        stage("model", 318, 1, 2.2, {}, parameters=4_213_760, vocab_size=4096),
        stage("training", 318, 1, 252.7, {}, steps=300, strategy="sft"),
        stage("benchmark lm_eval", 46, 52, 66.4, {}),
        stage("register", 1, 1, 0.31, {}, registry="mlflow"),
    ]


def finished() -> dict[str, Any]:
    """The manifest of a run that went well, as the stages write it."""
    digest = "3f6c1b9a8d2e4f70516273849a5bc6d7e8f90123456789abcdef0123456789ab"
    redactions = {"API_KEY": 41, "EMAIL": 388, "GITHUB_TOKEN": 7, "HOST": 212, "IP_ADDRESS": 96, "PASSWORD": 12}
    lineage = {
        "run": "quickstart-20260311-091402-5f1a",
        "run_folder": "/home/ada/runs/quickstart",
        "recipe": "quickstart",
    }
    return {
        "run": "quickstart-20260311-091402-5f1a",
        "recipe": "quickstart",
        "description": "example sessions -> a small model trained, measured and registered on the CPU",
        "overrides": ["source=claude_code", "training.learning_rate=3e-4", "cloud=local"],
        "lock_sha256": digest,
        "bashgym": "0.1.0",
        "state": "finished",
        "error": None,
        "started": "2026-03-11T09:14:02Z",
        "finished": "2026-03-11T09:20:31Z",
        "folder": "/home/ada/runs/quickstart",
        "sessions": {
            "bytes": 48_213_771,
            "lines": 96_114,
            "malformed": 3,
            "events": 1_204,
            "reused": 180,
            "sha256": digest[::-1],
            "tokens": {"input_tokens": 18_204_551, "output_tokens": 912_003, "replies": 6_120},
        },
        "redactions": redactions | {"USER": 1904, "PERSON": 58, "PHONE": 4, "PRIVATE_KEY": 9},
        "verdicts": {"failed": 18, "gold": 96, "silver": 56, "unverified": 61},
        "stages": all_stages(),
        "dataset": {"sha256": digest[1:] + "0", "rows": {"train": 318, "validation": 38, "test": 46}, "schema": "chat"},
        "training": {
            "path": "/home/ada/runs/quickstart/output",
            "steps": 300,
            "first_loss": round(curves()[0]["metrics"]["loss"], 4),
            "last_loss": round(curves()[-2]["metrics"]["loss"], 4),
            "seconds": 252.7,
            "evidence": "measured",
        },
        "scores": all_scores(),
        "model": {
            "name": "quickstart",
            "version": "3",
            "path": "/home/ada/runs/quickstart/output",
            "lineage": lineage | {"lock_sha256": digest, "base": "scratch", "checkpoint_sha256": digest[2:] + "ff"},
        },
    }


def curves(steps: int = 300) -> list[dict[str, Any]]:
    """A loss that falls and wobbles, as the trainer logs it."""
    events = []
    for step in range(1, steps + 1):
        loss = 0.85 + 7.5 * math.exp(-step / (steps / 6)) + 0.12 * math.sin(step * 1.7)
        rate = 3e-4 * min(step / 20, 0.5 * (1 + math.cos(math.pi * step / steps)))
        metrics = {"loss": loss, "grad_norm": 1.1, "learning_rate": rate}
        events.append({"event": "log", "step": step, "max_steps": steps, "metrics": metrics})
        if step % (steps // 10) == 0:
            held_out = {"eval_loss": 1.25 + 6.9 * math.exp(-step / (steps / 6))}
            events.append({"event": "eval", "step": step, "max_steps": steps, "metrics": held_out})
    return events


def failed() -> dict[str, Any]:
    """The manifest of a run that ended in its training."""
    content = finished()
    for key in ("finished", "folder", "training", "scores", "model"):
        del content[key]
    content["stages"] = content["stages"][:6]
    error = "training failed: the loss became NaN at step 41; the whole log: /home/ada/runs/quickstart/logs/train.log"
    return content | {"state": "failed", "error": error}


def poor() -> dict[str, Any]:
    """A model that learned nothing that its controls do not know."""
    content = finished()
    values = {"base": 0.3269, "trained": 0.3462, "most_frequent_tool": 0.3462, "chance": 0.0833}
    rows = [score("tool_accuracy", role, value, 0.066) for role, value in values.items()]
    return content | {"scores": [*rows, score("byte_perplexity", "trained", 4.2, 0.2, higher_is_better=False)]}


ALLOWED = set(
    re.findall(
        r"\w+",
        "html head meta title style body main header footer section div p h1 h2 h3 b i u small span ul ol li dl dt dd "
        "table thead tbody tr th td svg g line text path circle figure code pre details summary",
    )
)
OUTSIDE = ("http://", "https://", "src=", "@import", "url(", "<link", "<script", "href=", "//cdn")


class Tags(HTMLParser):
    """Every element and attribute a browser would see, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.pieces: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.pieces))


def poisoned(value: Any, text: str, keep: tuple[str, ...] = ()) -> Any:
    """`value` with every text in it replaced; keys too, where they come from a session or a plugin."""
    if isinstance(value, dict):
        free = not any(isinstance(one, dict | list) for one in value.values()) and "evidence" not in value
        return {
            (f"{key} {text}" if free else key): (one if key in keep else poisoned(one, text, keep))
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [poisoned(one, text, keep) for one in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("keep", [(), ("state", "evidence", "role", "name", "started", "finished")])
def test_hostile_text_stays_text(text: str, keep: tuple[str, ...]) -> None:
    for content in (finished(), failed(), poor()):
        bad = poisoned(content, text, keep)
        page = render(bad, curves(40), f"{LOCK}bad: {text}\n")
        seen = Tags(page)
        assert seen.names <= ALLOWED
        assert not [one for one in seen.attributes if one[1].startswith("on") or one[1] in {"src", "href"}]
        shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
        assert re.sub(r"\s+", " ", shown) in seen.text
        assert not any(char in page for char in "\x1b\x00\u202e\ud800")
        page.encode()  # nothing in it that a file cannot hold


def test_every_place_is_poisoned() -> None:
    """The test above is worth something: its text reaches each part of the page."""
    page = Tags(render(poisoned(finished(), "POISON", ("state", "evidence", "role")), curves(40), "lock: POISON")).text
    for near in (
        "class unverified POISON",
        "USER POISON",
        "gold POISON",
        "train POISON",
        "run folder POISON",
        "lock: POISON",
    ):
        assert near in page, near


def test_endless_text_is_cut() -> None:
    page = render(finished() | {"description": "x" * 1_000_000}, curves(), LOCK)
    assert len(page) < 80_000
    assert "998,000 more characters" in page


@pytest.mark.parametrize(
    "content", [finished(), failed(), poor(), {}, {"stages": []}], ids=["good", "failed", "poor", "empty", "new"]
)
def test_nothing_is_fetched_and_the_policy_is_there(content: dict[str, Any]) -> None:
    page = render(content, curves(), LOCK)
    assert not [word for word in OUTSIDE if word in page]
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("meta", "content", policy) in Tags(page).attributes
    assert render(copy.deepcopy(content), copy.deepcopy(curves()), LOCK) == page


def without(content: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, one in items for path in [(*before, key), *paths(one, (*before, key))]]


def test_any_part_may_be_missing_or_null() -> None:
    whole = finished()
    for path in paths(whole):
        render(without(whole, path), curves(10), LOCK)
        changed = copy.deepcopy(whole)
        place = changed
        for key in path[:-1]:
            place = place[key]
        for odd in (None, [], {}, "x", float("nan")):
            place[path[-1]] = odd
            render(changed, curves(10), LOCK)


def test_what_is_missing_is_said() -> None:
    page = render({}, [], "").partition("<body>")[2].partition("<footer>")[0]
    assert page.count("missing") > 20 and 'class="badge measured"' not in page
    assert not re.search(r"\d", Tags(page).text)
    page = Tags(render(failed(), curves()[:44], LOCK)).text
    assert "the run did not come this far" in page
    assert "The run failed after its stage “model”: training failed: the loss became NaN" in page
    assert "No score of the trained model was measured" in page
    page = Tags(render(failed() | {"state": "dataset written", "error": None}, [], LOCK)).text
    assert "ended there, as it was told to; nothing was trained" in page and "The run failed" not in page
    assert "None of these yet" in page and "loss curve missing" not in page


def test_a_value_without_evidence_is_not_shown() -> None:
    rows = [
        score("tool_accuracy", "trained", 0.98765, 0.01, evidence="missing"),
        score("tool_accuracy", "base", 0.03, 0.01),
    ]
    page = render(finished() | {"scores": rows}, [], LOCK)
    assert "98.8" not in page and "0.98765" not in page
    assert outcome(finished() | {"scores": rows}).label == "Nothing measured"


def told(*rows: dict[str, Any], **more: Any) -> tuple[str, str, str]:
    result = outcome({**finished(), "scores": list(rows), **more})
    return result.tone, result.label, result.sentence.replace("\N{NO-BREAK SPACE}", " ")


def test_the_sentence_of_a_run_that_went_well() -> None:
    tone, label, sentence = told(*all_scores())
    assert (tone, label) == ("good", "Better than its base and every control")
    assert sentence == (
        "The trained model picked the right next tool in 71 % of 52 held-out turns; "
        "its base 3 %, the most frequent tool 35 %, the control “chance” 8 %."
    )


@pytest.mark.parametrize(
    ("trained", "base", "control", "tone", "said"),
    [
        (0.70, 0.80, None, "unclear", ""),
        (0.30, 0.80, None, "bad", "It did worse than its base."),
        (0.30, 0.30, None, "bad", "It did not beat its base."),
        (0.30, 0.31, None, "bad", "It did not beat its base."),
        (
            0.34,
            0.30,
            None,
            "unclear",
            "Its lead over its base is within the statistical error, so it is not a proven gain.",
        ),
        (0.70, 0.10, 0.95, "bad", "It did worse than the most frequent tool."),
        (0.70, 0.10, 0.70, "bad", "It did not beat the most frequent tool."),
        (0.70, 0.10, 0.65, "unclear", "Its lead over the most frequent tool is within the statistical error"),
        (0.70, 0.10, 0.20, "good", ""),
        (0.70, None, 0.20, "none", "It cannot be compared with its base: not measured."),
    ],
)
def test_the_sentence_claims_no_more_than_the_figures(
    trained: float, base: float | None, control: float | None, tone: str, said: str
) -> None:
    rows = [score("tool_accuracy", "trained", trained, 0.05), score("tool_accuracy", "base", base, 0.05)]
    rows += [score("tool_accuracy", "most_frequent_tool", control, 0.05)] if control is not None else []
    found = told(*rows)
    if said:
        assert said in found[2]
    if (trained, base) == (0.70, 0.80):
        tone = "bad"  # below its base, if only by the error: not a gain
    assert found[0] == tone, found


def test_lower_may_be_better() -> None:
    lower = {"higher_is_better": False}
    rows = [score("byte_perplexity", "trained", 1.2, 0.1, **lower), score("byte_perplexity", "base", 8.0, 0.1, **lower)]
    assert told(*rows)[:2] == ("good", "Better than its base")
    assert (
        "where lower is better, the trained model scored 1.2 over 52 held-out examples; its base 8." in told(*rows)[2]
    )
    rows[0]["value"] = 9.5
    assert told(*rows)[:2] == ("bad", "Worse than its base")


def test_unlike_evidence_is_not_compared() -> None:
    rows = [
        score("tool_accuracy", "trained", 0.7, 0.05),
        score("tool_accuracy", "base", 0.1, 0.05, evidence="simulated"),
    ]
    tone, _, sentence = told(*rows)
    assert tone != "good" and "figures that rest on other evidence" in sentence
    page = render(finished() | {"scores": rows}, curves(), LOCK)
    assert "no best is named" in page and 'class="mark"' not in page
    rows[1]["evidence"] = rows[0]["evidence"] = "simulated"
    assert "These figures are simulated, not measured." in told(*rows)[2]


def test_weak_points_are_named() -> None:
    few = [score("tool_accuracy", "trained", 0.9, 0.01, n=8), score("tool_accuracy", "base", 0.1, 0.01, n=8)]
    assert "So few examples (8) are a hint, not a proof." in told(*few)[2]
    bare = [score("tool_accuracy", "trained", 0.9), score("tool_accuracy", "base", 0.1)]
    assert "The statistical error is missing." in told(*bare)[2]
    alone = [score("tool_accuracy", "trained", 0.9, 0.01)]
    assert told(*alone)[1] == "No base to compare with" and "Its base was not measured." in told(*alone)[2]
    mixed = [*all_scores(), score("style", "trained", 0.2, 0.05), score("style", "base", 0.5, 0.05)]
    assert told(*mixed)[:2] == ("unclear", "Better on the main score, not on every one")
    assert "On “style” it shows no clear lead over its base or a control." in told(*mixed)[2]
    none = [score("", "trained", None, evidence="missing", note="no test rows", n=0)]
    assert "No score of the trained model was measured (no test rows)" in told(*none)[2]


def test_figures_that_differ_are_written_differently() -> None:
    sentence = told(score("tool_accuracy", "trained", 0.712, 0.001), score("tool_accuracy", "base", 0.709, 0.001))[2]
    assert "71.2 %" in sentence and "70.9 %" in sentence
    sentence = told(score("tool_accuracy", "trained", 0.9991, 0.0001), score("tool_accuracy", "base", 0.0, 0.0))[2]
    assert "100 %" not in sentence and "99.9 %" in sentence


def test_the_best_is_marked_and_every_score_has_its_evidence() -> None:
    page = render(finished(), curves(), LOCK)
    table = page[page.index('id="scores"') : page.index('id="model"')]
    cells = re.findall(r'<td class="num( best)?" data-role="([^"]*)">(.*?)</td>', table, re.S)
    assert [role for best, role, _ in cells if best] == ["trained"] * 3
    for _, _, cell in cells:
        assert 'class="badge ' in cell or "no such control" in cell
    assert "↓ lower is better" in table and "±" in table and "n&nbsp;52" in table


def test_the_page_shows_what_the_manifest_holds() -> None:
    page = Tags(render(finished(), curves(), LOCK)).text
    for shown in (
        "214 sessions",
        "61 class unverified",
        "4 min 13 s",
        "1,904",
        "318",
        "quickstart-20260311-091402-5f1a",
    ):
        assert shown in page, shown
    assert "bashgym run recipe=quickstart source=claude_code training.learning_rate=3e-4 cloud=local" in page
    assert "seed: 42" in page
    odd = finished() | {"overrides": ["source.claude_code.path=/tmp/my sessions; rm x"]}
    assert "recipe=quickstart 'source.claude_code.path=/tmp/my sessions; rm x'" in Tags(render(odd, [], LOCK)).text


def test_the_chart_reads_both_shapes_of_events_and_leaves_gaps() -> None:
    nested = chart.series([{"event": "log", "step": 1, "metrics": {"loss": 2.0}}], "log", "loss")
    flat = chart.series([{"event": "log", "step": 1, "loss": 2.0, "lr": 0.1}], "log", "loss")
    assert nested == flat == [(1, 2.0)]
    drawn = chart.draw([("loss", [(1, 4.0), (2, 3.0), (3, None), (4, 2.0), (5, 1.0)])])
    assert drawn is not None
    line = drawn.lines[0]
    assert [piece[0] for piece in line.path] == ["M", "L", "M", "L"]
    assert (line.first, line.last, line.broken) == (4.0, 1.0, 1)
    assert line.ends == ((0.0, 0.0), (100.0, 100.0))
    assert [tick.label for tick in drawn.up] == ["1", "2", "3", "4"]
    assert drawn.across[-1].label == "5" and drawn.across[-1].at == 100
    assert chart.draw([("loss", [(1, None)]), ("other", [])]) is None


def test_a_long_line_keeps_its_spikes() -> None:
    points: list[chart.Point] = [(step, 1.0) for step in range(20_000)]
    points[7_777] = (7_777, 50.0)
    points[12_345] = (12_345, -3.0)
    kept = chart.thinned(points)
    assert len(kept) <= chart.DRAWN + 2
    assert {points[0], points[7_777], points[12_345], points[-1]} <= set(kept)


def test_run_report_writes_the_file_and_hides_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    manifest = Manifest(tmp_path / "manifest.json")
    manifest.update(**finished())
    (tmp_path / "recipe.lock.yaml").write_text(f"{LOCK}path: /home/ada/x\nother: /home/adam/x\n")
    (tmp_path / "metrics.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in curves()))
    run = SimpleNamespace(folder=tmp_path, manifest=manifest)
    page = run_report(run)  # type: ignore[arg-type]
    text = page.read_text()
    assert page == tmp_path / "report.html" and text.startswith("<!doctype html>")
    assert "/home/ada/" not in text and "~/runs/quickstart" in text and "/home/adam/x" in text
    assert "training loss" in text and "seed: 42" in text
    run_report(run)  # type: ignore[arg-type]
    assert page.read_text() == text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "manifest.json",
        "metrics.jsonl",
        "recipe.lock.yaml",
        "report.html",
    ]


def browser(folder: Path, *arguments: str) -> str:
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not found:
        pytest.skip("no chromium here")
    quiet = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    quiet += "--disable-component-update"
    command = [
        found,
        *quiet.split(),
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.browser
def test_a_browser_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(finished(), curves(), LOCK))
    dom = browser(tmp_path, "--dump-dom", file.as_uri())
    assert "picked the right next tool" in dom and dom.count("<circle") == 6
    picture = tmp_path / "page.png"
    browser(tmp_path, f"--screenshot={picture}", "--window-size=1400,1300", file.as_uri())
    assert picture.stat().st_size > 50_000


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_runs_off_the_page_and_nothing_hostile_runs(tmp_path: Path, width: int) -> None:
    """Measured in a frame of that width; a hostile page would leave its mark on the frame's document."""
    attack = f"{HOSTILE[0]}{HOSTILE[1]}{'W' * 300}".replace("alert(1)", "document.title='owned'")
    for name, content in {"good": finished(), "hostile": poisoned(finished(), attack, ("state", "evidence"))}.items():
        file = tmp_path / f"{name}.html"
        page = render(content, curves(), LOCK).replace("&", "&amp;").replace('"', "&quot;")
        file.write_text(
            f'<iframe id=f style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>'
            "<p id=told></p><script>f.onload=()=>{const d=f.contentDocument;"
            "told.textContent=[d.documentElement.scrollWidth,"
            "d.querySelectorAll('script,img,iframe,object').length,d.title=='owned'].join(' ')}</script>"
        )
        dom = browser(tmp_path, "--dump-dom", "--window-size=1600,1000", file.as_uri())
        told_by_page = re.search(r'<p id="told">([^<]*)</p>', dom)
        assert told_by_page and told_by_page[1] == f"{width} 0 false", name
