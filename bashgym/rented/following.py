"""A rented training followed to its end, over as many machines as its limits allow."""

from collections.abc import Generator, Iterator

from bashgym.records import Progress
from bashgym.rented.ending import bring_down
from bashgym.rented.launching import launched
from bashgym.rented.life import Life, Outcome, log
from bashgym.rented.watching import watched

LEAST = 60  # seconds of training for which another machine is worth its start


def follow(life: Life) -> Iterator[Progress]:
    """Launches what is not launched, and goes on until the job has ended; the last event says how.

    Where a machine is lost (taken back, broken), another one is rented, as often as `max_restarts` says and within the
    same limits. Raises RunFailed when the lost one is not seen to be gone: two would cost twice."""
    while True:
        told = life.get("outcome")
        outcome = Outcome(**told) if told else (yield from attempted(life))
        if outcome.state != "lost" or not may_restart(life):
            break
        yield log(f"{outcome.reason}; going on with another machine")
        bring_down(life)
        again(life)
    if outcome.state == "lost":
        outcome = outcome._replace(state="failed")
    life.note(outcome=outcome._asdict())
    life.update(state="ending")
    yield Progress(kind="state", data=outcome._asdict())


def attempted(life: Life) -> Generator[Progress, None, Outcome]:
    ended = yield from launched(life)
    return ended or (yield from watched(life))


def may_restart(life: Life) -> bool:
    return life.attempt <= life.bounds.max_restarts and life.seconds() >= LEAST


def again(life: Life) -> None:
    """The next attempt; what the machines before have cost counts."""
    fresh = {"asked": False, "request": None, "job": None, "outcome": None, "machine_began": None}
    spent, attempt = life.spent(), life.attempt + 1
    life.update(state="launching", notes={**life.entry.notes, **fresh, "spent_usd": spent, "attempt": attempt})
