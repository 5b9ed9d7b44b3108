"""What is seen of imports and done with them, by the API and the pages alike: in a transaction of the tenant, in the words of `shared.api`.

* `transactions`  of who asks: to read, to act
* `registering`   a file in storage becomes an import
* `acts`          started, cancelled, dismissed, undone, marked as failed
* `seen`          one import: numbers, stages, files, relations, and what can be done with it
* `watched`       the same for many who watch it, read once
* `history`       lists of imports: filtered, sorted, counted, by page
* `results`, `rows`   what became of it, and of each row
* `standing`      how an import stands, and what may be asked of it. Pure
* `relatives`     what other imports have to do with it
* `files`, `links`    files that are handed back, and signed links to them
"""

from services.gateway.imports.seen import import_if_there, seen, summaries, the_import, version_of

__all__ = ["import_if_there", "seen", "summaries", "the_import", "version_of"]
