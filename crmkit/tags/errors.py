"""What can go wrong with tags."""

from __future__ import annotations

from crmkit.values.errors import Refused


class TooManyTags(Refused):
    """Whoever has every tag is described by none."""

    reason = "core.too_many_tags"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"A customer has at most {most} tags.", field="tags", params={"most": most}
        )
