"""Every entity type has its rules and its writes."""

import pytest

from services.committer import families as committer
from services.validator import families as validator
from services.validator.flat import Flat
from shared.entities import ENTITY_TYPES, PRODUCTS


def test_every_entity_type_has_a_family_in_the_validator_and_in_the_committer() -> None:
    assert validator.families().keys() == committer.families().keys() == ENTITY_TYPES.keys()
    assert validator.FAMILIES.keys() == committer.FAMILIES.keys()


def test_what_is_not_flat_is_not_taken_for_it() -> None:
    with pytest.raises(ValueError, match="stand alone"):
        Flat(PRODUCTS)
