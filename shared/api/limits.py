"""How much one answer has at most. Loads nothing: what helps to ask says it, too."""

MOST_IMPORTS = 200
"""Imports of a page."""

MOST_RECENT, RECENT = 10, 5
"""Recent imports, and as many as there are when nobody says how many."""

MOST_ROWS = 500
"""Rows, errors or changes of a page."""

MOST_VALUES = 500
"""Names of a catalogue of a page."""

MOST_UNMATCHED = 100
"""Categories nobody knows, of an import."""

MOST_CHANGES = 200
"""Changes of a preview."""

MOST_NAMES = 200
"""Names of each kind that an import made."""
