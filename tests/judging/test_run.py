"""The semantic judge in a whole run: what leaves is sanitized, the canaries stay, and its word is in the verdicts."""

import json
import re
from pathlib import Path

import pytest

from tests.fakes.model_server import KEY, ModelServer
from tests.judge.test_semantic import levels

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.slow


def by_tests(prompt: str) -> dict:
    seen = re.findall(r"\d+ (passed|failed)", prompt)
    return levels(4 if seen and seen[-1] == "passed" else 1)


def test_a_run_with_a_model_as_judge(bashgym, tmp_path):
    with ModelServer(by_tests) as server:
        endpoint = f"{{url: '{server.openai}', protocol: openai, model: small, key_env: MODEL_KEY}}"
        words = ["judge=[outcome,semantic]", f"judge.semantic.endpoints=[{endpoint}]", "--until", "dataset", "--json"]
        home = tmp_path / "home"
        done = bashgym("run", "recipe=quickstart", *words, MODEL_KEY=KEY, BASHGYM_HOME=str(home))
        assert done.returncode == 0, done.stderr
        first = len(server.requests)
        sent = json.dumps(server.requests, ensure_ascii=False)
        again = bashgym("run", "recipe=quickstart", *words, "--fresh", MODEL_KEY=KEY, BASHGYM_HOME=str(home))
        assert again.returncode == 0 and len(server.requests) == first, "what was judged is not asked again"
    manifest = json.loads(done.stdout)
    sessions = sum(manifest["verdicts"].values())
    assert sessions * 0.9 <= first <= sessions, "one question a trace; the canaries' session is asked about by nobody"
    planted = json.loads((EXAMPLES / "planted.json").read_text())
    private = [one["value"] for one in planted if one["kind"] not in ("host", "company")]
    assert len(private) > 20 and [value for value in private if value in sent] == []
    assert KEY not in sent
