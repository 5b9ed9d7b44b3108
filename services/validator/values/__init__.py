"""Values that mean the same in every family: a cell's text in, a typed value or the cell's error out. Pure."""
