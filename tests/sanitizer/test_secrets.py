"""Secrets of every shape, in every place of a trace; placeholders, ids and code stay."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym import trace as traces
from bashgym.errors import PrivacyError
from bashgym.registry import load
from bashgym.scan import Sanitized

RULES = Path(__file__).resolve().parents[2] / "conf" / "sanitizer" / "rules"
# Random, of nobody: written for this file
GITHUB = "ghp_" + "Zq8Lw3Rk7Vn2Xc5Tb9Hj4Md6Pf1Sg0YuAeDo"
ANTHROPIC = "sk-ant-api03-" + "x9Kf2LmQ7wRt4YvBn8ZcJh3PdGs6TaEu1XoWi5Nr0Vy" * 2 + "b7HqMk_-AA"
UNKNOWN = "kD83hfPq0ZmXwB4tRv71Lc"  # of a provider that nobody wrote a rule for
HEXADECIMAL = "9f4c1d2ab77e0f1c6f0a3b5de8a91c02b7d4e6f8"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + ("Q8fJx2Lk9PvZr4Tn7WcYb1Hd6Mg3Se5Ua0Io" * 2 + "\n") * 6
    + "-----END RSA PRIVATE KEY-----"
)
SEED = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def wrapped(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def survives(secret: str, text: str) -> bool:
    """A contiguous piece of 16 characters (or half, where it is shorter) is still there."""
    size = min(len(secret), max(8, min(16, len(secret) // 2)))
    return any(secret[at : at + size] in text for at in range(len(secret) - size + 1))


@pytest.mark.parametrize("name", ["secrets", "pii", "identity"])
def test_every_rule_matches_its_examples(name: str, built: dict[str, Any]) -> None:
    for rule in yaml.safe_load((RULES / f"{name}.yaml").read_text(encoding="utf-8"))["rules"]:
        for example in rule["examples"]:
            found = {match.rule for match in built[name].rules.find([example])}
            assert rule["id"] in found, f"{rule['id']}: {example}"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"export GITHUB_TOKEN={GITHUB}", GITHUB),
        (f"nothing around {ANTHROPIC} says so", ANTHROPIC),
        (f'value = "{UNKNOWN}"', UNKNOWN),
        (f"WANDB_API_KEY={HEXADECIMAL}", HEXADECIMAL),
        ("postgresql://svc_ana:kestrel-99x@db-04.internal:5432/prod", "kestrel-99x"),
        ("curl -H 'Authorization: Bearer kestrel0horse1' https://host", "kestrel0horse1"),
        ("https://host/cb?user=ana&access_token=horse77kestrel00&x=1", "horse77kestrel00"),
        ('db = connect(password="kestrel")', "kestrel"),
        ("DB_PASSWORD=Winter4821!xQ", "Winter4821!xQ"),
        (PEM, PEM.splitlines()[3]),
        ("\n".join(f"{n:6d}→{line}" for n, line in enumerate(PEM.splitlines(), 1)), PEM.splitlines()[3]),
        (PEM.replace("\n", "\\n"), PEM.splitlines()[3]),
        ("\n".join(PEM.splitlines()[:5]), PEM.splitlines()[3]),
        (f"seed: {SEED}", "wave sausage worth useful"),
        (f"KEY=\x1b[32m{GITHUB[:20]}\x1b[0m\x1b[32m{GITHUB[20:]}\x1b[0m", GITHUB[20:]),
        (f"  token: {wrapped(GITHUB)}", wrapped(GITHUB)),
        (f"blob {wrapped(f'k: {GITHUB} x')}", wrapped(GITHUB)[8:40]),  # three characters before it: the same Base64
        (json.dumps({"outer": json.dumps({"token": HEXADECIMAL})}), HEXADECIMAL),
        ("machine api.host login me password kestrel-99x", "kestrel-99x"),
        ("<apiToken>\n  szgfwgbqwcgsmtuv8bnmbvo\n</apiToken>", "szgfwgbqwcgsmtuv8bnmbvo"),
        (f"https://hooks.slack.com/services/T0AB/B0CD/{UNKNOWN}", UNKNOWN),
        (f"é\U0001f600\ud800 {GITHUB} é", GITHUB),
    ],
)  # fmt: skip
def test_a_secret_does_not_survive(text: str, secret: str, cleaned_text: Callable[..., str]) -> None:
    assert not survives(secret, cleaned_text(text, "secrets"))


@pytest.mark.parametrize(
    "text",
    [
        "OPENAI_API_KEY=<your-key-here>",
        "api_key: ${OPENAI_API_KEY}",
        'token: "{{ secrets.GITHUB_TOKEN }}"',
        'password = getpass.getpass("Password: ")',
        "token = tokenizer.encode(text)",
        "max_tokens=4096",
        "pad_token_id: 128001",
        "def get_token(self) -> str:",
        "postgresql://user:password@localhost:5432/db",
        f"commit {HEXADECIMAL}",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        'integrity: "sha512-Q5nV1y9sJrGkq0m8sXcB7Zt5wF2a3dK4LhJpR6uYvT0eXoI1bNcM9gA8fSzWqDkPlCjVxBhEyTnUrO3iGm7ZA=="',
        "tool call toolu_01A9bXkT5vYq3nRzC7dEfGhJ of msg_01XFDUDYJgAACzvnptvVoYEL",
        "AbstractSingletonProxyFactoryBeanConfigurationProviderImpl",
        "/usr/local/lib/python3.11/site-packages/torch/nn/modules/module.py",
        "meta-llama/Llama-3.2-1B-Instruct",
        "key: 550e8400-e29b-41d4-a716-446655440000",
        "aHR0cHM6Ly93d3cuZXhhbXBsZS5jb20vaW5kZXguaHRtbA==",
        "make sure that this test will run before the next one can start again today",
    ],
)
def test_what_is_no_secret_stays(text: str, cleaned_text: Callable[..., str]) -> None:
    assert cleaned_text(text, "secrets") == text


def planted(secret: str) -> traces.Trace:
    """A trace with `secret` in its message, thinking, arguments (key and value), results, folder, events and strays."""
    call = traces.ToolCall(tool_call_id="toolu_01A9bXkT5vYq3nRzC7dEfGhJ", function_name="Bash",
                           arguments={"command": f"echo {secret}", secret: 1, "in": [{"T": secret}]})  # fmt: skip
    result = traces.ObservationResult(source_call_id=call.tool_call_id, content=f"{secret}\n")
    result.extra.bashgym.raw = {"stdout": secret, "stderr": "", "files": [{"name": secret}]}
    step = traces.Step(step_id=1, source="agent", message=f"it is {secret}", reasoning_content=f"hm, {secret}",
                       tool_calls=[call],
                       observation=traces.Observation(results=[result]),
                       timestamp="2025-11-03T10:22:33.123Z", model_name="claude-sonnet-4-5")  # fmt: skip
    info = traces.TraceInfo(source=traces.SourceInfo(kind="claude_code"),
                            project=traces.ProjectInfo(cwd=f"/w/{secret}"),
                            events=[traces.Event(type="hook", raw={"deep": [[{"x": secret}]]})],
                            malformed=[traces.Malformed(file=0, line_no=3, reason="", raw=f'{{"{secret}')])  # fmt: skip
    return traces.Trace(session_id="4f9c1a2e-77aa-4b1c-9d3e-0a1b2c3d4e5f", agent=traces.Agent(name="claude-code"),
                        steps=[step], extra=traces.TraceExtra(bashgym=info))  # fmt: skip


@pytest.mark.parametrize("secret", [GITHUB, ANTHROPIC, UNKNOWN])
def test_no_place_of_a_trace_keeps_a_secret(secret: str, clean: Callable[..., Sanitized]) -> None:
    before = planted(secret)
    result = clean(traces.to_builtins(before))
    after = traces.from_builtins(result.value)
    assert not survives(secret, json.dumps(result.value))
    assert sum(result.counts.values()) >= 11
    assert (after.session_id, after.steps[0].timestamp) == (before.session_id, before.steps[0].timestamp)
    calls, results = after.steps[0].tool_calls or [], after.steps[0].results()
    assert calls[0].tool_call_id in results and calls[0].tool_call_id == "toolu_01A9bXkT5vYq3nRzC7dEfGhJ"
    assert after.steps[0].source == "agent" and after.steps[0].model_name == "claude-sonnet-4-5"


def test_the_key_of_a_value_makes_it_a_secret(clean: Callable[..., Sanitized]) -> None:
    value = {"host": "db", "password": "correct horse", "api_token": "kestrel1", "max_tokens": "4096", "token": "<pad>"}
    after = clean(value, "secrets").value
    assert after["password"].startswith("PASSWORD_") and after["api_token"].startswith("TOKEN_")
    assert {key: after[key] for key in ("host", "max_tokens", "token")} == {
        "host": "db",
        "max_tokens": "4096",
        "token": "<pad>",
    }


def test_counts_say_which_rule(clean: Callable[..., Sanitized]) -> None:
    result = clean([f"x {GITHUB} y"], "secrets")
    assert result.counts == {"API_KEY": 1}
    assert list(result.by_rule) == ["secrets/betterleaks.github-pat"]


PIECES = st.sampled_from(
    ["token=", "password: ", '"', "'", "\\n", "\n", " ", "=", ":", "/", "https://a:", "@", "Bearer ", UNKNOWN,
     GITHUB[:20], HEXADECIMAL, "kestrel", "é", "\ud800", "\x1b[1m", PEM[:80], "-----END RSA PRIVATE KEY-----",
     "SECRET_", "eyJhbGciOi"]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_twice_is_once(clean: Callable[..., Sanitized], text: str) -> None:
    once = clean({"a": text, "password": [text]}).value
    assert clean(once).value == once


@pytest.mark.parametrize(
    "piece",
    ["a.", "eyJ", "eyJaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----\n", "password=", 'password="', "https://a:b1c@", "QUFB",
     "abandon ", "zzz ", " --key", "a@", "\\n", "\\", "\x1b[32m", "A_", "\x00", "/home/x", "+1 415 555 0132 "]
)  # fmt: skip
def test_hostile_strings_come_to_an_end(piece: str, cleaned_text: Callable[..., str]) -> None:
    text = piece * (200_000 // len(piece))
    after = cleaned_text(text)
    assert cleaned_text(after) == after


def test_an_engine_that_is_missing_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kingfisher_sdk", None)
    plugin = load("sanitizer", "secrets")
    with pytest.raises(PrivacyError, match="pip install kingfisher-secret-scanner"):
        plugin(plugin.Config())


def test_an_engine_that_is_too_weak_stops_the_run() -> None:
    plugin = load("sanitizer", "secrets")
    with pytest.raises(PrivacyError, match=r"rules where the recipe wants 9999; install a newer one"):
        plugin(plugin.Config(least_rules=9999))
    assert plugin(plugin.Config(providers=False, least_rules=9999)).engine()


def test_the_engine_names_versions_and_rules(built: dict[str, Any]) -> None:
    assert all(word in built["secrets"].engine() for word in ("kingfisher", "builtins", "rules", "trigrams"))


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("callback?state=%67%68%70%5FwWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"),
        ("sig=k3J9%2Fd8F7%2Bg6H5j4K3l2M1n0%3D%3D", "d8F7"),
        (r"\u0067\u0068\u0070_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"),
        ("ghp_wWPw5k4aXcaT4fNP\x1b[0m\x1b[32m0UcnZwJUVFk6LO0pINUx", "0UcnZwJUVFk6LO0pINUx"),
        ("Z2hwX3dXUHc1azRhWGNhVDRmTlAwVWNuWndKVVZGazZMTzBwSU5VeA==", "Z2hwX3dXUHc1azRhWGNh"),
        ("token: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "eyJzdWIi"),
        ("mnemonic: ritmo lepre bacca oltre sedia panda cubo dado erba faro gelo isola", "lepre"),
        ("1 legal 2. winner 3. thank 4. year 5. wave 6. sausage 7. worth 8. useful 9. fitness 10. crew 11. mix 12. cat",
         "sausage"),
        ("azure 2Vq7Q~q5VgKljZ7cb3.0sp0Apz.vOjRIPyeTrab", "q5VgKljZ7cb3"),
    ],
)  # fmt: skip
def test_in_disguise(text: str, gone: str, cleaned_text: Callable[..., str]) -> None:
    assert gone not in cleaned_text(text)


def test_a_key_file_goes_whole(cleaned_text: Callable[..., str]) -> None:
    key = json.dumps({"type": "service_account", "project_id": "quern-4711", "private_key": PEM, "client_id": "117"})
    after = cleaned_text(f"cat key.json\n{key}\ndone")
    assert "quern-4711" not in after and after.startswith("cat key.json\nCREDENTIALS_") and after.endswith("\ndone")


def test_numbers_without_quotes_are_looked_at(clean: Callable[..., Sanitized]) -> None:
    value = {
        "card": 4539578763621486,
        "ssn": 219099998,
        "phone": 4155550132,
        "n": 1700000000123,
        "size": 4539578763621487,
    }
    after = clean(value).value
    assert [after["card"][:5], after["ssn"][:4], after["phone"][:6]] == ["CARD_", "SSN_", "PHONE_"]
    assert (after["n"], after["size"]) == (1700000000123, 4539578763621487)
