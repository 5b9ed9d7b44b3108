"""How Winnow is run."""
