"""A folder of anybody's spreadsheets and text files against the reader: `make corpora DIR=…`. Not part of `make test`."""
