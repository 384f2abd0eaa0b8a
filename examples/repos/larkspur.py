"""larkspur: invoices of a small shop."""

from repos.shape import Change, Flag, Function, Repo, Script

FORMAT_NUMBER = Function(
    module="invoices",
    name="format_number",
    code='''def format_number(number: str) -> str:
    """Invoice numbers have six digits."""
    return "INV-" + number.zfill(6)''',
    right='    return "INV-" + number.zfill(6)',
    wrong='    return "INV-" + number',
    almost='    return "INV-" + number.zfill(5)',
    tests=('format_number("42") == "INV-000042"', 'format_number("123456") == "INV-123456"'),
    does="formats an invoice number with six digits",
    fault="invoice numbers miss their zeros",
    new_name="invoice_label",
)
TOTAL = Function(
    module="invoices",
    name="total",
    code='''def total(lines: list[tuple[int, int]]) -> int:
    """Cents of all lines: amount times price."""
    return sum(amount * price for amount, price in lines)''',
    right="    return sum(amount * price for amount, price in lines)",
    wrong="    return sum(price for amount, price in lines)",
    tests=("total([(2, 500), (1, 250)]) == 1250", "total([]) == 0"),
    does="sums amount times price over the lines",
    fault="the total ignores the amounts",
    new_name="sum_lines",
)
ADD_VAT = Function(
    module="money",
    name="add_vat",
    code='''def add_vat(net: int, percent: int) -> int:
    """Gross cents, rounded down."""
    return net * (100 + percent) // 100''',
    right="    return net * (100 + percent) // 100",
    wrong="    return net * percent // 100",
    almost="    return net + percent // 100",
    tests=("add_vat(1000, 19) == 1190", "add_vat(0, 19) == 0"),
    does="adds a percentage of VAT to a net amount",
    fault="gross amounts are far too low",
    new_name="gross_amount",
)
FIND_CUSTOMER = Function(
    module="money",
    name="customer_for",
    code='''def customer_for(customers: dict[int, str], number: int) -> str | None:
    """The customer with this number."""
    if number not in customers:
        return None
    return customers[number].strip()''',
    right="    return customers[number].strip()",
    wrong="    return customers[number]",
    tests=('customer_for({7: " Otter Ltd "}, 7) == "Otter Ltd"', "customer_for({}, 1) is None"),
    does="looks up a customer by number",
    fault="customer names have blanks around them",
    new_name="lookup_customer",
)

REPO = Repo(
    name="larkspur",
    system="mac",
    about="Invoices of a small shop",
    argument="number",
    functions=(FORMAT_NUMBER, TOTAL, ADD_VAT, FIND_CUSTOMER),
    flags=(
        Flag("draft", "bool", "do not number the invoice"),
        Flag("percent", "int", "VAT in percent", "19"),
        Flag("currency", "str", "currency of the amounts", "EUR"),
    ),
    config=(
        "config/shop.yaml",
        "invoice:\n  due_days: 14\n  currency: EUR\n  vat_percent: 19\nreminder:\n"
        "  after_days: 7\n  max_reminders: 2\n",
    ),
    changes=(
        Change("due_days", "  due_days: 14", "  due_days: 30", "30"),
        Change("max_reminders", "  max_reminders: 2", "  max_reminders: 3", "3"),
        Change("after_days", "  after_days: 7", "  after_days: 10", "10"),
    ),
    usage=(
        "# Usage\n\nRun `larkspur NUMBER` to print an invoice number.\nAmounts are in cents.\n"
        "Invoices are due after two weeks.\n\n## Reminders\n\nA reminder is sent after a week.\n"
    ),
    sentences=(
        ("Invoices are due after two weeks.", "Invoices are due after 30 days."),
        ("A reminder is sent after a week.", "A reminder is sent after ten days."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "export.sh",
            "packs the invoices folder into a dated archive",
            '#!/usr/bin/env bash\nset -euo pipefail\nname="invoices-$(date +%Y-%m-%d).tar.gz"\n'
            'tar -czf "$name" invoices\n',
        ),
        Script(
            "count.sh",
            "prints how many invoices there are per year",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor year in invoices/*; do\n"
            '  echo "$(basename "$year") $(ls "$year" | wc -l)"\ndone\n',
        ),
    ),
    server="shop-1",
)
