"""From a token's claims to a person."""

from typing import Any

import pytest

from services.gateway.people import Role
from services.gateway.who.claims import ClaimNames, person_of
from services.gateway.who.refusals import NotBelieved

GOOD: dict[str, Any] = {"sub": "u-1", "name": "Mara", "tenant": "nordlys", "roles": ["viewer"]}


def person(names: ClaimNames | None = None, **claims: Any) -> Any:
    said = {name: value for name, value in {**GOOD, **claims}.items() if value is not None}
    return person_of(said, names or ClaimNames(), "token")


def test_a_person_is_what_the_claims_say() -> None:
    mara = person(email="mara@nordlys.example")
    assert (mara.tenant, mara.user, mara.name, mara.email, mara.roles, mara.via, mara.csrf) == (
        "nordlys",
        "u-1",
        "Mara",
        "mara@nordlys.example",
        {Role.VIEWER},
        "token",
        None,
    )


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        (["viewer", "admin", "offline_access"], {Role.VIEWER, Role.ADMIN}),
        ("importer", {Role.IMPORTER}),
        ("viewer importer", {Role.VIEWER, Role.IMPORTER}),
        ([], set()),
        ("", set()),
        (None, set()),
        ({"viewer": True}, set()),
        (["Admin", 7, None, ["admin"]], set()),
    ],
    ids=lambda said: str(sorted(said)) if isinstance(said, set) else str(said),
)
def test_roles_are_read_in_whatever_shape_and_unknown_ones_passed_over(said: Any, roles: set[Role]) -> None:
    assert person(roles=said).roles == roles


def test_claims_can_lie_within_claims_and_have_other_names() -> None:
    names = ClaimNames("organization.id", "realm_access.roles", {"winnow-staff": Role.IMPORTER})
    found = person(names, organization={"id": "acme"}, realm_access={"roles": ["winnow-staff", "uma"]})
    assert (found.tenant, found.roles) == ("acme", {Role.IMPORTER})


def test_a_claim_whose_name_has_dots_is_found_by_its_whole_name() -> None:
    name = "https://winnow.example/tenant"
    assert person(ClaimNames(tenant=name), tenant="other", **{name: "acme"}).tenant == "acme"


@pytest.mark.parametrize("within", [None, "text", ["list"], {"other": 1}], ids=str)
def test_a_claim_that_leads_nowhere_says_nothing(within: Any) -> None:
    assert person(ClaimNames(roles="realm_access.roles"), realm_access=within).roles == set()


@pytest.mark.parametrize(
    ("said", "tenant"), [("acme", "acme"), (["acme"], "acme"), (None, None), ("", None), ([], None)]
)
def test_a_tenant_may_be_a_list_of_one_and_may_be_missing(said: Any, tenant: str | None) -> None:
    assert person(tenant=said).tenant == tenant


@pytest.mark.parametrize("said", [["acme", "other"], 17, {"id": "acme"}, "a b", "../acme", "a" * 65, True], ids=str)
def test_a_tenant_that_cannot_be_one_is_refused_not_guessed(said: Any) -> None:
    with pytest.raises(NotBelieved) as refused:
        person(tenant=said)
    assert refused.value.reason == "odd_tenant"


@pytest.mark.parametrize("said", [None, "", 17, "u" * 201, "u\x00", "\ud800"], ids=ascii)
def test_a_token_of_nobody_is_refused(said: Any) -> None:
    with pytest.raises(NotBelieved) as refused:
        person(sub=said)
    assert refused.value.reason == "no_subject"


def test_who_has_no_name_is_called_by_what_is_there() -> None:
    assert person(name=None, preferred_username="mlind", email="m@x.example").name == "mlind"
    assert person(name=" ", email="m@x.example").name == "m@x.example"
    assert person(name=None).name == "u-1"
    assert person(name="\x00", email="m\x00@x.example", preferred_username="mlind").name == "mlind"
    assert person(email="m\x00@x.example").email is None


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "m@x.example"}, "m@x.example"),
        ({"email": "m@x.example", "email_verified": True}, "m@x.example"),
        ({"email": "m@x.example", "email_verified": False}, None),
        ({"email": "m@x.example", "email_verified": "false"}, None),
        ({"email": "nobody"}, None),
        ({"email": ["m@x.example"]}, None),
        ({}, None),
    ],
    ids=str,
)
def test_an_address_that_nobody_has_proven_gets_no_mail(claims: dict[str, Any], email: str | None) -> None:
    assert person(**claims).email == email


def test_roles_contain_one_another_within_a_tenant_and_operators_stand_beside() -> None:
    assert person(roles=["admin"]).may(Role.VIEWER)
    assert not person(roles=["viewer"]).may(Role.IMPORTER)
    assert not person(roles=["admin"]).may(Role.OPERATOR)
    operator = person(roles=["operator"], tenant=None)
    assert operator.may(Role.OPERATOR)
    assert not operator.may(Role.VIEWER)
    assert not person(roles=["admin"], tenant=None).may(Role.VIEWER)
