"""What is kept how long, and how it goes: of ended imports, of imports nobody goes on with, and of files of no import.

* `periods`     the times
* `rows`        rows of ended imports: typed ones, those that were read, their errors
* `files`       what was sent and what was handed back
* `abandoned`   imports that wait for somebody who does not come, ended with a reason
* `arrivals`    files on their way in, and those that came in for nothing
* `orphans`     objects that no import names
* `deliveries`  what was told to webhooks and by e-mail
* `cleanup`     all of it, one after the other: what the keeper and `winnow cleanup` do

The record of an import stays: it is the history, and says what was removed and when. Nothing that is moving is touched:
each change is guarded by what makes it due, under the import's lock, in a transaction of its own. So it may be done by
several at once, and be ended at any instant. It runs as `winnow_keeper`, with a storage key that lists and deletes.
"""
