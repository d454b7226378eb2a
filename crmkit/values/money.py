"""Money: a whole number of minor units and an ISO 4217 code, never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact
from functools import cache

from babel import Locale, UnknownLocaleError, numbers

from crmkit.values.errors import Invalid

_LARGEST = 2**63 - 1  # what a BIGINT column holds

# Of an amount with more figures, some stand behind the smallest minor unit.
_EXACT = Context(prec=40, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact])

# ISO 4217's minor units, said here: CLDR's digits are for display, differ (RSD 0 instead
# of 2) and change between its versions, which would change what stored amounts mean.
_DIGITS = (
    dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
    | dict.fromkeys(["CLF", "UYW"], 4)
)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency, exact."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not -_LARGEST <= self.minor <= _LARGEST:
            raise _too_large(self.currency)

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Money:
        """Reads an amount as it is written: `Money.of(Decimal("42.00"), "EUR")`."""
        if not is_currency(currency):
            raise Invalid(
                f"{currency!r} is no currency: use an ISO 4217 code such as EUR.",
                field="currency",
            )
        return cls(_minor(amount, currency), currency)

    @property
    def amount(self) -> Decimal:
        """The amount with exactly the digits of its currency."""
        sign, figures, _ = Decimal(self.minor).as_tuple()
        return Decimal((sign, figures, -digits(self.currency)))

    @property
    def parts(self) -> int:
        """How many minor units make a whole one: EUR 100, JPY 1."""
        return int(10 ** digits(self.currency))

    def formatted(self, *locales: str | None) -> str:
        """The amount as the first locale that is known writes it: `42,00 €`."""
        written = next(filter(None, map(_known, locales)), "en")
        return numbers.format_currency(
            self.amount, self.currency, locale=written, decimal_quantization=False
        )

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise Invalid(
                f"{self.currency} and {other.currency} cannot be added up.",
                field="currency",
            )
        return other


def _known(locale: str | None) -> Locale | None:
    try:
        return Locale.parse(locale.replace("-", "_")) if locale else None
    except (ValueError, UnknownLocaleError):
        return None


def is_currency(code: str) -> bool:
    """Knows every code of ISO 4217, also of currencies that are gone."""
    return code in _currencies()


@cache
def _currencies() -> frozenset[str]:
    return frozenset(numbers.list_currencies())


def digits(currency: str) -> int:
    """Counts the decimal places of a currency as ISO 4217 does: JPY 0, EUR 2, KWD 3."""
    return _DIGITS.get(currency, 2)


def _minor(amount: Decimal, currency: str) -> int:
    """Counts minor units, and never rounds."""
    if not amount.is_finite():
        raise Invalid(f"{amount} is no amount.", field="amount")
    if amount and amount.adjusted() > 18:
        raise _too_large(currency)
    try:
        return int(amount.scaleb(digits(currency), _EXACT).to_integral_exact(context=_EXACT))
    except Inexact:
        raise Invalid(
            f"{currency} has {digits(currency)} decimal places, not more.",
            field="amount",
            params={"digits": digits(currency)},
        ) from None


def _too_large(currency: str) -> Invalid:
    return Invalid(f"The amount in {currency} is too large.", field="amount")
