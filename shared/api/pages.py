"""Lists by page."""

from typing import Annotated, Generic, TypeVar

from pydantic import Field

from shared.api.wire import Answer

T = TypeVar("T")


class Page(Answer, Generic[T]):
    """Some of a list, in its order. `next` goes into `after` for the page behind it; null when this is the last."""

    items: tuple[T, ...]
    next: Annotated[str | None, Field(description="What the next page is asked for with (`after`); null on the last.")]
