"""What a client says and sees of a company's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.engine.mutation_inputs import UNSET, Unset
from crmkit.values import checks, labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmkit.settings import Organisation
    from crmkit.values.errors import Problem


@dataclass(frozen=True)
class Label:
    """What people who read one language call a thing."""

    locale: str
    """The language, such as de or zh-CN."""
    text: str
    """What they call it."""

    def __post_init__(self) -> None:
        checks.check(checks.locale("locale", self.locale), checks.word("text", self.text))


def label(
    given: Mapping[str, str], key: str, *, locale: str | None = None, organisation: Organisation
) -> str:
    """What people call it, in this locale or else in the organisation's."""
    return labels.label(given, locale, organisation.locale) or key


def by_locale(given: Sequence[Label]) -> dict[str, str]:
    """Labels as they are stored."""
    return {each.locale: each.text for each in given}


def label_faults(given: Sequence[Label] | Unset) -> Iterator[Problem]:
    """Wants one label for each language."""
    locales = [] if given is UNSET else [each.locale for each in given]
    for index, each in enumerate(locales):
        if each in locales[:index]:
            yield checks.fault(("labels", index, "locale"), "This language stands here twice.")
