"""The Winnow of this checkout: the only part of the command that knows the local stack (`deploy`)."""
