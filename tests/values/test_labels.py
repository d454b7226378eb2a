from __future__ import annotations

import pytest

from crmkit.values.labels import label

LABELS = {"en": "Loyal", "zh-CN": "忠诚", "de": "Treu"}


@pytest.mark.parametrize(
    ("locales", "found"),
    [
        (("de",), "Treu"),
        (("de_AT",), "Treu"),
        (("zh-cn", "de"), "忠诚"),
        (("fr", "de"), "Treu"),
        ((None, "fr"), "Loyal"),
    ],
)
def test_the_nearest_language_names_a_thing(locales: tuple[str | None, ...], found: str) -> None:
    assert label(LABELS, *locales) == found


def test_any_language_is_better_than_none() -> None:
    assert label({"fi": "Uskollinen"}, "de") == "Uskollinen"
    assert label({}, "de") is None
