"""What is seen of imports, by the API and the pages alike: read in a transaction of the tenant, said in the words of `shared.api`.

* `seen`       one import: numbers, stages, files, relations, and what can be done with it
* `history`    lists of imports: filtered, sorted, counted, by page
* `standing`   how an import stands, and what may be asked of it. Pure
* `relatives`  what other imports have to do with it
* `cursors`    places in a list, as they are handed out and taken back
"""

from services.gateway.imports.seen import seen, summaries, version_of

__all__ = ["seen", "summaries", "version_of"]
