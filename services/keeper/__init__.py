"""Keeper: sees to it that nothing stays undone.

Consumes: nothing. Publishes: whatever waits in the outbox of any topic, and again what nobody acted on.
Owns: missing topics, work that no process gets through, the gauges operators watch.
"""
