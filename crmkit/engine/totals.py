"""Rows of a tally into what stats say: exact sums, by currency, of the whole and of each group."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from crmkit.engine.stats import GROUPS, MoneyStats, NumberStats
from crmkit.values import money
from crmkit.values.decimals import unscaled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from crmkit.engine.tallies import Tally

_DIGITS = 6


def told(tally: Tally, rows: Iterable[Sequence[Any]]) -> Mapping[str, Any]:
    """What the rows of a tally say, by the names of fields."""
    whole = _Part(tally)
    groups: dict[int, _Part] = {}
    more = False
    for row in rows:
        if row[0] == 0:
            whole.add(row)
        elif row[0] <= GROUPS:
            groups.setdefault(row[0], _Part(tally)).add(row)
        else:
            more = True
    said = [{**each.keys, **each.told()} for each in groups.values()]
    return {**whole.told(), "groups": said, "hasMoreGroups": more}


class _Part:
    """The whole, or one group."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.number = 0
        self.keys: dict[str, Any] = {}
        self.found: dict[str, dict[str | None, _Total]] = {name: {} for name in tally.measures}

    def add(self, row: Sequence[Any]) -> None:
        """Adds a row; those of one part differ in currencies."""
        values = iter(row[1:])
        self.keys = {each.name: next(values) for each in self.tally.by}
        currencies = {id(each): next(values) for each in self.tally.currencies.values()}
        self.number += next(values) or 0
        in_halves = self.tally.template is not None and self.tally.template.dialect.name == "sqlite"
        for name, measure in self.tally.measures.items():
            currency = None if measure.currency is None else currencies[id(measure.currency)]
            count = next(values) or 0
            sum_ = next(values) or 0
            if in_halves:
                sum_ = (sum_ << 32) + (next(values) or 0)
            total = self.found[name].setdefault(currency, _Total())
            total.add(count, sum_, next(values), next(values))

    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = {"count": self.number}
        for name, measure in self.tally.measures.items():
            found = {currency: each for currency, each in self.found[name].items() if each.count}
            if measure.currency is None:
                said[name] = found.get(None, _Total()).number(measure.digits)
            else:
                said[name] = [found[each].money(each) for each in sorted(filter(None, found))]
        return said


@dataclass
class _Total:
    """One number of some rows, counted together."""

    count: int = 0
    sum: int = 0
    least: int = 0
    most: int = 0

    def add(self, count: int, sum_: int, least: int | None, most: int | None) -> None:
        if least is None or most is None:
            return
        self.least = min(self.least, least) if self.count else least
        self.most = max(self.most, most) if self.count else most
        self.count += count
        self.sum += sum_

    def number(self, digits: int) -> NumberStats:
        if not self.count:
            return NumberStats(count=0, sum=unscaled(0, digits), min=None, max=None, avg=None)
        return NumberStats(
            count=self.count,
            sum=unscaled(self.sum, digits),
            min=unscaled(self.least, digits),
            max=unscaled(self.most, digits),
            avg=self._average(digits),
        )

    def money(self, currency: str) -> MoneyStats:
        digits = money.digits(currency)
        return MoneyStats(
            currency=currency,
            count=self.count,
            sum=unscaled(self.sum, digits),
            min=unscaled(self.least, digits),
            max=unscaled(self.most, digits),
            avg=self._average(digits),
        )

    def _average(self, digits: int) -> Decimal:
        # Of a fraction, because what is rounded twice is rounded wrong.
        average = Fraction(self.sum * 10**_DIGITS, self.count * 10**digits)
        return unscaled(round(average), _DIGITS)
