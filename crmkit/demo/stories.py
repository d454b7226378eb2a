"""The stories of the demo company, scene by scene: the one place where they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scene:
    """Something that happens to a character on a day of the year, the first being 0."""

    day: int
    time: str
    who: str
    act: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """What became of some customers."""

    title: str
    hero: str
    ends: str
    """What there is to see in the end."""
    plugins: frozenset[str]
    """Those without which it is not worth telling."""
    scenes: tuple[Scene, ...]


def on(day: int, time: str, who: str, act: str, **said: Any) -> Scene:
    """A scene, as it is written below."""
    return Scene(day, time, who, act, said)


def _mail(address: str) -> list[dict[str, str]]:
    return [{"address": address}]


THE_ONE_WHO_LEFT = Story(
    "The best customer leaves",
    "friederike",
    "a loyal customer buys no more after a machine that broke twice; a task is overdue",
    frozenset({"orders", "feedback", "tasks"}),
    (
        on(9, "10:20", "friederike", "comes", locale="de-DE", givenName="Friederike",
           familyName="Achterberg", emails=_mail("friederike.achterberg@example.com"),
           phones=[{"number": "+49302312599"}], source="fair"),
        on(9, "10:25", "friederike", "says", subject="Was at the fair, wants the Geisha",
           channel="event"),
        on(12, "09:10", "friederike", "buys", sku="GEISHA", quantity=2),
        on(12, "09:11", "friederike", "moves", to="customer", reason="First order"),
        on(40, "19:30", "friederike", "buys", sku="GRINDER"),
        on(68, "08:05", "friederike", "buys", sku="GEISHA", quantity=6),
        on(68, "08:06", "friederike", "moves", to="loyal", reason="Buys again and again"),
        on(96, "20:15", "friederike", "buys", sku="ESPRESSO"),
        on(110, "11:00", "friederike", "spends", points=500, reason="A place at the tasting"),
        on(131, "07:50", "friederike", "asks", type="problem", priority="high",
           subject="The Adler does not heat", body="Since this morning there is no pressure."),
        on(134, "16:40", "friederike", "is_answered", body="Please send it to our workshop."),
        on(145, "12:00", "friederike", "is_helped"),
        on(160, "08:15", "friederike", "insists", body="It is broken again. I have had enough."),
        on(165, "17:30", "friederike", "is_answered", body="You get your money back."),
        on(166, "09:00", "friederike", "returns"),
        on(166, "09:30", "friederike", "is_helped"),
        on(167, "21:00", "friederike", "rates", score=1, comment="Five weeks without coffee."),
        on(290, "09:00", "friederike", "moves", to="customer",
           reason="Has not bought for four months"),
        on(291, "10:00", "friederike", "needs", subject="Win Friederike Achterberg back", days=30),
    ),
)  # fmt: skip

THE_CHAIN = Story(
    "One friend brings the next",
    "zhang_wei",
    "three friends in a row, two rewards that were given and one that was taken back",
    frozenset({"orders", "referrals"}),
    (
        on(15, "13:00", "zhang_wei", "comes", locale="zh-CN", name="张伟", givenName="伟",
           familyName="张", emails=_mail("zhang.wei@example.com"), source="web"),
        on(20, "12:00", "zhang_wei", "buys", sku="BEANS-1KG"),
        on(20, "12:05", "zhang_wei", "moves", to="customer", reason="First order"),
        on(52, "18:00", "zhang_wei", "invites", email="zhang.wei@example.org"),
        on(55, "14:00", "zhang_wei_2", "comes", locale="zh-CN", name="章伟", givenName="伟",
           familyName="章", emails=_mail("zhang.wei@example.org"), source="recommendation"),
        on(55, "14:02", "zhang_wei_2", "came_through", advocate="zhang_wei"),
        on(58, "15:30", "zhang_wei_2", "buys", sku="GRINDER"),
        on(58, "15:31", "zhang_wei_2", "moves", to="customer", reason="First order"),
        on(120, "10:00", "hyunwoo", "comes", locale="ko-KR", name="남현우", givenName="현우",
           familyName="남", emails=_mail("nam.hyunwoo@example.com"), source="recommendation"),
        on(121, "10:05", "hyunwoo", "came_through", advocate="zhang_wei_2"),
        on(126, "17:00", "hyunwoo", "buys", sku="BEANS-250", quantity=4),
        on(126, "17:01", "hyunwoo", "moves", to="customer", reason="First order"),
        on(200, "09:40", "despina", "comes", locale="el-GR", name="Δέσποινα Καρρά",
           givenName="Δέσποινα", familyName="Καρρά", emails=_mail("despina.karra@example.com"),
           source="recommendation"),
        on(202, "09:45", "despina", "came_through", advocate="hyunwoo"),
        on(203, "11:20", "despina", "buys", sku="KETTLE"),
        on(203, "11:21", "despina", "moves", to="customer", reason="First order"),
        on(212, "16:00", "despina", "returns"),
    ),
)  # fmt: skip

THE_ANGRY_TICKET = Story(
    "An angry ticket, solved",
    "ruaridh",
    "a complaint that a bad rating opened again ends with five points and a regular",
    frozenset({"orders", "feedback"}),
    (
        on(180, "10:00", "kolibri", "comes", locale="en-GB", kind="ORGANISATION",
           name="Café Kolibri", emails=_mail("orders@kolibri.example.com"), source="advert"),
        on(180, "10:05", "ruaridh", "comes", locale="en-GB", givenName="Ruaridh",
           familyName="Finlayson", emails=_mail("ruaridh@kolibri.example.com"), source="advert"),
        on(180, "10:10", "ruaridh", "works_for", company="kolibri", role="owner"),
        on(183, "08:30", "ruaridh", "buys", sku="ESPRESSO"),
        on(183, "08:31", "ruaridh", "moves", to="customer", reason="First order"),
        on(190, "07:02", "ruaridh", "asks", type="complaint", priority="urgent", channel="phone",
           subject="The machine came in pieces", body="We open on Saturday! This is a disgrace."),
        on(190, "07:20", "ruaridh", "is_discussed", body="Third parcel of this carrier in May."),
        on(190, "07:41", "ruaridh", "is_answered", body="A new one leaves the house today."),
        on(192, "15:00", "ruaridh", "is_helped"),
        on(192, "18:30", "ruaridh", "rates", score=1, comment="The new one has no portafilter!"),
        on(192, "18:45", "ruaridh", "is_answered", body="I bring it over myself tomorrow at 7."),
        on(193, "07:10", "ruaridh", "hears", channel="visit", kind="visit",
           subject="Brought the portafilter, pulled the first shot together"),
        on(193, "09:00", "ruaridh", "is_helped"),
        on(193, "20:10", "ruaridh", "rates", score=5, comment="That is how it should be."),
        on(196, "10:00", "ruaridh", "is_done_with"),
        on(220, "09:00", "ruaridh", "buys", sku="BEANS-1KG", quantity=20),
        on(260, "09:00", "ruaridh", "buys", sku="BEANS-1KG", quantity=24),
        on(260, "09:01", "ruaridh", "moves", to="loyal", reason="Buys again and again"),
        on(320, "09:00", "ruaridh", "buys", sku="BEANS-1KG", quantity=30),
    ),
)  # fmt: skip

THE_COMPANY = Story(
    "A company finds its coffee",
    "yamabiko",
    "from a question to an order in nine weeks, task by task",
    frozenset({"orders", "tasks"}),
    (
        on(70, "02:00", "yamabiko", "comes", locale="ja-JP", kind="ORGANISATION",
           name="株式会社やまびこ設計", emails=_mail("info@yamabiko.example.com"), source="web"),
        on(70, "02:05", "chihiro", "comes", locale="ja-JP", name="森田 千尋", givenName="千尋",
           familyName="森田", emails=_mail("chihiro@yamabiko.example.com"), source="web"),
        on(70, "02:06", "chihiro", "works_for", company="yamabiko", role="buyer"),
        on(70, "02:10", "yamabiko", "says", channel="web", kind="question",
           subject="Coffee for forty people, twice a day?"),
        on(71, "09:00", "yamabiko", "moves", to="intent", reason="Has asked for an offer"),
        on(71, "09:05", "yamabiko", "needs", subject="Send samples of three roasts", days=7),
        on(76, "08:30", "yamabiko", "is_called", outcome="They like the dark one.",
           channel="letter"),
        on(76, "08:40", "yamabiko", "needs", subject="Make an offer for a year", days=14),
        on(88, "07:50", "yamabiko", "is_called", outcome="Accepted, with a machine to begin with.",
           channel="email"),
        on(133, "03:00", "yamabiko", "buys", sku="ESPRESSO"),
        on(133, "03:01", "yamabiko", "moves", to="customer", reason="First order"),
        on(134, "03:00", "yamabiko", "buys", sku="BEANS-1KG", quantity=40),
        on(225, "03:00", "yamabiko", "buys", sku="BEANS-1KG", quantity=40),
        on(225, "03:01", "yamabiko", "moves", to="loyal", reason="Buys again and again"),
        on(316, "03:00", "yamabiko", "buys", sku="BEANS-1KG", quantity=45),
    ),
)  # fmt: skip

STORIES = (THE_ONE_WHO_LEFT, THE_CHAIN, THE_ANGRY_TICKET, THE_COMPANY)
