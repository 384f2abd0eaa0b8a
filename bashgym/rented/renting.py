"""What `cloud=` presets of the plugin skypilot do with a job: plugins/cloud/skypilot.py calls these by name."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bashgym.errors import BashGymError, RecipeError, RunFailed
from bashgym.gate.report import require
from bashgym.records import Job, Progress, Submission
from bashgym.rented import caps, catalogue, checkpoints, ending, following, home, ledger, quoting, saved, watching
from bashgym.rented.client import Client, Sky
from bashgym.rented.life import CLOCK, Bounds, Clock, Life
from bashgym.rented.settings import SkyConfig
from bashgym.rented.task import cluster

PLUGIN = "skypilot"


@dataclass
class Renting:
    """One preset's machines. `sky` is made when it is first needed: nothing of SkyPilot's runs for a quote."""

    config: SkyConfig
    sky: Sky | None = None
    clock: Clock = CLOCK
    left_usd: float | None = None  # of a sweep, whose runs share one cap

    def submit(self, job: Job) -> Submission:
        """Notes the machine in the ledger; it is asked for when the submission is followed. Where one is noted for this
        folder and training already it is that one; one of another training is brought down first.

        Raises PrivacyError for rows no leak gate has passed, RecipeError for a price or a secret that is not there."""
        folder = Path(job.folder)
        require(folder)
        known = ledger.of_folder(folder)
        if known and known.notes.get("asked"):
            if known.notes.get("pushed_under") == checkpoints.prefix(job):
                return known.submission
            self.down(known.submission)
        elif known:  # of a program that was ended before it asked for a machine
            ledger.closed(known)
        self.secrets()
        self.worthwhile()
        price = self.checked(job)
        if self.config.checkpoint.to:
            from huggingface_hub import HfApi

            checkpoints.ready(HfApi(token=os.environ.get(checkpoints.SECRET)), self.config.checkpoint)
        bounds, id = self.bounds(), ledger.new_id()
        name = f"{cluster(job)[:24].rstrip('-')}-{id[:6]}"
        now = self.clock.now()
        with home.locked(self.config.cloud):
            entry = ledger.opened(
                Submission(job=job.name, folder=job.folder, id=id),
                cloud=self.config.cloud,
                plugin=PLUGIN,
                config=self.config.model_dump(mode="json"),
                name=name,
                began=now,
                usd_per_hour=price,
                max_usd=bounds.max_usd,
                max_hours=bounds.max_hours,
                deadline=now + 3600 * bounds.max_hours,
                by_hand=home.by_hand(self.config.cloud, name),
                notes={"attempt": 1, "output": job.output, "pushed_under": checkpoints.prefix(job)},
            )
        return entry.submission

    def worthwhile(self) -> None:
        """Raises RecipeError where what is left of the money is no more than a machine's start and end take."""
        bounds = self.bounds()
        hours = min(bounds.max_hours, bounds.max_usd / bounds.max_hourly_usd)
        if not bounds.free and hours * 3600 - 60 * (bounds.launch_minutes + bounds.idle_minutes) < following.LEAST:
            raise RecipeError(
                f"cloud.limits.max_usd: ${bounds.max_usd:.2f} are left for this run, and no training can be had for "
                "them; raise it and run again: finished runs are not done again"
            )

    def checked(self, job: Job) -> float | None:
        """Dollars an hour by the price list, `sky.yaml` written. Raises RecipeError where that is beyond the limits."""
        quote = quoting.quoted(self.config, job)
        if refused := caps.beyond(quote, self.config.limits):
            raise RecipeError(f"cloud={self.config.cloud}: {refused}")
        return quote.offers[0].usd_per_hour

    def bounds(self) -> Bounds:
        limits = self.config.limits
        return Bounds(
            max_hourly_usd=limits.max_hourly_usd,
            max_hours=limits.max_hours,
            max_usd=limits.max_usd if self.left_usd is None else min(limits.max_usd, self.left_usd),
            launch_minutes=limits.launch_minutes,
            idle_minutes=self.config.teardown.idle_minutes,
            max_restarts=self.config.checkpoint.max_restarts,
            free=self.config.cloud in catalogue.OWN,
        )

    def secrets(self) -> dict[str, str]:
        """Values of the secrets a job needs. Raises RecipeError for one that is not in the environment."""
        names = dict.fromkeys([*self.config.secrets, *checkpoints.secrets(self.config.checkpoint)])
        missing = [name for name in names if not os.environ.get(name)]
        if missing:
            raise RecipeError(
                f"cloud.secrets: {', '.join(missing)} is not set in the environment; set it and run again"
            )
        return {name: os.environ[name] for name in names}

    def life(self, entry: ledger.Rented) -> Life:
        self.sky = self.sky or Client(self.config.cloud)
        bounds = self.bounds()._replace(max_usd=entry.max_usd, max_hours=entry.max_hours)
        values = {name: os.environ.get(name, "") for name in self.config.secrets}
        if self.config.checkpoint.to:
            values[checkpoints.SECRET] = os.environ.get(checkpoints.SECRET, "")
        return Life(self.sky, entry, bounds, values, self.clock)

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Launches, or takes up what an earlier program launched, to the end of the job.

        A job that an earlier program saw end is over: `failed`, unless its result is here. One that this program finds
        failed after taking it up says `costs`: to try again is another charge, and for its user to decide."""
        entry = ledger.of(submission.id)
        if entry is None:
            told = ending.past(Path(submission.folder), submission.id)
            here = told.get("state") == "succeeded" and bool(told.get("fetched"))
            state = {"state": "succeeded" if here else "failed", "exit_code": None, "reason": "it is over"}
            yield Progress(kind="state", data=state)
            return
        taken_up = bool(entry.notes.get("asked"))
        if not taken_up:
            self.secrets()
        life = self.life(ledger.followed(entry))
        for progress in following.follow(life):
            if progress.kind == "state" and taken_up and progress.data["state"] != "succeeded":
                progress = Progress(kind="state", data={**progress.data, "costs": True})
            yield progress

    def fetch(self, submission: Submission) -> Path:
        """The checkpoint, each file as its hash there says. Ctrl-C is put off once, because the result was paid for."""
        entry = ledger.of(submission.id)
        if entry is None:
            told = ending.past(Path(submission.folder), submission.id)
            if told.get("fetched"):
                return Path(submission.folder) / str(told.get("output"))
            raise RunFailed(f"{submission.folder}: its machine is gone, and with it the result")
        life = self.life(entry)
        with ending.steadfast(lambda: say("fetching the result first; Ctrl-C again gives it up"), 2):
            found = ending.fetch(life, str(life.get("output")))
        self.forget(str(life.get("pushed_under")))
        return found

    def forget(self, under: str) -> None:
        """Checkpoints on the Hub are of no use once the result is here; that they stay is no reason to fail."""
        if not self.config.checkpoint.to:
            return
        import httpx
        from huggingface_hub import HfApi

        try:
            checkpoints.forget(HfApi(token=os.environ.get(checkpoints.SECRET)), self.config.checkpoint, under)
        except (httpx.HTTPError, BashGymError) as error:
            say(f"the checkpoints on the Hub could not be taken away: {' '.join(str(error).split())[:200]}")

    def cancel(self, submission: Submission) -> None:
        entry = ledger.of(submission.id)
        if entry is not None and entry.notes.get("job") is not None and not entry.notes.get("outcome"):
            watching.cancel(self.life(entry))

    def down(self, submission: Submission) -> None:
        """The machine gone and its entry closed; Ctrl-C does not keep it from that.

        Raises RunFailed, with the command a person types, where it is not seen to be gone."""
        entry = ledger.of(submission.id)
        if entry is None:
            return
        with ending.steadfast(lambda: say("bringing the machine down first; this takes a minute"), 0):
            life = self.life(ledger.followed(entry))
            try:
                self.rescue(life)
                ending.close(life)
            finally:
                self.leave()

    def rescue(self, life: Life) -> None:
        """Fetches what a training had saved that ended there by itself, and failed; Ctrl-C gives it up."""
        outcome = life.get("outcome") or {}
        if outcome.get("state") != "failed" or not outcome.get("exit_code"):
            return
        with contextlib.suppress(KeyboardInterrupt), ending.steadfast(lambda: None, 1):
            if found := saved.rescued(life):
                say(f"what it had saved is in {found}; the same command goes on from there")

    def leave(self) -> None:
        """Ends SkyPilot's processes, and takes its traces away when nothing else is rented there."""
        sky, self.sky = self.sky, None
        if sky is not None:
            with home.locked(self.config.cloud):
                others = any(one.cloud == self.config.cloud and one.plugin == PLUGIN for one in ledger.all_open())
                sky.close(last=not others)


def say(text: str) -> None:
    print(f"bashgym: {text}", file=sys.stderr, flush=True)
