"""Exporter: hands back what was not imported, in the sender's own layout.

consumes: import-completed · publishes: corrections-exported
owns: the correction workbook, the failed-rows CSV, and how reasons are said in them.
"""
