"""The API, `/v1`: a module a resource."""
