"""Costs at list prices: by hand for each tier, and missing where nobody knows the price."""

import datetime

import pytest

from bashgym import prices
from bashgym.errors import InputError, RecipeError
from bashgym.reading.conversation import metrics
from bashgym.trace import Metrics, Step


@pytest.fixture(scope="module")
def table():
    return prices.load()


def replies(fresh=0, output=0, read=0, write=0, **more):
    found = metrics(fresh, output, read, write)
    for name, value in more.items():
        setattr(found.extra.bashgym, name, value)
    return found


def test_every_tier_of_the_cache_has_its_price(table):
    one = replies(1_000, 2_000, 30_000, 50_000, ephemeral_5m_input_tokens=10_000, ephemeral_1h_input_tokens=40_000)
    by_hand = (1_000 * 3 + 2_000 * 15 + 30_000 * 0.3 + 10_000 * 3.75 + 40_000 * 6) / 1e6
    assert prices.cost(one, "claude-sonnet-4-6", table) == pytest.approx(by_hand)


def test_what_was_written_without_a_tier_was_for_five_minutes(table):
    assert prices.cost(replies(write=1_000_000), "claude-opus-4-5-20251101", table) == pytest.approx(6.25)


def test_long_prompts_cost_more_as_a_whole(table):
    short = prices.cost(replies(100_000, 1_000, 100_000), "claude-sonnet-4-5-20250929", table)
    long = prices.cost(replies(100_001, 1_000, 100_000), "claude-sonnet-4-5-20250929", table)
    assert short == pytest.approx((100_000 * 3 + 1_000 * 15 + 100_000 * 0.3) / 1e6)
    assert long == pytest.approx((100_001 * 6 + 1_000 * 22.5 + 100_000 * 0.6) / 1e6)


def test_batches_searches_regions_and_fast_mode(table):
    plain = prices.cost(replies(1_000, 1_000), "claude-opus-4-6", table)
    assert prices.cost(replies(1_000, 1_000, service_tier="batch"), "claude-opus-4-6", table) == plain / 2
    assert prices.cost(replies(1_000, 1_000, inference_geo="us"), "claude-opus-4-6", table) == pytest.approx(
        plain * 1.1
    )
    searched = prices.cost(replies(1_000, 1_000, web_search_requests=3), "claude-opus-4-6", table)
    assert searched == pytest.approx(plain + 0.03)
    assert prices.cost(replies(1_000, 1_000, speed="fast"), "claude-opus-4-6", table) == pytest.approx(6 * plain)
    assert prices.cost(replies(1_000, 1_000, speed="fast"), "claude-opus-4-5", table) is None


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("claude-opus-4-20250514", 15),
        ("claude-opus-4-5-20251101", 5),
        ("claude-opus-5-5", 4),
        ("claude-haiku-4.5", 1),
        ("anthropic/claude-opus-4.1", 15),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3),
        ("global.anthropic.claude-opus-4-6-v1", 5),
        ("claude-sonnet-4-5@20250929", 3),
        ("claude-sonnet-4-20250514[1m]", 3),
        ("gemini-2.5-flash-preview-09-2025", 0.3),
        ("gpt-5-mini", 0.25),
        ("claude-opus-4-9", None),
        ("claude-opus", None),
        ("gpt-5-ultra", None),
        ("<synthetic>", None),
        (None, None),
    ],
)
def test_names_of_models(table, name, price):
    found = prices.price(name, table)
    assert (found.input if found else None) == price


def test_an_unknown_model_is_missing_and_nothing_costs_nothing(table):
    assert prices.cost(replies(10, 10), "some-model", table) is None
    assert prices.cost(replies(), "<synthetic>", table) == 0.0
    assert prices.cost(None, "claude-opus-4-5", table) is None


def test_a_price_that_changed_holds_from_its_day(table):
    one = replies(read=1_000_000)
    before, after = "2026-10-06T23:59:59Z", "2026-10-07T00:00:00Z"
    assert [prices.cost(one, "claude-sonnet-5-5", table, when) for when in (before, after, None)] == [0.2, 0.1, 0.1]


def test_the_agents_own_cost_goes_first_and_a_bill_says_what_it_rests_on(table):
    written = Step(step_id=1, source="agent", model_name="x", metrics=Metrics(prompt_tokens=9, cost_usd=0.5))
    listed = Step(step_id=2, source="agent", model_name="claude-opus-4-5", metrics=replies(1_000_000))
    copied = Step(step_id=3, source="agent", model_name="claude-opus-4-5", metrics=replies(1), is_copied_context=True)
    unknown = Step(step_id=4, source="agent", model_name="x", metrics=replies(5))
    assert prices.bill([written], table) == prices.Bill(0.5, "measured", 1, {})
    assert prices.bill([written, listed, copied, unknown], table) == prices.Bill(5.5, "estimated", 2, {"x": 1})
    assert prices.bill([unknown], table) == prices.Bill(None, "missing", 0, {"x": 1})


def test_the_shipped_table_is_dated_and_every_claude_price_keeps_anthropics_ratios(table):
    assert table.as_of > datetime.date(2026, 1, 1) and table.source
    for name, found in table.models.items():
        for one in found if isinstance(found, list) else [found]:
            if name.startswith("claude-") and name != "claude-3-haiku":  # its prices are rounded
                for rates in filter(None, (one, one.above, one.fast)):
                    assert rates.cache_write_5m == pytest.approx(rates.input * 1.25), name
                    assert rates.cache_write_1h == pytest.approx(rates.input * 2), name
                    assert 0 < rates.cache_read <= rates.input / 10 + 1e-9, name


def test_a_table_of_ones_own_and_a_broken_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "conf" / "prices.yaml"
    own.parent.mkdir()
    own.write_text("as_of: 2026-01-01\nsource: contract\nmodels: {mine: {input: 1, output: 2}}\n")
    assert prices.cost(replies(1_000_000, 1_000_000), "mine", prices.load()) == 3
    prices.read.cache_clear()
    own.write_text("as_of: 2026-01-01\nsource: contract\nmodels: {mine: {inptu: 1, output: 2}}\n")
    with pytest.raises(RecipeError, match=r"prices\.models\.mine"):
        prices.load()
    own.write_text("- 1")
    with pytest.raises(InputError, match="no table of prices"):
        prices.load()
    own.write_text("a: [")
    with pytest.raises(InputError, match="cannot be read"):
        prices.load()
