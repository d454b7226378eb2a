"""Invented names in many languages; nobody of them exists, and no address leads anywhere."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

# What Unicode does not take apart into a letter and its mark.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "ı": "i", "đ": "d", "æ": "ae", "œ": "oe"})


@dataclass(frozen=True)
class Name:
    """A name as its bearer writes it, and in letters that a mail address can hold."""

    written: str
    latin: str


@dataclass(frozen=True)
class Language:
    """Who speaks it where, how they are called, and how they pay and telephone."""

    locale: str
    zone: str
    region: str
    phone: str
    """A range for films or an example of the country; each # is any digit."""
    given: tuple[Name, ...]
    family: tuple[Name, ...]
    company: str
    """What a company is called after its founder's family."""
    form: str = "{given} {family}"
    currency: str = "EUR"

    @property
    def city(self) -> str:
        """The city that gives the zone its name."""
        return self.zone.rpartition("/")[2].replace("_", " ")


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    language: Language
    given: Name
    family: Name

    @property
    def name(self) -> str:
        return self.language.form.format(given=self.given.written, family=self.family.written)

    def mail(self, number: str) -> str:
        """An address of their own, at a domain that is kept free for examples."""
        return f"{self.given.latin}.{self.family.latin}.{number}@example.com"


def _names(text: str) -> tuple[Name, ...]:
    """Reads names that stand like `伟=wei`, or alone where they are written in Latin letters."""
    found = (each.replace("_", " ").partition("=") for each in text.split())
    return tuple(Name(written, latin or plain(written)) for written, _, latin in found)


