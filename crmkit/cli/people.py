"""Invented customers in many scripts; nobody of them exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice, product, zip_longest
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime


@dataclass(frozen=True)
class _Script:
    """Names of one language, and how they are put together."""

    locale: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    form: str = "{given} {family}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SCRIPTS = (
    _Script("zh-CN", _names("伟 芳 娜 敏 静"), _names("张 章 王 李 陈 刘"), "{family}{given}"),
    _Script("ja", _names("陽菜 結衣 蓮 湊 葵"), _names("佐藤 鈴木 高橋 田中 渡辺"), "{family} {given}"),
    _Script("ko", _names("민준 서연 지우 하준 수아"), _names("김 이 박 최 정"), "{family}{given}"),
    _Script("ru", _names("Анна Иван Мария Павел Юрий"), _names("Соколов Лебедь Ткач Орлик Мороз")),
    _Script("uk", _names("Оксана Тарас Леся Андрій Ганна"), _names("Шевчук Бондар Коваль Мельник")),
    _Script("el", _names("Ελένη Νίκος Σοφία Γιώργος Άννα"), _names("Παππάς Ράλλης Μελάς Βλάχος")),
    _Script("ar", _names("ليلى عمر سارة يوسف مريم"), _names("حداد نجار خوري صباغ منصور")),
    _Script("he", _names("נועה איתי תמר יונתן מאיה"), _names("לוי כהן מזרחי פרץ")),
    _Script("hi", _names("अनिका रोहन मीरा अर्जुन"), _names("शर्मा वर्मा गुप्ता सिंह")),
    _Script("th", _names("สมชาย มาลี อนันต์ ดวงใจ"), _names("สุขใจ ทองดี ศรีสุข ใจดี")),
    _Script("tr", _names("Işıl İbrahim Çağla Ömer Ümit"), _names("Şahin Yıldız Öztürk Güneş")),
    _Script("pl", _names("Łucja Żaneta Wojciech Ewa Józef"), _names("Wiśniewska Dąbrowska Król Zając")),
    _Script("de", _names("Jürgen Käthe Søren Björn Zoë"), _names("Müller Groß Weiß Schäfer")),
    _Script("vi", _names("Hương Minh Thảo Đức Lan"), _names("Nguyễn Trần Phạm Hoàng"), "{family} {given}"),
    _Script("en", _names("Ada Grace Alan Mary Edsger"), _names("O'Neill Smith-Jones Baker Clark")),
)  # fmt: skip
_SUBJECTS = ("A question about delivery", "Thanks for the advice", "Wants an offer", "Called back")


def customers(count: int) -> list[dict[str, Any]]:
    """Invents customers as `createCustomers` takes them, the same every time."""
    return list(islice(_people(), count))


def interactions(
    ids: Sequence[str], channels: Sequence[str], now: datetime
) -> list[dict[str, Any]]:
    """Invents what was said to some of them, as `recordInteractions` takes it."""
    random = Random(1997)  # noqa: S311  nothing here is a secret
    return [
        {
            "customerId": customer_id,
            "channel": random.choice(channels),
            "direction": random.choice(("INBOUND", "OUTBOUND")),
            "kind": "note",
            "subject": random.choice(_SUBJECTS),
            "occurredAt": (now - timedelta(minutes=random.randrange(500_000))).isoformat(),
        }
        for customer_id in ids
        for _ in range(random.randrange(4))
    ]


def _people() -> Iterator[dict[str, Any]]:
    """One of each script in turn, so that every page of a list shows several."""
    names = [
        [(script, *each) for each in product(script.family, script.given)] for script in _SCRIPTS
    ]
    in_turn = chain.from_iterable(zip_longest(*names))
    for number, (script, family, given) in enumerate(filter(None, in_turn), start=1):
        yield {
            "name": script.form.format(given=given, family=family),
            "givenName": given,
            "familyName": family,
            "emails": [{"address": f"customer{number}@example.com"}],
            "locale": script.locale,
            "source": "demo",
        }
