"""The family of CRM records: every row is one record, matched, linked and merged."""

from services.validator.crm.family import Crm

__all__ = ["Crm"]
