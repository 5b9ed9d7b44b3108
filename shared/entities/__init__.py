"""What files describe: declarations that mapping, validation, correction layout and docs all read. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.entities.crm import CRM
from shared.entities.declaration import EntityType
from shared.entities.products import PRODUCTS

_DECLARED = (PRODUCTS, *CRM)

ENTITY_TYPES: Mapping[str, EntityType] = MappingProxyType({entity.name: entity for entity in _DECLARED})
"""Every entity type by the name events use."""

MODES: tuple[str, ...] = ("create", "enrich", "upsert")
"""Every mode there is a word for; which of them an entity type can do is `EntityType.modes`."""

__all__ = ["ENTITY_TYPES", "MODES", "PRODUCTS", "EntityType"]
