"""What a person does with imports, whoever they do it through: the command, the API, the pages.

* `uploads`        a file on its way in
* `reports`        what was not imported and why; the entities an import made
* `repairs`        what of that was repaired since, by whom, and what is open
* `mapping`        what the columns of a held import mean, changed
* `redrives`       events no stage could act on, sent again
* `erasure`        everything of one tenant, erased

Starting and cancelling are `shared.ledger.hold`, tenants `shared.ledger.tenants`. What writes runs as `winnow_intake`; what
erases, as the administrator.
"""
