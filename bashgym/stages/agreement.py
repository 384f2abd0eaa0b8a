"""What its user is asked before it is done: before anything is rented, its quote held to the limits and shown; before
sessions are read on other machines."""

from collections.abc import Iterator
from typing import Any

from bashgym.errors import BashGymError, RecipeError
from bashgym.records import Job, Quote
from bashgym.rented.caps import beyond
from bashgym.rented.settings import limits_of
from bashgym.stages.context import Run


def foreseen(run: Run, job: Job) -> None:
    """Before any work is done. Raises RecipeError where there is nothing to be had within the limits, BashGymError
    where nobody will be there to agree; hours are not known yet."""
    choice = run.recipe.one("cloud")
    if limits_of(choice.config) is None:
        return
    if not run.screen.answers():
        raise BashGymError(
            f"cloud={choice.label}: this rents a machine, and nobody is at a terminal to agree; look at "
            "`bashgym clouds quote`, then add --yes"
        )
    within(run, run.plugin(choice).quote(job))


def agreed(run: Run, job: Job) -> None:
    """Right before a job is submitted, its rows known. Raises RecipeError for a quote beyond the limits, BashGymError
    where its user does not agree; what was done so far is kept."""
    choice = run.recipe.one("cloud")
    if limits_of(choice.config) is None:
        return
    quote: Quote = run.plugin(choice).quote(job)
    within(run, quote)
    for line in lines(choice.label, quote, limits_of(choice.config)):
        run.screen.say(line)
    ask(run, choice.label)
    first = quote.offers[0]
    told = {"cloud": choice.label, "instance": first.instance, "usd_per_hour": first.usd_per_hour}
    run.manifest.update(quote={**told, "hours": quote.hours, "usd": quote.usd, "evidence": "estimated"})


def ask(run: Run, label: str) -> None:
    """Of a sweep its user is asked once, for the cap of all its runs. Raises BashGymError at a no."""
    budget, question = run.budget, f"rent this on {label}?"
    if budget is not None and budget.limit is not None:
        left = f"${budget.left:,.2f} of ${budget.limit:,.2f}"
        if (label, budget.limit) in budget.agreed:
            run.screen.say(f"  {left} are left (estimated) for the runs of this sweep, as was agreed to")
            return
        question = f"rent this, and what the other runs of this sweep need, on {label}: {left} for all of them?"
    if not run.screen.agrees(question):
        raise BashGymError("nothing is rented; the dataset is kept, and the same command goes on from here")
    if budget is not None and budget.limit is not None:
        budget.agreed.add((label, budget.limit))


def lent(run: Run) -> None:
    """Before sessions are read, as they are, on the machines that the executor may use beside this one (of its user's,
    marked `trusted`). Raises BashGymError where its user does not agree, or nobody is there to."""
    machines = ", ".join(getattr(run.recipe.one("executor").config, "trusted", ()))
    if not machines:
        return
    told = f"sessions are read on {machines} as they are, before anything private is taken out (executor.trusted)"
    if not run.screen.answers():
        raise BashGymError(f"{told}, and nobody is at a terminal to agree; add --yes, or take executor=local")
    if not run.screen.agrees(f"{told}; go on?"):
        raise BashGymError("no session was read on another machine; take executor=local, or executor.trusted=[]")


def within(run: Run, quote: Quote) -> None:
    choice = run.recipe.one("cloud")
    fault = beyond(quote, limits_of(choice.config))
    if fault:
        raise RecipeError(f"cloud={choice.label}: {fault}")


def lines(label: str, quote: Quote, limits: Any) -> Iterator[str]:
    """What is agreed to."""
    first = quote.offers[0]
    where = ", ".join(part for part in (first.instance, first.accelerators, first.region) if part)
    if quote.details.get("own"):
        yield f"{label}: {where}: {first.note}"
    else:
        yield f"{label}: {where}: ${first.usd_per_hour:,.2f} an hour ({first.evidence}; {first.note})"
        taken = "hours are not estimated" if quote.hours is None else f"about {quote.hours:.1f} hours"
        cost = "" if quote.usd is None else f", ${quote.usd:,.2f}"
        most = f"at most ${limits.max_usd:,.2f} and {limits.max_hours:g} hours (cloud.limits)"
        yield f"  {taken}{cost} (estimated); {most}"
    yield f"  leaves this machine: {', '.join(quote.details.get('uploads', ())) or 'nothing'}"
    if quote.details.get("credentials"):
        yield f"  may go to the machine: {', '.join(quote.details['credentials'])}"
