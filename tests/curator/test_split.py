"""The split: seeded, whole families, shares kept."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.records import SessionKey
from bashgym.registry import load


def key(number: int, family: int, repo: int, rows: int = 1, request: str = "") -> SessionKey:
    return SessionKey(
        session=f"s{number:04}", source="x", family=f"f{family}", repo=f"/r{repo}", started="", label="gold",
        score=1.0, rows=rows, messages=rows, requests=(request,),
    )  # fmt: skip


def split(index: list[SessionKey], **config: object) -> dict[str, str]:
    cls = load("curator", "split")
    return {one.session: one.split for one in cls(cls.Config(**config)).curate(index)}


keys = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15), st.integers(1, 9)), min_size=1, max_size=80)


@given(keys, st.integers(0, 5), st.sampled_from(["auto", "session", "repository", "request"]))
@settings(max_examples=150, deadline=None)
def test_nothing_is_divided_and_order_does_not_matter(made, seed, by):
    index = [key(n, family, repo, rows, f"do what {repo} says") for n, (family, repo, rows) in enumerate(made)]
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


def test_the_same_words_around_other_names_are_never_divided():
    """Whatever the seed; and there are other requests to be measured by."""
    asked = (
        "rename {} to {}",
        "please rename {} -> {}, tests too",
        "set {} to {} in the config",
        "mypy complains, fix it",
        "can you add --{} to the command line? {} by default",
        "test_{} fails in {}, fix it pls",
    )
    names = ["parse_row", "total", "mask", "keep_last", "chunk", "due_days"]
    index = [
        key(6 * number + repo, 6 * number + repo, repo, 1, words.format(name, name[::-1]))
        for number, words in enumerate(asked)
        for repo, name in enumerate(names)
    ]
    for seed in range(20):
        found = split(index, by="request", seed=seed)
        each = [{found[f"s{6 * number + repo:04}"] for repo in range(6)} for number in range(len(asked))]
        assert all(len(splits) == 1 for splits in each) and {"train", "test"} <= set.union(*each)


def test_requests_without_a_word_in_common_are_apart():
    index = [key(n, n, n % 4, 1, f"word{n} other{n}") for n in range(60)]
    assert Counter(split(index, by="request", test=0.5).values())["test"] == 30


def test_requests_that_are_all_alike_are_split_by_session_and_it_is_said():
    index = [key(n, n, n % 4, 1, f"rename word{n} to other{n}") for n in range(40)]
    cls = load("curator", "split")
    made = list(cls(cls.Config(by="request")).curate(index))
    assert {one.split for one in made} == {"train", "validation", "test"}
    assert {one.reason for one in made} == {"split by session: too many of the requests are alike to keep some apart"}
