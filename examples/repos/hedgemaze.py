"""hedgemaze: ways through a grid."""

from repos.shape import Change, Flag, Function, Repo, Script

PARSE_POINT = Function(
    module="grid",
    name="parse_point",
    code='''def parse_point(text: str) -> tuple[int, int]:
    """A point such as `3,4`."""
    x, y = text.split(",")
    return int(x), int(y)''',
    right="    return int(x), int(y)",
    wrong="    return int(y), int(x)",
    almost="    return int(x), int(x)",
    tests=('parse_point("3,4") == (3, 4)', 'parse_point("0, 0") == (0, 0)'),
    does="reads a point like 3,4",
    fault="x and y are swapped",
    new_name="read_point",
)
MANHATTAN = Function(
    module="grid",
    name="manhattan",
    code='''def manhattan(start: tuple[int, int], end: tuple[int, int]) -> int:
    """Steps between two points without walls."""
    return abs(start[0] - end[0]) + abs(start[1] - end[1])''',
    right="    return abs(start[0] - end[0]) + abs(start[1] - end[1])",
    wrong="    return start[0] - end[0] + start[1] - end[1]",
    almost="    return abs(start[0] - end[0]) - abs(start[1] - end[1])",
    tests=("manhattan((0, 0), (2, 3)) == 5", "manhattan((1, 1), (1, 1)) == 0"),
    does="counts the steps between two points",
    fault="distances are negative",
    new_name="grid_distance",
)
PATH_LENGTH = Function(
    module="path",
    name="path_length",
    code='''def path_length(points: list[tuple[int, int]]) -> int:
    """Steps of a path: one less than its points."""
    return max(len(points) - 1, 0)''',
    right="    return max(len(points) - 1, 0)",
    wrong="    return len(points)",
    tests=("path_length([(0, 0), (0, 1), (1, 1)]) == 2", "path_length([]) == 0"),
    does="counts the steps of a path",
    fault="path lengths are one too high",
    new_name="count_steps",
)
FIRST_STEP = Function(
    module="path",
    name="first_step",
    code='''def first_step(points: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Where a path goes from its start."""
    if len(points) < 2:
        return None
    return points[1]''',
    right="    return points[1]",
    wrong="    return points[0]",
    tests=("first_step([(0, 0), (0, 1)]) == (0, 1)", "first_step([]) is None"),
    does="returns the second point of a path",
    fault="the walker does not move, first step is the start",
    new_name="next_point",
)

REPO = Repo(
    name="hedgemaze",
    system="linux",
    about="Ways through a grid with walls",
    argument="point",
    functions=(PARSE_POINT, MANHATTAN, PATH_LENGTH, FIRST_STEP),
    flags=(
        Flag("diagonal", "bool", "allow diagonal steps"),
        Flag("size", "int", "size of the grid", "16"),
        Flag("start", "str", "where to start", "0,0"),
    ),
    config=(
        "config/maze.json",
        '{\n  "width": 16,\n  "height": 16,\n  "walls": 40,\n  "seed": 7,\n  "solver": "breadth"\n}\n',
    ),
    changes=(
        Change("walls", '  "walls": 40,', '  "walls": 60,', "60"),
        Change("width", '  "width": 16,', '  "width": 32,', "32"),
        Change("seed", '  "seed": 7,', '  "seed": 11,', "11"),
    ),
    usage=(
        "# Usage\n\nRun `hedgemaze POINT` to check a point.\nThe grid has 16 columns.\n"
        "Walls are placed by chance.\n\n## Solvers\n\nThe solver looks at all ways.\n"
    ),
    sentences=(
        ("The grid has 16 columns.", "The grid has 32 columns."),
        ("Walls are placed by chance.", "Walls are placed by a seed."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "bench.sh",
            "times ten runs of the solver",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor run in $(seq 10); do\n  time python -m hedgemaze 3,4\ndone\n",
        ),
        Script(
            "draw.sh",
            "renders all mazes to png",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor maze in mazes/*.txt; do\n"
            '  python -m hedgemaze.draw "$maze" "${maze%.txt}.png"\ndone\n',
        ),
    ),
    server="maze-1",
)
