"""Formats of files: which one it is, whether it is safe to read, and its rows of cells."""
