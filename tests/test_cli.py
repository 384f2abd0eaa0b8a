"""What somebody types wrong, and a disk that says no: one line, the right word in it, exit code 2."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bashgym import cli
from bashgym.history import printed


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["traces", "lst"], "traces lst: no such choice; did you mean 'list'?"),
        (["traces", "list", "--verdict", "godl"], "traces --verdict godl: no such choice; did you mean 'gold'?"),
        (["capture"], "capture: say which: install, status"),
        (["sanitize"], "sanitize: IN is missing"),
        (["plugins", "list", "judge"], "plugins list: takes no 'judge'"),
        (["run", "quickstart"], "did you mean recipe=quickstart?"),
        (["keys", "import", "nowhere.key"], "nowhere.key: is not there"),
    ],
)
def test_a_wrong_word_is_one_line_with_the_right_one(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and not out


def test_what_the_disk_refuses_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "file" / "home"))
    assert cli.main(["runs", "list"]) == 2
    err = capsys.readouterr().err
    assert str(tmp_path / "file") in err and "; name another place" in err and err.count("\n") == 1


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_keeps_within_the_terminal(width: int) -> None:
    shown = io.StringIO()
    screen = Console(file=shown, width=width, highlight=False)
    one = dict.fromkeys(("sessions", "replies", *printed.TOKENS), 123_456) | {"usd": 1234.5}
    printed.breakdown(screen, "repository", [("/a/very/long/folder/of/many/names/and/then/the-name", one)], 20)
    lines = shown.getvalue().splitlines()
    assert all(len(line) <= width for line in lines) and len(lines) <= 5
    assert "he-name " in lines[-1] and "$1,234.50" in lines[-1] and ("123 k" in lines[-1]) == (width == 120)
