"""A misspelt tenant is answered with the one that was meant."""

import pytest

from shared.ledger.tenants import UnknownTenant, nearest
from shared.messaging.failures import FailureKind, kind_of


@pytest.mark.parametrize(
    ("said", "meant"),
    [("acmee", "acme"), ("ACME", "acme"), ("nordic-wear", "nordic.wear"), ("zebra", None)],
)
def test_the_nearest_name_is_found_where_one_is_near(said: str, meant: str | None) -> None:
    assert nearest(said, ["acme", "nordic.wear", "fjord-field"]) == meant


def test_nothing_is_near_where_there_is_nobody() -> None:
    assert nearest("acme", []) is None


def test_an_unknown_tenant_says_who_may_have_been_meant_and_how_to_register_a_new_one() -> None:
    said = str(UnknownTenant("acmee", "acme"))
    assert said == (
        'Tenant "acmee" is not registered. Did you mean "acme"? If it is a new one, register it first: '
        "winnow tenants add acmee"
    )
    assert "Did you mean" not in str(UnknownTenant("acmee", None))


def test_an_event_of_one_is_not_tried_again_before_somebody_has_acted() -> None:
    assert kind_of(UnknownTenant("acmee", None)) is FailureKind.POISON
