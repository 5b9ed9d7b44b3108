"""An example file of people to try things out with: companies by name and by domain, somebody twice, and mistakes that senders make."""

from collections.abc import Iterator
from io import BytesIO

import xlsxwriter

FILE_NAME = "example-people.xlsx"
PEOPLE = 30

HEADINGS = ("Contact name", "E-mail", "Mobile", "Employer", "Position", "LinkedIn profile", "Internal note")
_NAMES = (
    *("Ada Byron", "Grace Hopper", "José Álvarez", "Maria Mayer", "Rosalind Franklin", "Katherine Johnson"),
    *("Lise Meitner", "Emmy Noether", "Chien-Shiung Wu", "Hedy Lamarr", "Dorothy Hodgkin", "Mary Somerville"),
    *("Sofia Kovalevskaya", "Barbara McClintock", "Rachel Carson", "Vera Rubin", "Jocelyn Bell", "Tu Youyou"),
    *("Annie Easley", "Margaret Hamilton", "Karen Uhlenbeck", "Wang Zhenyi", "Ida Noddack", "Inge Lehmann"),
    *("Mileva Marić", "Alice Ball", "Jane Goodall", "Caroline Herschel", "Sally Ride", "Maryam Mirzakhani"),
)
_EMPLOYERS = (
    "Analytical Engines",
    "engines.example",
    "Navy Research",
    "Álvarez Hermanos",
    "Göttingen Institute",
    "kcl.example",
)
_POSITIONS = ("Director", "Head of purchasing", "Engineer", "Account manager", "Researcher")
_HOSTS = ("engines.example", "navyresearch.example", "alvarez.example", "goettingen.example", "kcl.example")
# Two @, no dot behind it, words in place of a number: each in the row of somebody else.
_MISTAKES = {
    4: ("E-mail", "info@@engines.example"),
    11: ("E-mail", "dorothy@navyresearch"),
    19: ("Mobile", "call the front desk"),
}
_TWICE = 2


def example_people() -> bytes:
    """The workbook, the same every time."""
    written = BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("People")
        bold, as_text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        for column, heading in enumerate(HEADINGS):
            sheet.write_string(0, column, heading, bold)
            sheet.set_column(column, column, max(18, len(heading) + 2))
        for number, row in enumerate(_rows(), start=1):
            for column, heading in enumerate(HEADINGS):
                sheet.write_string(number, column, row[heading], as_text)
        sheet.freeze_panes(1, 1)
    return written.getvalue()


def _rows() -> Iterator[dict[str, str]]:
    for number, name in enumerate(_NAMES):
        yield _person(number, name) | dict([_MISTAKES[number]] if number in _MISTAKES else [])
    # The same person once more: what the first row made, this one changes.
    yield _person(_TWICE, _NAMES[_TWICE]) | {"Position": "Managing director"}


def _person(number: int, name: str) -> dict[str, str]:
    local = "".join(
        letter for letter in name.lower().replace(" ", ".") if letter.isascii() and (letter.isalpha() or letter == ".")
    )
    return {
        "Contact name": name,
        "E-mail": f"{local}@{_HOSTS[number % len(_HOSTS)]}",
        "Mobile": f"+45 32 12 {34 + number:02d} {10 + number:02d}",
        "Employer": _EMPLOYERS[number % len(_EMPLOYERS)],
        "Position": _POSITIONS[number % len(_POSITIONS)],
        "LinkedIn profile": f"https://linkedin.com/in/{local.replace('.', '-')}",
        "Internal note": "called twice" if number % 5 == 0 else "",
    }
