"""Reading a hostile file: a limited child process, what it says, and the parser's side of it.

* `child`      the process that reads
* `sandbox`    it is started, listened to, and whatever becomes of it is a refusal
* `frames`     what it says, as bytes over a pipe
* `limits`     what a file may ask of it
* `workspace`  where files lie meanwhile
* `lease`      one process at a time reads a file
"""
