"""What families have in common when an import is taken back: `taken_back` says of each change that it is, in SQL."""
