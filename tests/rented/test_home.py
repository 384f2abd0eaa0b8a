"""SkyPilot's home: what a killed server left of itself is ended, what belongs to others is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bashgym.rented import home

CHILD = "import time; time.sleep(120)  # multiprocessing"
SERVER = "import time; time.sleep(120)"


@pytest.mark.skipif(sys.platform != "linux", reason="environments of processes are read from /proc")
def test_the_rest_of_a_killed_server_is_ended(own_home: Path):
    places = [home.place("vast"), home.place("runpod")]
    variables = [{**os.environ, "HOME": str(place), "IS_SKYPILOT_SERVER": "true"} for place in places]
    variables.append({**variables[0], "IS_SKYPILOT_SERVER": "false"})
    left = [subprocess.Popen([sys.executable, "-c", CHILD], env=one) for one in variables]
    living = subprocess.Popen([sys.executable, "-c", SERVER], env=variables[0])
    left.append(living)
    try:
        home.unblock("vast")
        assert left[0].wait(10) == -9
        assert left[1].poll() is None and left[2].poll() is None and living.poll() is None
        home.unblock("vast", living=True)  # one that was told to end, and did not answer
        assert living.wait(10) == -9
        assert left[1].poll() is None and left[2].poll() is None
    finally:
        for one in left:
            one.kill()
            one.wait()
