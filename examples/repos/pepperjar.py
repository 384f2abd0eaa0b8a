"""pepperjar: recipes and what is in the pantry."""

from repos.shape import Change, Flag, Function, Repo, Script

PARSE_AMOUNT = Function(
    module="amounts",
    name="parse_amount",
    code='''def parse_amount(text: str) -> float:
    """Amounts may be written as 1/2."""
    if "/" in text:
        over, under = text.split("/")
        return int(over) / int(under)
    return float(text)''',
    right="        return int(over) / int(under)",
    wrong="        return int(over) // int(under)",
    almost="        return int(under) / int(over)",
    tests=('parse_amount("1/2") == 0.5', 'parse_amount("3") == 3.0'),
    does="reads an amount like 1/2",
    fault="half a cup becomes zero",
    new_name="read_amount",
)
SCALE = Function(
    module="amounts",
    name="scale",
    code='''def scale(amount: float, people: int, wanted: int) -> float:
    """The amount for another number of people."""
    return amount * wanted / people''',
    right="    return amount * wanted / people",
    wrong="    return amount * people / wanted",
    almost="    return amount / people",
    tests=("scale(2.0, 4, 8) == 4.0", "scale(3.0, 3, 1) == 1.0"),
    does="scales an amount to another number of people",
    fault="scaling up makes the amounts smaller",
    new_name="scale_amount",
)
MISSING = Function(
    module="pantry",
    name="missing",
    code='''def missing(needed: list[str], pantry: set[str]) -> list[str]:
    """What has to be bought, in the order of the recipe."""
    return [item for item in needed if item not in pantry]''',
    right="    return [item for item in needed if item not in pantry]",
    wrong="    return [item for item in needed if item in pantry]",
    tests=('missing(["salt", "rice"], {"salt"}) == ["rice"]', "missing([], set()) == []"),
    does="lists what has to be bought",
    fault="the shopping list has what we already own",
    new_name="shopping_list",
)
CHEAPEST = Function(
    module="pantry",
    name="cheapest",
    code='''def cheapest(prices: dict[str, int]) -> str | None:
    """The shop with the lowest price."""
    if not prices:
        return None
    return min(prices, key=lambda shop: prices[shop])''',
    right="    return min(prices, key=lambda shop: prices[shop])",
    wrong="    return min(prices)",
    tests=('cheapest({"anna": 9, "bert": 4}) == "bert"', "cheapest({}) is None"),
    does="returns the shop with the lowest price",
    fault="it picks the first shop by name",
    new_name="best_shop",
)

REPO = Repo(
    name="pepperjar",
    system="linux",
    about="Recipes and what is in the pantry",
    argument="amount",
    functions=(PARSE_AMOUNT, SCALE, MISSING, CHEAPEST),
    flags=(
        Flag("metric", "bool", "show grams"),
        Flag("people", "int", "people to cook for", "4"),
        Flag("diet", "str", "kind of diet", "any"),
    ),
    config=(
        "config/kitchen.json",
        '{\n  "people": 4,\n  "units": "metric",\n  "max_minutes": 45,\n  "shops": 3,\n  "plan_days": 7\n}\n',
    ),
    changes=(
        Change("max_minutes", '  "max_minutes": 45,', '  "max_minutes": 30,', "30"),
        Change("people", '  "people": 4,', '  "people": 2,', "2"),
        Change("shops", '  "shops": 3,', '  "shops": 5,', "5"),
    ),
    usage=(
        "# Usage\n\nRun `pepperjar AMOUNT` to read an amount.\nRecipes serve four people.\n"
        "Shops are compared by price.\n\n## Planning\n\nA plan covers seven days.\n"
    ),
    sentences=(
        ("Recipes serve four people.", "Recipes serve two people."),
        ("A plan covers seven days.", "A plan covers ten days."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "list.sh",
            "prints the shopping list of this week",
            '#!/usr/bin/env bash\nset -euo pipefail\nsort -u "plans/$(date +%V)"/*.txt\n',
        ),
        Script(
            "import.sh",
            "moves recipes from the inbox to the recipes folder",
            '#!/usr/bin/env bash\nset -euo pipefail\nfor recipe in inbox/*.md; do\n  mv "$recipe" recipes/\ndone\n',
        ),
    ),
    server="kitchen-1",
)
