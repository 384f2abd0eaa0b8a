"""What rewards share that run an answer: their settings, and the box it is run in."""

from functools import cached_property

from pydantic import Field

from bashgym import config, sandbox


class Boxed:
    """A reward says 1 or 0 by something that ran. Raises NoBox where no box works: nothing runs without one."""

    verifies = True

    class Config(config.Config):
        weight: float = Field(default=1.0, ge=0)
        """How much it counts in the sum of all rewards."""
        box: str = Field(default="", pattern="^(|bubblewrap|docker|landlock)$")
        """Which box runs the tests; empty: the first that works on the machine that trains."""
        image: str = ""
        """An image for box=docker that has what the tests need; empty: that machine's own programs."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @cached_property
    def box(self) -> sandbox.Box:
        return sandbox.choose(self.config.box, self.config.image)
