"""Writes validated chunks to production.

Consumes `rows-validated` (one event a chunk), publishes `import-completed` (with the last chunk of an import).
Owns: the set-based writes of the product graph with the entities it names, the isolation of groups that the database
refuses, the counts of a chunk.
"""
