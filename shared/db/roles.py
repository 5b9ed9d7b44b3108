"""Who may do what. None of the roles is a superuser, bypasses row-level security, or owns anything."""

import hashlib
import hmac

SERVICE_ROLES = (
    "winnow_parser",
    "winnow_validator",
    "winnow_committer",
    "winnow_exporter",
    "winnow_keeper",
    "winnow_gateway",
    "winnow_notifier",
)
READER_ROLES = ("winnow_reader", "winnow_operator")
RELAY_ROLE = "winnow_relay"
INTAKE_ROLE = "winnow_intake"
"""What a command or a page acts as for a user: it sends, starts, cancels, and takes up again."""
ROLES = (*SERVICE_ROLES, *READER_ROLES, RELAY_ROLE, INTAKE_ROLE)


def role_password(secret: str, role: str) -> str:
    """The password of a role: one secret to keep, and no role can work out another's."""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()
