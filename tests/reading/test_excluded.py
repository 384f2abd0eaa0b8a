"""What is kept out stays out, in whatever spelling its owner wrote it."""

import gzip
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.errors import InputError
from bashgym.reading import cwd, excluded
from bashgym.records import SessionRef

PART = st.text("abcXYZ019._-é", min_size=1, max_size=8).filter(lambda part: part.strip(".") != "")
PARTS = st.lists(PART, min_size=1, max_size=4)
SLUG = st.text("abcxyz019_-", min_size=1, max_size=8)


def rules(home: Path, *lines: str) -> excluded.Excluded:
    (home / "exclude").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return excluded.load()


def repository(folder: Path, *urls: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    remotes = "".join(f'[remote "r{number}"]\n\turl = {url}\n\tfetch = +refs\n' for number, url in enumerate(urls))
    text = f'[core]\n\tbare = false\n[submodule "x"]\n\turl = https://example.org/not/ours\n{remotes}'
    (folder / ".git" / "config").write_text(text, encoding="utf-8")
    return folder


def test_nothing_is_excluded_by_default(own_home: Path):
    rules = excluded.load()
    assert not rules.covers("/work") and not rules.covers(None) and not rules.covers("")
    assert not rules.forgotten("a")


@given(PARTS, PARTS, st.sampled_from(["", "/", "//", "/.", "/./"]))
def test_a_path_covers_itself_and_all_below_and_nothing_beside(above: list[str], below: list[str], end: str):
    folder = "/" + "/".join(above)
    found = excluded.Excluded({excluded.entry(folder + end)}, set(), set())
    assert found.covers(folder) and found.covers(folder + "/") and found.covers("/".join([folder, *below]))
    assert not found.covers(folder + "x") and not found.covers(folder + "-" + below[0])
    assert not found.covers("/" + "/".join(above[:-1]))
    assert found.covers(f"{folder}/../{above[-1]}/{below[0]}")


@given(SLUG, SLUG, st.sampled_from(["github.com", "git.example.org"]), st.booleans())
def test_a_repository_is_the_same_in_every_spelling(owner: str, name: str, host: str, big: bool):
    spelled = f"{owner.upper()}/{name}" if big else f"{owner}/{name}"
    urls = [
        f"git@{host}:{spelled}.git",
        f"https://{host}/{spelled}",
        f"https://{host}/{spelled}.git/",
        f"https://someone:token@{host}:8443/{spelled}.git",
        f"ssh://git@{host}:22/{spelled}.git",
        f"git://{host}/{spelled}",
    ]
    assert {excluded.entry(url) for url in urls} == {f"{host}/{owner}/{name}"}
    for entry in [f"{owner}/{name}", *urls]:
        found = excluded.Excluded(set(), {excluded.entry(entry)}, set())
        assert all(found.names(excluded.repository(url)) for url in urls)
        assert not found.names(excluded.repository(f"https://{host}/{owner}/{name}2"))
        assert not found.names(excluded.repository(f"https://{host}/x{owner}/{name}"))
    elsewhere = excluded.Excluded(set(), {excluded.entry(f"https://other.org/{owner}/{name}")}, set())
    assert not elsewhere.names(excluded.repository(urls[0]))


def test_a_remote_of_the_folder_or_one_above_covers(own_home: Path, tmp_path: Path):
    top = repository(tmp_path / "checkout", "https://example.org/me/open", "git@github.com:Owner/Secret.git")
    below = top / "src" / "deep"
    below.mkdir(parents=True)
    assert rules(own_home, "owner/secret").covers(str(below))
    assert rules(own_home, "# mine", "", "https://github.com/owner/secret").covers(str(top / "gone"))
    assert not rules(own_home, "not/ours").covers(str(below)), "a submodule's address is no remote"
    assert not rules(own_home, "owner/secret").covers(str(tmp_path))
    (top / ".git" / "config").write_text('[remote "origin"] url = "https://x.org/a/b.git" ; main\n[branch "x"]\n')
    assert rules(own_home, "a/b").covers(str(below))


def test_a_real_worktree_and_a_clone_are_their_repository(own_home: Path, tmp_path: Path, need):
    git = [need("git"), "-c", "user.name=a", "-c", "user.email=a@example.org", "-C"]
    main, tree = tmp_path / "main", tmp_path / "elsewhere" / "tree"
    main.mkdir()
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["worktree", "add", "-q", str(tree)]):
        subprocess.run([*git, str(main), *words], check=True, capture_output=True)
    subprocess.run([*git, str(main), "remote", "add", "up", "ssh://git@host.org/team/thing.git"], check=True)
    (tree / "inner").mkdir()
    assert rules(own_home, "team/thing").covers(str(tree / "inner"))


def test_links_are_followed_from_both_ends(own_home: Path, tmp_path: Path):
    real, link = tmp_path / "real", tmp_path / "link"
    (real / "sub").mkdir(parents=True)
    link.symlink_to(real)
    assert rules(own_home, str(link)).covers(str(real / "sub"))
    assert rules(own_home, str(real)).covers(str(link / "sub"))
    link.unlink()
    assert rules(own_home, str(link)).covers(str(link / "sub")), "recorded while the link was there"


