"""The sample's workbook: nine sheets of a small company's set-up, some 5,000 rows."""

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import xlsxwriter

Cell = str | int | float | date
Sheet = Sequence[Sequence[Cell]]

#: What is wrong on purpose: sheet, row of the sheet, and why it must fail.
FAULTS: Final = (
    ("Vendor groups", 9, "the group of the row before, once more"),
    ("Main accounts", 118, "an account type that AX does not know"),
    ("Customers", 205, "a name that is longer than the field"),
    ("Customers", 911, "a customer group that does not exist"),
    ("Vendors", 88, "a mandatory name that is missing"),
    ("Purchase orders", 47, "a day that no calendar has"),
    ("Purchase order lines", 302, "a quantity that is no number; the whole order stays out"),
)

_CURRENCIES: Final = {
    "AUD": "Australian dollar", "BRL": "Brazilian real", "CAD": "Canadian dollar", "CHF": "Swiss franc", "CNY": "Chinese yuan",
    "CZK": "Czech koruna", "DKK": "Danish krone", "EUR": "Euro", "GBP": "Pound sterling", "HUF": "Hungarian forint",
    "INR": "Indian rupee", "JPY": "Japanese yen", "MXN": "Mexican peso", "NOK": "Norwegian krone", "NZD": "New Zealand dollar",
    "PLN": "Polish zloty", "SEK": "Swedish krona", "SGD": "Singapore dollar", "TRY": "Turkish lira", "USD": "US dollar",
}  # fmt: skip
_TERMS: Final = (0, 7, 10, 14, 15, 20, 21, 30, 45, 60, 75, 90)
_GROUPS: Final = ("Wholesale", "Retail", "Internet", "Government", "Education", "Intercompany", "Export", "Domestic")
_FIRMS: Final = ("Contoso", "Fabrikam", "Northwind", "Adventure Works", "Tailspin", "Wingtip", "Litware", "Proseware")
_TRADES: Final = ("Traders", "Toys", "Audio", "Cycles", "Foods", "Paper", "Tools", "Glass", "Textiles", "Logistics")
_TYPES: Final = ("Asset", "Liability", "Equity", "Revenue", "Cost", "ProfitAndLoss", "BalanceSheet")
_CUSTOMERS: Final = 1_750
_VENDORS: Final = 650
_ORDERS: Final = 520


def workbook() -> bytes:
    """The workbook's bytes, the same at every call."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": "Contoso starter", "created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
        styles = {"head": book.add_format({"bold": True}), "day": book.add_format({"num_format": "yyyy-mm-dd"})}
        for name, rows in sheets().items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    _write(sheet, number, column, cell, styles)
    return data.getvalue()


def _write(sheet: "xlsxwriter.worksheet.Worksheet", row: int, column: int, cell: Cell, styles: Mapping[str, object]) -> None:
    """Codes are text, with their leading zeros; amounts are numbers and days are dates, as people type them."""
    if isinstance(cell, date):
        sheet.write_datetime(row, column, cell, styles["day"])
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell, *([styles["head"]] if row == 0 else []))
    else:
        sheet.write_number(row, column, cell)


def sheets() -> dict[str, Sheet]:
    """The rows of each sheet, its column names first; what stands in `FAULTS` is wrong in them."""
    made: dict[str, list[list[Cell]]] = {
        "Currencies": [["Currency code", "Name", "Symbol", "Round off price"], *_currencies()],
        "Payment terms": [["Terms of payment", "Description", "Payment method", "Days"], *_terms()],
        "Customer groups": [["Customer group", "Name", "Terms of payment"], *_groups(20)],
        "Vendor groups": [["Vendor group", "Name", "Terms of payment"], *_groups(16)],
        "Main accounts": [["Main account", "Name", "Type", "Currency"], *_accounts()],
        "Customers": [
            ["Account", "Name", "Customer group", "Currency", "Terms of payment", "Credit limit", "Blocked", "Valid from"],
            *_customers(),
        ],
        "Vendors": [["Account", "Name", "Vendor group", "Currency", "Terms of payment"], *_vendors()],
        "Purchase orders": [["Purchase order", "Vendor", "Currency", "Delivery date", "Status"], *_orders()],
        "Purchase order lines": [["Purchase order", "Line number", "Item", "Quantity", "Price"], *_lines()],
    }
    _spoil(made)
    return dict(made)


def _spoil(made: dict[str, list[list[Cell]]]) -> None:
    """Put the faults in. A sheet's row 1 holds the column names: row n is item n - 1."""
    made["Vendor groups"][8][0] = made["Vendor groups"][7][0]
    made["Main accounts"][117][2] = "Assett"
    made["Customers"][204][1] = f"Contoso {'and Sons ' * 12}Limited"
    made["Customers"][910][2] = "099"
    made["Vendors"][87][1] = ""
    made["Purchase orders"][46][3] = "2026-02-30"
    made["Purchase order lines"][301][3] = "ten"


