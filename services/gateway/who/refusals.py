"""Why somebody is not believed."""


class NotBelieved(Exception):
    """What was shown proves nothing. The message is for who asks; it repeats nothing of what was shown.

    `reason` is one word for the log.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class ProviderAway(Exception):
    """The OpenID Connect provider does not answer, or not as one: who asks can be neither believed nor refused."""
