from shared.api.catalogue import KINDS
from shared.intake import catalogue


def test_the_kinds_that_can_be_asked_for_are_those_of_the_catalogue() -> None:
    assert set(KINDS) == set(catalogue.KINDS)
