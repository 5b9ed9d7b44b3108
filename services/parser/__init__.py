"""Parser: from a file to staged chunks of raw rows.

Consumes: `file-uploaded`. Publishes: `rows-staged`, one event a chunk.
Owns: reading hostile files safely, finding headings and layout, mapping, groups, chunks, raw rows; the look at a file before
it is imported.
"""
