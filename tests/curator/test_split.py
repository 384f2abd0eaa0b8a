"""The split: seeded, whole families, shares kept."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.records import SessionKey
from bashgym.registry import load


def key(number: int, family: int, repo: int, rows: int = 1) -> SessionKey:
    return SessionKey(
        session=f"s{number:04}", source="x", family=f"f{family}", repo=f"/r{repo}", started="", label="gold",
        score=1.0, rows=rows, messages=rows,
    )  # fmt: skip


def split(index: list[SessionKey], **config: object) -> dict[str, str]:
    cls = load("curator", "split")
    return {one.session: one.split for one in cls(cls.Config(**config)).curate(index)}


keys = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15), st.integers(1, 9)), min_size=1, max_size=80)


@given(keys, st.integers(0, 5), st.sampled_from(["auto", "session", "repository"]))
@settings(max_examples=150, deadline=None)
def test_nothing_is_divided_and_order_does_not_matter(made, seed, by):
    index = [key(n, family, repo, rows) for n, (family, repo, rows) in enumerate(made)]
    found = split(index, seed=seed, by=by)
    assert set(found) == {one.session for one in index}
    families: dict[str, set[str]] = {}
    repos: dict[str, set[str]] = {}
    for one in index:
        families.setdefault(one.family, set()).add(found[one.session])
        repos.setdefault(one.repo, set()).add(found[one.session])
    assert all(len(splits) == 1 for splits in families.values())
    if by == "repository":
        assert all(len(splits) == 1 for splits in repos.values())
    assert "train" in found.values()
    assert split(list(reversed(index)), seed=seed, by=by) == found


def test_shares_are_about_kept():
    index = [key(n, n, n) for n in range(1000)]
    sizes = Counter(split(index, by="session", validation=0.1, test=0.2).values())
    assert sizes == {"train": 700, "validation": 100, "test": 200}


def test_seed_changes_who_and_auto_says_by_what():
    index = [key(n, n, n % 20) for n in range(100)]
    assert split(index, seed=1) != split(index, seed=2)
    cls = load("curator", "split")
    reasons = {one.reason for one in cls(cls.Config(min_repositories=20)).curate(index)}
    assert reasons == {"split by repository"}
    reasons = {one.reason for one in cls(cls.Config(min_repositories=21)).curate(index)}
    assert reasons == {"split by session"}
