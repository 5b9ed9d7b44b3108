"""Validator: typed values, rules and references of each chunk's rows.

consumes: rows-staged · publishes: rows-validated
owns: what a good row is; every reason why a row is not; typed staging rows and row errors.
"""
