"""What is read and written in a terminal: options, hints, files, tables, bars."""
