"""What is said in a request and may be looked for, or kept, in the database. Pure."""


def can_be_kept(said: str) -> bool:
    """Whether a text of the database can hold it: no NUL, no half of a character."""
    return "\x00" not in said and not any("\ud800" <= char <= "\udfff" for char in said)