def _currencies() -> Iterator[list[Cell]]:
    for code, name in _CURRENCIES.items():
        yield [code, name, code[:1], 0.01 if code not in {"JPY", "HUF"} else 1]


def _terms() -> Iterator[list[Cell]]:
    for days in _TERMS:
        yield [f"N{days:03}", f"Net {days} days" if days else "Cash on delivery", "Net" if days else "COD", days]
    for number, method in enumerate(("CurrentWeek", "CurrentMonth", "CurrentQuarter", "CurrentYear"), start=1):
        yield [f"M{number:03}", f"End of {method.removeprefix('Current').lower()}", method, 0]


def _groups(count: int) -> Iterator[list[Cell]]:
    for number in range(count):
        yield [f"{number * 10:03}", f"{_GROUPS[number % len(_GROUPS)]} {number // len(_GROUPS) + 1}", _term(number)]


def _accounts() -> Iterator[list[Cell]]:
    for number in range(420):
        kind = _TYPES[number // 60]
        yield [f"{110000 + number * 10}", f"{kind} account {number + 1}", kind, _currency(number) if number % 5 == 0 else ""]


def _customers() -> Iterator[list[Cell]]:
    start = date(2020, 1, 1)
    for number in range(_CUSTOMERS):
        group, blocked = f"{number % 20 * 10:03}", "Invoice" if number % 97 == 0 else "No"
        limit = round(1000 + number * 12.35, 2)
        yield [f"C{number:05}", _firm(number), group, _currency(number), _term(number), limit, blocked, start + timedelta(number)]


def _vendors() -> Iterator[list[Cell]]:
    for number in range(_VENDORS):
        group = number % 16 if number % 16 != 7 else 6  # group 070 is the one that is not there
        yield [f"{number:06}", _firm(number + 3), f"{group * 10:03}", _currency(number * 3), _term(number * 5)]


def _orders() -> Iterator[list[Cell]]:
    start = date(2026, 2, 2)
    for number in range(_ORDERS):
        vendor = number % _VENDORS if number % _VENDORS != 86 else 85  # vendor 000086 has no name and stays out
        day = start + timedelta(days=number % 90)
        yield [_order(number), f"{vendor:06}", _currency(number), day, "Backorder"]


def _lines() -> Iterator[list[Cell]]:
    for order in range(_ORDERS):
        for line in range(1, 2 + order % 5):
            item = f"{(order * 7 + line) % 900:04}"
            yield [_order(order), line, item, line * 5, round(9.95 + order * 0.37 + line, 2)]


def _order(number: int) -> str:
    return f"PO-{number + 1:06}"


def _firm(number: int) -> str:
    firms, trades = len(_FIRMS), len(_TRADES)
    return f"{_FIRMS[number % firms]} {_TRADES[number // firms % trades]} {number // (firms * trades) + 1}"


def _currency(number: int) -> str:
    codes = tuple(_CURRENCIES)
    return codes[number % len(codes)]


def _term(number: int) -> str:
    return f"N{_TERMS[number % len(_TERMS)]:03}"
