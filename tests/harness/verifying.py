"""A receiver's side of a webhook, as docs/webhooks.md shows it: the example is read out of the page, and run."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def example() -> Callable[[str, Mapping[str, str], bytes], Any]:
    """The function of the page."""
    page = (ROOT / "docs" / "webhooks.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None, "docs/webhooks.md shows how to verify"
    names: dict[str, Any] = {}
    exec(compile(code[1], "docs/webhooks.md", "exec"), names)
    found: Callable[[str, Mapping[str, str], bytes], Any] = names["verify"]
    return found


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> Any:
    """What a request says, when it is from us and new.

    Raises:
        ValueError: it is not.
    """
    return example()(secret, headers, body)
