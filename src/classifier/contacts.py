"""Contact details as spans of a message, and a text with them masked.

Telephone numbers are judged with phonenumbers (Google's libphonenumber), documents, cards and IBANs with python-stdnum;
e-mail addresses, handles, street addresses and everything spelled out or disguised in our languages are found by our
own patterns. An in-site mention (``@Yuki thanks``) and a bare web address are no contact details, nor are order
numbers, prices, dates and scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.contact_addresses import find_addresses
from classifier.contact_documents import find_cards, find_documents
from classifier.contact_emails import find_emails
from classifier.contact_handles import find_handles
from classifier.contact_numbers import find_phones
from classifier.contact_text import cleaned_view, folded_view
from classifier.contact_words import NUMBER_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.contact_text import View

__all__ = ["KINDS", "Contact", "find_contacts", "mask"]

KINDS = ("email", "phone", "handle", "address", "document", "card")

# Where two kinds claim the same characters, the one more certain of itself has them.
_RANK = {"email": 0, "card": 1, "link": 2, "document": 3, "phone": 4, "handle": 5, "address": 6}
# Enough of a text to be worth a look: a digit of any script, an @, or what a name of a service looks like.
_SIGNS = re.compile(r"[\d@＠\u20e3\u2460-\u2473\u24ea\U0001d7ce-\U0001d7ff]")
_DOMAINS = re.compile(r"(?i)\b(?:t\.me|wa\.me|[a-z]+\.(?:com|me|ee))/|live:")
# Names and numerals in scripts that need no space between words; Cyrillic words are looked up like Latin ones.
_NUMERAL = "[零〇一二三四五六七八九幺][ 、,-]?"
_OTHER = [
    _NUMERAL * 3,
    "[공영][ ,-]?[공영일이삼사오육칠팔구][ ,-]?[공영일이삼사오육칠팔구]",
    "加[vV微wW个a-z ]",
    "我的?[vV微]",
    "[赖賴]",
    "[\uff21-\uff5a\U0001d400-\U0001d7cb]",
    *"微信 威信 薇 卫星号 扣扣 小红书 小紅書 抖音 快手 电报 飞机号 企鹅 小老鼠 艾特 臉書 脸书".split(),
    *"ライン ライソ らいん インス カカオ ディスコ スカイ テレグ".split(),
    *"ワッツ ツイ フェイス スナチャ ウィーチ ゼロ ぜろ あっと アット".split(),
    *"카톡 카카오 라인 텔레 인스타 디코 디스코드 스카이프 왓츠".split(),
    *"골뱅이 위챗 스냅 틱톡 페북 페이스북 트위터 시그널 ㅋㅌ ㅌㄹ".split(),
    *"واتس انست تليج تلج تلغ تيلي تلي سناب سكايب ديسكورد فيس تيك ويتشات فايبر تويتر كاكاو دوت نقط".split(),
]
# The first characters come first: where none of them stands, nothing else is tried.
_FIRST = "".join(re.sub(r"^\[(.*?)\].*", r"\1", name) if name[0] == "[" else name[0] for name in _OTHER)
_OTHER_SCRIPTS = re.compile(f"(?=[{_FIRST}])(?:{'|'.join(_OTHER)})")
_STEMS = frozenset(
    "whats watsa wasap guasa wotts wassa wecha weixi kakao katal teleg skype skayp skyp insta disco snapc faceb "
    "tikto viber zalo "
    "zalom телег вотса ватса вацап скайп инста диско вайбе собак собач снапч тикто фейсб точка вконт "
    "какао signa twitt three maste steam masto arrob chioc arobs arob arobas arr0b xhs".split()
)
_SHORT = frozenset(
    "вк тг дс инст инсте инсту снап line ig inst tg tele tlg vk qq vx wx wp wa wha wsp wpp snap sc fb tt "
    "psn kik disc dc x twt chat gmail gmx "
    "hotmail yahoo outlook dot "
    "punto ponto punkt titik nokta point arobase".split()
)
_WORDS = re.compile(r"[^\W\d_]+")
_LEET = re.compile(r"[a-z][0-9@][a-z]")
_SPACED = re.compile(r"(?<!\w)\w(?:[ ._*\-]\w(?!\w)){3}")
# Letters of two scripts in one word, or invisible characters and signs between letters.
_MIXED = re.compile(
    r"[a-zA-Z][\u0370-\u03ff\u0400-\u04ff\u200b-\u200f\u2060]|[\u0370-\u03ff\u0400-\u04ff][a-zA-Z]|[a-z][$!|*][a-z]"
)


@dataclass(frozen=True)
class Contact:
    """A contact detail: ``text`` is the span from ``start`` to ``end`` (exclusive) of the message.

    ``kind`` is one of `KINDS`; ``card`` covers payment cards and bank accounts. ``platform`` names the service of a
    handle (``"WhatsApp"``, ``"LINE"``, …) and is None for the other kinds.
    """

    kind: str
    platform: str | None
    start: int
    end: int
    text: str


def find_contacts(text: str, *, region: str | None = None) -> tuple[Contact, ...]:
    """Find the contact details of a message: spans of the text as given, in order, none overlapping another.

    ``region`` (ISO 3166, such as ``"GB"``) says where telephone numbers without a country code are from; without it the
    shapes of many countries count. Any string is accepted; the time taken is linear in its length.

    >>> for found in find_contacts("I'm mara.v_9 on insta or 0️⃣7️⃣7️⃣0️⃣0️⃣900123. Order 4471990 is late, @Yuki thanks"):
    ...     print(found.kind, found.platform, found.text)
    handle Instagram mara.v_9
    phone None 0️⃣7️⃣7️⃣0️⃣0️⃣900123
    >>> find_contacts("the score was 21-19, see you at 10:30")
    ()
    """
    if not _may_hold_one(text):
        return ()
    view = folded_view(text)
    found = [*_candidates(view, region)]
    if _LEET.search(view.text) or _is_disguised(text, _WORDS.findall(text)):
        cleaned = cleaned_view(text)
        if cleaned.text.replace(" ", "") != view.text.replace(" ", "") or cleaned.text.count(" ") < view.text.count(
            " "
        ):
            found += _evasive(cleaned)
    return _resolved(text, found)


def mask(text: str, contacts: Iterable[Contact] | None = None) -> str:
    """Replace each contact detail by its kind; those given must be of this text, in order, and not overlap.

    >>> mask("write ana@example.com, or wechat: ana_w9")
    'write [email], or wechat: [handle: WeChat]'
    """
    pieces: list[str] = []
    at = 0
    for contact in find_contacts(text) if contacts is None else contacts:
        pieces += (
            text[at : contact.start],
            f"[{contact.kind}: {contact.platform}]" if contact.platform else f"[{contact.kind}]",
        )
        at = contact.end
    return "".join([*pieces, text[at:]])


def _may_hold_one(text: str) -> bool:
    """Whether a closer look is worth its time; most messages hold no sign of a contact detail at all."""
    if _SIGNS.search(text):
        return True
    if not text.isascii() and _OTHER_SCRIPTS.search(text):
        return True
    words = _WORDS.findall(text.lower())
    if not (_SHORT.isdisjoint(words) and _STEMS.isdisjoint([word[:5] for word in words])):
        return True
    if len(NUMBER_WORDS.intersection(words)) >= 3 or _is_disguised(text, words):
        return True
    return "/" in text and _DOMAINS.search(text) is not None


def _is_disguised(text: str, words: list[str]) -> bool:
    """Whether letters are spaced out, or of two scripts in one word."""
    if [*map(len, words)].count(1) >= 4 and _SPACED.search(text):
        return True
    return not (text.isascii() and "*" not in text and "$" not in text) and _MIXED.search(text) is not None


_Candidate = tuple[int, str, "str | None", int, int]


def _candidates(view: View, region: str | None) -> Iterator[_Candidate]:
    """Everything that looks like a contact detail, with its rank and its span of the original."""
    text = view.text

    def candidate(kind: str, start: int, end: int, platform: str | None = None, rank: str = "") -> _Candidate:
        return _RANK[rank or kind], kind, platform, *view.original_span(start, end)

    digits = len(re.findall(r"\d", text))
    for start, end in find_emails(text):
        yield candidate("email", start, end)
    for platform, start, end in find_handles(text):
        # A link leaves no doubt, nor does a figure too short to dial beside the name of a service.
        sure = "/" in text[start:end] or (text[start:end].isdecimal() and end - start < 11)
        yield candidate("handle", start, end, platform, "link" if sure else "")
    for start, end in find_phones(text, region=region):
        yield candidate("phone", start, end)
    if digits > 4:
        for start, end in find_cards(text):
            yield candidate("card", start, end)
        for start, end in find_documents(text):
            yield candidate("document", start, end)
    if digits:
        for start, end in find_addresses(view):
            yield candidate("address", start, end)


def _evasive(view: View) -> Iterator[_Candidate]:
    """What shows only in the cleaned text; the rest of it is known from the folded one."""
    for start, end in find_emails(view.text):
        yield _RANK["email"], "email", None, *view.original_span(start, end)
    for platform, start, end in find_handles(view.text):
        yield _RANK["handle"], "handle", platform, *view.original_span(start, end)


def _resolved(text: str, found: list[_Candidate]) -> tuple[Contact, ...]:
    """Keep the best of those that overlap; an address gives way only where the other begins."""
    from bisect import bisect_right

    kept: list[tuple[int, int, str, str | None]] = []
    for _, kind, platform, start, end in sorted(found, key=lambda item: (item[0], item[3] - item[4], item[3])):
        place = bisect_right(kept, (start, len(text) + 1, "", None))
        if place and kept[place - 1][1] > start:
            continue
        if place < len(kept) and kept[place][0] < end:
            if kind != "address" or kept[place][0] - start < (end - start) // 2:
                continue
            end = start + len(text[start : kept[place][0]].rstrip(" ,،;("))
        kept.insert(place, (start, end, kind, platform))
    return tuple(Contact(kind, platform, start, end, text[start:end]) for start, end, kind, platform in kept)
