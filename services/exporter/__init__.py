"""Exporter: hands back what was not imported, in the sender's own columns.

consumes: import-completed · publishes: corrections-exported, unprocessed-exported
owns: the correction workbook, the failed-rows CSV, the unprocessed-rows CSV, and how errors are said in them.
"""
