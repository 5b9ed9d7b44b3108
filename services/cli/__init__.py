"""The `winnow` command: send files, watch them, fetch what is handed back; run the stack; look after dead letters.

Consumes nothing; writes `file-uploaded` to the outbox for its user. Owns: what people see in a terminal, and exit codes.
"""
