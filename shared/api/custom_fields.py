"""Fields of records: those that every tenant has, and a tenant's own."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.api.wire import Answer, Asked, Moment
from shared.entities.own_fields import LONGEST_CODE, LONGEST_NAME, MOST_DECIMALS, MOST_OPTIONS, Type

CrmType: TypeAlias = Literal["companies", "people", "opportunities", "tasks", "notes"]
Target: TypeAlias = Literal["companies", "people", "opportunities", "tasks", "notes", "users"]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Code = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_CODE, pattern=r"^[A-Za-z][A-Za-z0-9_]*$"),
    Field(description="Letters, digits and `_`, beginning with a letter; kept in lower case. Never changes."),
]
Most = Annotated[
    int | None, Field(ge=1, le=100, description="How many values a record has at most; null for any number.")
]
Longest = Annotated[int | None, Field(ge=1, le=32_000, description="The most characters of a text.")]
Places = Annotated[int | None, Field(ge=0, le=MOST_DECIMALS, description="Decimal places that are kept of a number.")]


class FieldOption(Answer):
    """What a cell of the field may say; its id says it as well."""

    id: str
    name: str


class OptionAsked(Asked):
    """An option as it is to be. With the id of one that is there, it is called so from now on; without, it is a new one."""

    id: Annotated[str | None, StringConstraints(max_length=64)] = None
    name: Name


Options = Annotated[
    tuple[OptionAsked, ...],
    Field(max_length=MOST_OPTIONS, description="All of them, in their order; of those left out, no cell may say any."),
]


class CustomField(Answer):
    """A field. `origin` is `own` of a tenant's own; `native` and `built_in` ones are every tenant's and cannot be changed."""

    id: Annotated[UUID | None, Field(description="Null of those that are every tenant's.")]
    entity_type: str
    code: str
    name: str
    origin: Literal["native", "built_in", "own"]
    type: Annotated[str, Field(description="One of the types of own fields; `id` of a record's id.")]
    multi: bool
    unique: Annotated[bool, Field(description="Whether no two records have the same.")]
    required: Annotated[bool, Field(description="Whether new records have to have it.")]
    most: int | None
    longest: int | None
    decimals: int | None
    target: Annotated[str | None, Field(description="Of a record field, what it names: an entity type, or `users`.")]
    options: tuple[FieldOption, ...]
    headings: Annotated[tuple[str, ...], Field(description="The headings of a file's column that mean it.")]
    created_at: Moment | None
    updated_at: Moment | None


class CustomFieldList(Answer):
    """All fields of records, by entity type in the order of its template."""

    items: tuple[CustomField, ...]


class NewCustomField(Asked):
    """A field to add. Files may have it from then on; imports that are under way are read without it."""

    entity_type: CrmType
    code: Code
    name: Name
    type: Type
    multi: Annotated[bool, Field(description="Several values a record: email, link, phone and record fields.")] = False
    unique: Annotated[bool, Field(description="No two records have the same: text, email, link and phone fields.")] = (
        False
    )
    required: bool = False
    most: Most = None
    longest: Longest = None
    decimals: Places = None
    target: Target | None = None
    options: Options = ()


class CustomFieldChange(Asked):
    """What is to be otherwise; what is left out stays, what is null has no limit. What a field is (code, type) never changes."""

    name: Name | None = None
    required: bool | None = None
    most: Most = None
    longest: Longest = None
    decimals: Places = None
    options: Options | None = None
