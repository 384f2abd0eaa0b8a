"""cobaltine: readings of sensors."""

from repos.shape import Change, Flag, Function, Repo, Script

SENSOR_NAME = Function(
    module="units",
    name="sensor_name",
    code='''def sensor_name(label: str) -> str:
    """Labels look like `roof/north/temp`; the name is the last part."""
    return label.rsplit("/", 1)[-1]''',
    right='    return label.rsplit("/", 1)[-1]',
    wrong='    return label.rsplit("/", 1)[0]',
    almost='    return label.split("/", 1)[-1]',
    tests=('sensor_name("roof/north/temp") == "temp"', 'sensor_name("temp") == "temp"'),
    does="returns the last part of a sensor label",
    fault="sensor names show the place instead",
    new_name="label_name",
)
TO_FAHRENHEIT = Function(
    module="units",
    name="to_fahrenheit",
    code='''def to_fahrenheit(celsius: float) -> float:
    """Degrees Fahrenheit, one decimal."""
    return round(celsius * 9 / 5 + 32, 1)''',
    right="    return round(celsius * 9 / 5 + 32, 1)",
    wrong="    return round(celsius * 5 / 9 + 32, 1)",
    almost="    return round((celsius + 32) * 9 / 5, 1)",
    tests=("to_fahrenheit(100) == 212.0", "to_fahrenheit(0) == 32.0"),
    does="converts degrees Celsius to Fahrenheit",
    fault="fahrenheit values are too low",
    new_name="fahrenheit",
)
AVERAGE = Function(
    module="readings",
    name="average",
    code='''def average(values: list[float]) -> float:
    """Mean of the values, 0.0 where there is none."""
    if not values:
        return 0.0
    return sum(values) / len(values)''',
    right="    if not values:\n        return 0.0\n    return sum(values) / len(values)",
    wrong="    return sum(values) / len(values)",
    tests=("average([]) == 0.0", "average([1.0, 2.0]) == 1.5"),
    does="averages a list of values",
    fault="it crashes when there are no readings",
    new_name="mean",
)
LATEST = Function(
    module="readings",
    name="latest",
    code='''def latest(readings: dict[int, float]) -> float | None:
    """The value with the highest time stamp."""
    if not readings:
        return None
    return readings[max(readings)]''',
    right="    return readings[max(readings)]",
    wrong="    return max(readings.values())",
    tests=("latest({1: 9.5, 2: 4.5}) == 4.5", "latest({}) is None"),
    does="returns the newest reading",
    fault="latest shows the highest value, not the newest",
    new_name="newest_reading",
)

REPO = Repo(
    name="cobaltine",
    system="linux",
    about="Readings of sensors, stored and averaged",
    argument="label",
    functions=(SENSOR_NAME, TO_FAHRENHEIT, AVERAGE, LATEST),
    flags=(
        Flag("raw", "bool", "show values as they came"),
        Flag("hours", "int", "hours to look back", "24"),
        Flag("unit", "str", "unit of temperatures", "celsius"),
    ),
    config=(
        "config/sensors.toml",
        "[poll]\ninterval = 60\nretries = 3\n\n[storage]\nkeep_days = 90\nbatch = 500\n\n[alarm]\nthreshold = 40\n",
    ),
    changes=(
        Change("interval", "interval = 60", "interval = 20", "20"),
        Change("threshold", "threshold = 40", "threshold = 35", "35"),
        Change("retries", "retries = 3", "retries = 6", "6"),
    ),
    usage=(
        "# Usage\n\nRun `cobaltine LABEL` to see the name of a sensor.\n"
        "Sensors are polled once a minute.\nValues are kept for 90 days.\n\n## Alarms\n\n"
        "An alarm is raised above 40 degrees.\n"
    ),
    sentences=(
        ("Sensors are polled once a minute.", "Sensors are polled every 20 seconds."),
        ("An alarm is raised above 40 degrees.", "An alarm is raised above 35 degrees."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "prune.sh",
            "deletes readings older than 90 days",
            "#!/usr/bin/env bash\nset -euo pipefail\nfind readings -name '*.csv' -mtime +90 -delete\n",
        ),
        Script(
            "merge.sh",
            "joins all csv files of readings into all.csv",
            "#!/usr/bin/env bash\nset -euo pipefail\n: > all.csv\nfor file in readings/*.csv; do\n"
            '  tail -n +2 "$file" >> all.csv\ndone\n',
        ),
    ),
    server="sensors-3",
)
