"""Keeper: sees to it that nothing stays undone, and that nothing is kept for longer than it is to be.

Consumes: nothing. Publishes: whatever waits in the outbox of any topic, and again what nobody acted on.
Owns: missing topics, work that no process gets through, imports nobody goes on with, what is kept of ended imports, files
of no import, the gauges operators watch.
"""
