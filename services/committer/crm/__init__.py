"""The family of CRM records: records, what they are known by, and their links."""

from services.committer.crm.family import Crm

__all__ = ["Crm"]