@pytest.mark.parametrize(
    ("text", "out", "stays"),
    [
        ("", ["", "a", "a/b"], []),
        ("# only words\n", ["", "a"], []),
        ("a\n*\n", ["", "b"], []),
        ("secret\n", ["secret", "secret/x", "deep/secret/x"], ["", "a", "secrets", "a/secretly"]),
        ("/secret/\n", ["secret", "secret/x"], ["deep/secret", ""]),
        ("clients/*\n", ["clients/a", "clients/a/b"], ["clients", "deep/clients/a"]),
        ("**/deep/er\n", ["deep/er", "x/y/deep/er/z"], ["deep", "deep/err"]),
        ("client-?\r\n", ["client-1", "x/client-2/y"], ["client-", "client-10"]),
        ("./here/it\n", ["here/it/x"], ["x/here/it"]),
    ],
)
def test_an_ignore_file(own_home: Path, tmp_path: Path, text: str, out: list[str], stays: list[str]):
    (tmp_path / ".bashgymignore").write_bytes(text.encode())
    found = excluded.load()
    assert [place for place in out if not found.covers(str(tmp_path / place))] == []
    assert [place for place in stays if found.covers(str(tmp_path / place))] == []


@given(PARTS, PARTS)
def test_a_glob_of_a_folders_own_name_covers_it_and_all_below(folder: list[str], below: list[str]):
    for glob in ("/".join(folder), "/" + "/".join(folder) + "/", "**/" + "/".join(folder)):
        assert excluded.fits("/".join(folder), glob) and excluded.fits("/".join([*folder, *below]), glob)
    assert not excluded.fits("/".join([*folder[:-1], folder[-1] + "x"]), "/" + "/".join(folder))


@pytest.mark.parametrize("line", ["word", "./here", "../there", "C:\\work", "my folder/x", "~nobody-here/x", "owner/"])
def test_an_entry_that_means_nothing_is_said_with_its_line(own_home: Path, line: str):
    with pytest.raises(InputError, match=r"exclude:2: .*owner/name") as told:
        rules(own_home, "/fine", line)
    assert "\n" not in str(told.value)


def test_letting_in_again_is_refused(own_home: Path, tmp_path: Path):
    (tmp_path / ".bashgymignore").write_text("a\n!a/b\n")
    with pytest.raises(InputError, match=":2: '!a/b'"):
        excluded.load().covers(str(tmp_path / "z"))


def test_forgotten_ids_are_known_by_their_digest(own_home: Path):
    (own_home / "forgotten").write_text(f"# by bashgym forget\n{excluded.digest('one')}\n")
    rules = excluded.load()
    assert rules.forgotten("one") and not rules.forgotten("two")
    (own_home / "forgotten").write_text("one\n")
    with pytest.raises(InputError, match="forgotten:1: "):
        excluded.load()


@given(st.text(max_size=60) | st.binary(max_size=60).map(os.fsdecode))
def test_no_folder_of_a_session_crashes(cwd: str):
    assert excluded.Excluded({"/somewhere"}, {"a/b"}, set()).covers(cwd) in {True, False}
    assert not excluded.Excluded({"/somewhere"}, set(), set()).covers("/" + "x" * 5000)


def session(folder: Path, name: str, *lines: object) -> SessionRef:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return SessionRef(source="x", id=name, path=str(path), size=1, sha256="")


def test_a_session_that_ever_was_in_an_excluded_folder_is_out_and_counted(own_home: Path, tmp_path: Path):
    rules(own_home, "/home/ü/secret")
    (own_home / "forgotten").write_text(excluded.digest("gone") + "\n")
    agent = session(tmp_path, "agent", {"cwd": "/home/ü/secret/x"})
    refs = [
        session(tmp_path, "fine", {"cwd": "/home/ü"}, {"message": '"cwd":"/home/ü/secret"'}),
        session(tmp_path, "moved", {"cwd": "/home/ü"}, {"cwd": "/home/ü/secret/deep"}, {"cwd": "/home/ü"}),
        session(tmp_path, "gone", {"cwd": "/"}),
        SessionRef(source="x", id="sub", path=str(tmp_path / "fine.jsonl"), size=1, sha256="", files=(agent.path,)),
    ]
    (tmp_path / "empty.jsonl").write_bytes(b"")
    refs.append(SessionRef(source="x", id="empty", path=str(tmp_path / "empty.jsonl"), size=0, sha256=""))
    left_out: Counter[str] = Counter()
    assert [ref.id for ref in excluded.kept(refs, left_out)] == ["fine", "empty"]
    assert left_out == {excluded.EXCLUDED: 2, excluded.FORGOTTEN: 1}
    assert [ref.id for ref in excluded.kept(refs, left_out, lambda ref: [None, "/tmp"])] == [
        "fine", "moved", "sub", "empty",
    ]  # fmt: skip


def test_folders_are_found_in_compressed_and_damaged_files(tmp_path: Path):
    line = json.dumps({"cwd": '/a\\b"c/ü'}) + "\n"
    torn = '{"cwd":"/torn\\u12"}\n{"x":{"cwd" : "/deep"},"cwd":null}\n{"cwd":"/cut'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((line + torn).encode()))
    (tmp_path / "a.jsonl").write_bytes((line + torn).encode())
    for name in ("a.jsonl", "a.jsonl.gz"):
        ref = SessionRef(source="x", id="a", path=str(tmp_path / name), size=1, sha256="")
        assert list(cwd.folders_of(ref)) == ['/a\\b"c/ü', "/deep"]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line.encode())[:-9])
    with pytest.raises(InputError, match=r"a\.jsonl\.gz"):
        list(cwd.folders_of(ref))
