"""What families that change records have in common: their changes are noted, so that they can be shown and taken back."""
