"""From a note in the ledger to a job on a machine of an allowed price: one machine, whatever happens in between."""

from collections.abc import Generator
from typing import Any

from bashgym.records import Progress
from bashgym.rented.client import NoAnswer, SkyError
from bashgym.rented.life import Life, Outcome, log, lost_touch

POLL = 5.0  # seconds between looks at a machine that is starting
Steps = Generator[Progress, None, Outcome | None]  # an outcome where the attempt is over by now


def launched(life: Life) -> Steps:
    """Until the job is on a machine. Also for a launch that another program began."""
    if life.get("job") is None:
        refused = yield from machine(life)
        if refused:
            return refused
    if life.entry.state == "launching":
        return (yield from priced(life))
    return None


def machine(life: Life) -> Steps:
    """Asks for a machine once, then waits for it; the time for that runs from before it is asked for."""
    if life.get("asked"):
        yield log("looking for the machine that was asked for")
    else:
        now = life.clock.now()
        life.note(asked=True, launch_by=now + 60 * life.bounds.launch_minutes, machine_began=now)
        yield log(f"asking for a machine (it has {life.bounds.launch_minutes} minutes to start)")
        if refused := ask(life):
            return refused
    tries = 0
    while True:
        try:
            if refused := looked(life):
                return refused
            tries = 0
        except NoAnswer:
            tries += 1
        except SkyError as error:
            if not lost_touch(error):
                return Outcome("failed", f"no machine: {error}")
            tries += 1
        if life.get("job") is not None:
            return None
        if life.clock.now() >= life.get("launch_by"):
            minutes = life.bounds.launch_minutes
            return Outcome("failed", f"no machine within {minutes} minutes (cloud.limits.launch_minutes)")
        life.clock.sleep(POLL)
        if tries:
            life.wait(tries)


def ask(life: Life) -> Outcome | None:
    """`sky.launch`, once: where it is not known whether it came through, it is looked for before it is repeated."""
    variables = {"BASHGYM_ATTEMPT": str(life.attempt), "BASHGYM_SECONDS": str(life.seconds())}
    try:
        request = life.sky.launch(str(life.folder / "sky.yaml"), life.entry.name, life.secrets, variables)
    except NoAnswer:
        return None
    except SkyError as error:
        return None if lost_touch(error) else Outcome("failed", f"no machine: {error}")
    life.note(request=request)
    return None


def looked(life: Life) -> Outcome | None:
    """Notes the job where there is one by now."""
    name = life.entry.name
    if life.get("request") is not None:
        through = life.sky.launched(life.get("request"))
        if through:  # without a job: SkyPilot's server was started anew and knows of no such request
            life.note(job=through["job"], **({} if through["job"] is not None else {"request": None}))
        return None
    pending = life.sky.requests(name)
    if pending:
        life.note(request=pending[0])
        return None
    if life.sky.cluster(name) is None:
        return ask(life)
    jobs = life.sky.jobs(name)
    if jobs:
        life.note(job=jobs[0])
    else:  # what a launch left that was cut off
        life.sky.down(name)
    return None


def priced(life: Life) -> Steps:
    """What was really rented, and its price, which may have risen since the quote."""
    found = yield from taken(life)
    if found is None:
        return Outcome("lost", "the machine was gone as soon as it was there")
    if refused := too_dear(life, found):
        return refused
    price = float(found["usd_per_hour"] or 0.0)
    until = life.entry.began + life.bounds.max_hours * 3600
    if price:
        money = life.bounds.max_usd - float(life.get("spent_usd") or 0.0)
        until = min(until, life.get("machine_began") + money / price * 3600)
    life.update(state="running", usd_per_hour=price, deadline=until)
    how = "as its cloud tells" if found.get("live") else "by the price list"
    yield log(f"training on {found['instance']} at ${price:.2f}/h ({how})")
    return None


def taken(life: Life) -> Generator[Progress, None, dict[str, Any] | None]:
    """The machine as its cloud tells it, however long the network is away; raises NoAnswer when the time is up."""
    tries, by = 0, life.get("launch_by") + 60 * life.bounds.launch_minutes
    while True:
        try:
            return life.sky.cluster(life.entry.name)
        except (NoAnswer, SkyError) as error:
            if life.clock.now() >= by:
                raise NoAnswer(str(error)) from None
            yield log(f"no word of the machine ({error}); trying again")
        life.wait(tries)
        tries += 1


def too_dear(life: Life, found: dict[str, Any]) -> Outcome | None:
    price, limit = found["usd_per_hour"], life.bounds.max_hourly_usd
    what = found["instance"] or "the machine"
    if life.bounds.free:
        return None
    if not price or price <= 0:
        return Outcome("failed", f"the price of {what} is not known, so it is given back")
    if price > limit + 1e-9:
        told = f"{what} costs ${price:.2f}/h, more than cloud.limits.max_hourly_usd={limit:g}, so it is given back"
        return Outcome("failed", told)
    return None
