"""A format whose rows the training cannot read is refused before any work, and what would fit is named."""

import pytest

from bashgym import recipe
from bashgym.errors import RecipeError
from bashgym.stages import fit


def chosen(*words: str) -> recipe.Recipe:
    return recipe.load(["recipe=quickstart", *words])


def test_what_fits_is_named():
    with pytest.raises(RecipeError) as caught:
        fit.require(chosen("format=dpo"))
    said = str(caught.value)
    assert said.startswith(
        "training=sft needs rows of schema 'chat', and format=dpo makes 'preference'; take format=chat"
    )
    assert "training=dpo" in said and "\n" not in said
    with pytest.raises(RecipeError, match=r"take format=kto; for these rows, training=.*\bsft\b"):
        fit.require(chosen("training=kto"))


def test_rows_that_nothing_trains_on_may_be_made():
    with pytest.raises(RecipeError, match="take format=chat"):
        fit.require(chosen("format=atif"))
    fit.require(chosen("format=atif"), only_rows=True)
    with pytest.raises(RecipeError, match="take format=chat"):
        fit.require(chosen("format=kto"), only_rows=True)
    fit.require(chosen("format=orpo", "training=reward_model"))


@pytest.mark.parametrize("more", [(), ("--plan",), ("--until", "dataset")])
def test_every_way_to_run_asks_first(bashgym, more: tuple[str, ...]):
    done = bashgym("run", "recipe=quickstart", "training=orpo", *more)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert "training=orpo needs rows of schema 'preference'" in line and "format=dpo or format=orpo" in line
