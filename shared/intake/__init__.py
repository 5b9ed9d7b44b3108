"""What a person does with imports, whoever they do it through: the command, the API, the pages.

* `registration`   a file that lies in storage, with the event that brings it to a parser
* `reports`        what was not imported and why; the entities an import made
* `repairs`        what of that was repaired since, by whom, and what is open
* `rows`           the rows of an import, by page and status
* `preview`        what a held import would do, counted; `changes` of records, before and after
* `pace`           how fast an import moves, stage by stage, and how long it takes yet
* `operations`     what is under way over all tenants, in ids and numbers
* `unmatched`      categories that were not found, with the nearest ones
* `catalogue`      what a tenant's catalogue knows by name
* `template`       an empty workbook to fill in
* `column_values`  the distinct values of a column, by page
* `mapping`        what the columns of a held import mean, changed
* `redrives`       events no stage could act on, sent again
* `erasure`        everything of one tenant, erased

Starting and cancelling are `shared.ledger.hold`, tenants `shared.ledger.tenants`. What writes runs as `winnow_intake`; what
reads rows of one tenant as `winnow_reader`, what lists imports of all as `winnow_operator`; what erases, as the administrator.
"""
