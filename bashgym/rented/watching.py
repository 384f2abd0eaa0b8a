"""A job on a rented machine, from its first line to its end."""

from collections.abc import Generator, Iterator

from bashgym import training_log
from bashgym.records import Progress
from bashgym.rented.client import NoAnswer, SkyError
from bashgym.rented.life import Life, Outcome, log
from bashgym.rented.stream import LOG, Stream

ENDED = ("SUCCEEDED", "FAILED", "FAILED_SETUP", "FAILED_DRIVER", "CANCELLED")  # of sky.JobStatus
GONE = "gone"


def watched(life: Life) -> Generator[Progress, None, Outcome]:
    """Log and metrics until the job ends, its machine is gone, or its time is up.

    A lost connection is no news: the job goes on there, and within its limits it is asked for again and again."""
    stream = Stream(life.folder, life.entry.id, life.attempt, life.secrets.values())
    tries = 0
    while True:
        before = stream.lines + stream.metrics
        yield from listened(life, stream, to_the_end=False)
        status = yield from asked(life)
        if status == GONE:
            return Outcome("lost", "the machine is gone: taken back, or ended by its own limit")
        if status in ENDED:
            yield from listened(life, stream, to_the_end=True)
            return judged(life, status, stream)
        if life.clock.now() >= life.entry.deadline:
            cancel(life)
            told = f"stopped: the time or money of cloud.limits is up (${life.spent():.2f}, estimated)"
            return Outcome("failed", told)
        tries = 0 if status and stream.lines + stream.metrics > before else tries + 1
        life.wait(tries)


def listened(life: Life, stream: Stream, to_the_end: bool) -> Iterator[Progress]:
    """The log as far as it comes."""
    try:
        for line in life.sky.tail(life.entry.name, int(life.get("job"))):
            if line is not None:
                yield from stream.take(line)
            if not to_the_end and life.clock.now() >= life.entry.deadline:
                return
    except (NoAnswer, SkyError) as error:
        if not to_the_end:
            yield log(f"lost the machine's log ({error}); asking again")


def asked(life: Life) -> Generator[Progress, None, str | None]:
    """The job's status, `gone` where its machine is not there any more, None where nobody knows."""
    try:
        found = life.sky.job(life.entry.name, int(life.get("job")))
        if found in ENDED:
            return found
    except (NoAnswer, SkyError):
        found = None
    try:
        machine = life.sky.cluster(life.entry.name)
    except (NoAnswer, SkyError) as error:
        yield log(f"no word of the machine ({error}); asking again")
        return None
    return GONE if machine is None else found


def judged(life: Life, status: str, stream: Stream) -> Outcome:
    if status == "SUCCEEDED":
        return Outcome("succeeded", exit_code=0)
    if status == "CANCELLED":
        return Outcome("cancelled", "cancelled", stream.code)
    if stream.limited:
        return Outcome("failed", "stopped: its time was up (cloud.limits.max_hours, max_usd)", stream.code)
    if status == "FAILED_SETUP":
        return Outcome("failed", "the machine could not be set up; see cloud.image", stream.code)
    if status == "FAILED_DRIVER" and stream.code is None:
        return Outcome("lost", "SkyPilot's part on the machine ended")
    return Outcome("failed", training_log.reason(life.folder / LOG, stream.code), stream.code)


def cancel(life: Life) -> None:
    """Asks the job to stop; what does not answer is ended with its machine."""
    job = life.get("job")
    try:
        if job is not None:
            life.sky.cancel(life.entry.name, int(job))
    except (NoAnswer, SkyError) as error:
        life.note(not_cancelled=str(error))
