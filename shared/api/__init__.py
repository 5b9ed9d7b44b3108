"""What goes over HTTP: the models of the API, a module a noun. Pure: no framework, no database, no request.

* `wire`           what all of them have in common
* `problems`       how a refusal is said (RFC 9457), and every kind of refusal there is
* `pages`          lists by page
* `imports`        an import: its numbers, stages, files, relations, and what can be done with it
* `rows`           rows of an import, page by page
* `results`        what became of an import: errors, reasons, changes, a preview, what was made, repairs, how it was read
* `catalogue`      values a tenant's catalogue knows, categories nobody knows
* `operations`     what operators see: stages, imports that do not move, dead letters
* `people`         who asks
* `api_keys`       keys of upstream systems
* `uploads`        files on their way in
* `webhooks`       webhooks, what was delivered to them, and e-mail

The gateway answers with them and the client reads them. A field is added as an optional one; anything else is another
version of the API.
"""
