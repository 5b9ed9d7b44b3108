"""The operations of the API: a method for each, named as that is, with its parameters; one module for each kind."""
