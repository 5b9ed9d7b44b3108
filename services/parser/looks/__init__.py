"""A look at files before they are imported: taken beside the imports, which never wait for it.

* `job`         takes what is asked for, a few at a time
* `repository`  what is asked for (`gateway.looks`), and the answer (`gateway.uploads.look`)
"""
