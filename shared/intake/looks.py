"""A look at a file before it is imported: asked for by the gateway, taken by a parser, told by `gateway.uploads.look`.

Services never import each other, and a file is read in the parser's limited process only. So whoever completes an upload asks
with a row of `gateway.looks`, and any parser that has a moment answers.
"""

CHANNEL = "winnow_looks"
"""What is notified of when a look is asked for."""