def plain(text: str) -> str:
    """Leaves of a name in Latin letters what every mail server takes."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN))
    return re.sub(r"[^a-z]", "", apart)


LANGUAGES: Mapping[str, Language] = {
    each.locale: each
    for each in (
        Language(
            "de-DE", "Europe/Berlin", "DE", "+4930231250##",
            _names("Jürgen Käthe Sören Björn Zoë Ulrike Matthias Änne Friedrich Jörg Lena Götz"),
            _names("Müller Groß Weiß Schäfer Köhler Krüger Böhm Vogel Lindner Jäger Kühn Haas"),
            "{family} & Söhne GmbH",
        ),
        Language(
            "zh-CN", "Asia/Shanghai", "CN", "+86131234567##",
            _names("芳=fang 娜=na 敏=min 静=jing 磊=lei 洋=yang 艳=yan 勇=yong 杰=jie 涛=tao 明=ming"),
            _names("王=wang 李=li 刘=liu 陈=chen 杨=yang 黄=huang 赵=zhao 吴=wu 周=zhou 徐=xu"),
            "{family}氏咖啡有限公司", "{family}{given}",
        ),
        Language(
            "ja-JP", "Asia/Tokyo", "JP", "+8190123456##",
            _names("陽菜=hina 結衣=yui 蓮=ren 湊=minato 葵=aoi 悠真=yuma 美咲=misaki 翔太=shota"),
            _names("佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka 渡辺=watanabe 伊藤=ito 山本=yamamoto"),
            "株式会社{family}珈琲", "{family} {given}", "JPY",
        ),
        Language(
            "ko-KR", "Asia/Seoul", "KR", "+821020000###",
            _names("민준=minjun 서연=seoyeon 지우=jiwoo 하준=hajun 수아=sua 도윤=doyun 지민=jimin"),
            _names("김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon 장=jang"),
            "{family}커피 주식회사", "{family}{given}",
        ),
        Language(
            "ru-KZ", "Asia/Almaty", "KZ", "+77710009###",
            _names("Анна=anna Иван=ivan Мария=maria Павел=pavel Юрий=yuri Ольга=olga Пётр=pyotr"),
            _names("Лебедь=lebed Ткач=tkach Орлик=orlik Мороз=moroz Жук=zhuk Соловей=solovey"),
            "ТОО «{family}»",
        ),
        Language(
            "uk-UA", "Europe/Kyiv", "UA", "+380501234###",
            _names("Оксана=oksana Тарас=taras Леся=lesia Андрій=andriy Ганна=hanna Богдан=bohdan"),
            _names("Шевчук=shevchuk Бондар=bondar Коваль=koval Мельник=melnyk Гончар=honchar"),
            "ТОВ «{family}»",
        ),
        Language(
            "el-GR", "Europe/Athens", "GR", "+306912345###",
            _names("Ελένη=eleni Νίκος=nikos Σοφία=sofia Γιώργος=giorgos Άννα=anna Πέτρος=petros"),
            _names("Παππάς=pappas Ράλλης=rallis Μελάς=melas Βλάχος=vlachos Ζώης=zois"),
            "{family} Α.Ε.",
        ),
        Language(
            "ar-JO", "Asia/Amman", "JO", "+962790123###",
            _names("ليلى=layla عمر=omar سارة=sara يوسف=yusuf مريم=maryam خالد=khalid هدى=huda"),
            _names("حداد=haddad نجار=najjar خوري=khoury صباغ=sabbagh منصور=mansour عيسى=issa"),
            "شركة {family}",
        ),
        Language(
            "he-IL", "Asia/Jerusalem", "IL", "+972502345###",
            _names("נועה=noa איתי=itai תמר=tamar יונתן=yonatan מאיה=maya דניאל=daniel"),
            _names("לוי=levi כהן=cohen מזרחי=mizrahi פרץ=peretz ביטון=biton אברהם=avraham"),
            "{family} בע״מ",
        ),
        Language(
            "hi-IN", "Asia/Kolkata", "IN", "+918123456###",
            _names("अनिका=anika रोहन=rohan मीरा=mira अर्जुन=arjun कविता=kavita विक्रम=vikram"),
            _names("शर्मा=sharma वर्मा=varma गुप्ता=gupta सिंह=singh मेहता=mehta जोशी=joshi"),
            "{family} ट्रेडर्स",
        ),
        Language(
            "th-TH", "Asia/Bangkok", "TH", "+66812345###",
            _names("สมชาย=somchai มาลี=mali อนันต์=anan ดวงใจ=duangjai กมล=kamon วิชัย=wichai"),
            _names("สุขใจ=sukjai ทองดี=thongdi ศรีสุข=srisuk ใจดี=jaidi บุญมี=bunmi"),
            "บริษัท {family} จำกัด",
        ),
        Language(
            "tr-TR", "Europe/Istanbul", "TR", "+905012345###",
            _names("Işıl İbrahim Çağla Ömer Ümit Gül Şebnem Emre Tuğba Oğuz"),
            _names("Şahin Yıldız Öztürk Güneş Çelik Aydın Koç Doğan"),
            "{family} Ticaret A.Ş.",
        ),
        Language(
            "pl-PL", "Europe/Warsaw", "PL", "+48512345###",
            _names("Łucja Żaneta Wojciech Ewa Józef Małgorzata Paweł Zofia Michał"),
            _names("Król Zając Wrona Gołąb Dąbek Sikora Pająk Lis"),
            "{family} Sp. z o.o.",
        ),
        Language(
            "vi-VN", "Asia/Ho_Chi_Minh", "VN", "+84912345###",
            _names("Hương Minh Thảo Đức Lan Tuấn Mai Quang"),
            _names("Nguyễn Trần Phạm Hoàng Vũ Đặng Bùi"),
            "Công ty {family}", "{family} {given}",
        ),
        Language(
            "en-US", "America/Chicago", "US", "+120255501##",
            _names("Ada Grace Alan Mary Edsger Barbara Dennis Frances Kenneth Radia Claude"),
            _names("O'Neill Smith-Jones Baker Clark Hollis Ames Whitlock Brandt Osgood"),
            "{family} Coffee Inc.", currency="USD",
        ),
        Language(
            "en-GB", "Europe/London", "GB", "+442079460###",
            _names("Imogen Alastair Niamh Rhys Beatrix Callum Saoirse Owen"),
            _names("Ashworth Llewellyn Fairfax MacLeod Pemberton Hughes O'Dowd"),
            "{family} & Daughters Ltd",
        ),
        Language(
            "fr-FR", "Europe/Paris", "FR", "+331990000##",
            _names("Chloé Étienne Zoé Rémi Anaïs François Hélène Loïc Inès"),
            _names("Lefèvre Bézier D'Aubigné Garçon Hébert Moreau Noël Sénéchal"),
            "Maison {family}",
        ),
        Language(
            "es-MX", "America/Mexico_City", "MX", "+52222123####",
            _names("Lucía Íñigo Begoña Óscar Sofía Andrés Inés Joaquín"),
            _names("Núñez García Ibáñez Peña Muñoz Rodríguez Vázquez"),
            "Café {family} S.A.",
        ),
        Language(
            "pt-BR", "America/Sao_Paulo", "BR", "+5511961234###",
            _names("João Conceição Inês Tomás Luísa Gonçalo Antônia Caetano"),
            _names("Araújo Magalhães Simões Leitão Brandão Guimarães Falcão"),
            "Torrefação {family}",
        ),
        Language(
            "sv-SE", "Europe/Stockholm", "SE", "+468465004##",
            _names("Åsa Björn Märta Sören Ingrid Håkan Ylva Östen"),
            _names("Åkesson Sjöberg Lindström Nyström Hägg Öberg"),
            "{family} Kaffe AB",
        ),
    )
}  # fmt: skip


def somebody(random: Random, language: Language) -> Person:
    """Invents a person of this language."""
    return Person(language, random.choice(language.given), random.choice(language.family))


def number(language: Language, nth: int) -> str | None:
    """The n-th number of their country that is kept for inventions, while there are any."""
    free = language.phone.count("#")
    if nth >= 10**free:
        return None
    return language.phone.rstrip("#") + str(nth).zfill(free)
