"""What a file may ask of the process that reads it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one reading process; sizes in bytes."""

    rows: int = 1_048_576
    left_over_rows: int = 2_000_000
    columns: int = 200
    heading_characters: int = 2_000
    """Of one heading: the layout, every notice and every error of its column repeat it."""
    row_bytes: int = 8_000_000
    """Of one row's cells as JSON: what is said of it has to fit a frame, and the parser's memory."""
    text_bytes: int = 2_000_000_000
    inflated_bytes: int = 4_000_000_000
    inflate_ratio: int = 250
    archive_entries: int = 2_000
    address_space: int = 768 * 1024 * 1024
    cpu_seconds: int = 900
