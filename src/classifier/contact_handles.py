"""Handles with their platform: profile links, a name beside the name of a service, a mention where one was named."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_handles"]

# Names of services as people write them, folded; > is the end of a word.
_NAMES = {
    "WhatsApp": r"wh?at+s? ?(?:ap+|up)[a-z]*|watsap[a-z]*|was+ap[a-z]*|wasap[a-z]*|guasap[a-z]*|wha>|wsp>|wpp>"
    r"|w[ap]>(?=[ :=.]{0,3}[+(\d])|ватсап\w*|вотсап\w*|вацап\w*",
    "WeChat": r"we ?chat[a-z]*|weixin|vx>|wx>|вичат\w*|вичат",
    "LINE": r"line>",
    "KakaoTalk": r"kakao ?(?:talk[a-z]*)?|katalk|kkt>|какао\w*",
    "Telegram": r"tele ?gram[a-z]*|t3l3gram|tele>|tg>|tlg>|телеграм\w*|телег\w*|тг>|телик\w*",
    "Skype": r"sky?pe[a-z]*|skayp[a-z]*|скайп\w*",
    "Instagram": r"insta(?:gram[a-z]*|m>|sı|>)|inst?>|ig>|инст(?:а\w*|у|е)|inst@",
    "Discord": r"discord[a-z]*|disc>|disco>|dc>|дискорд\w*|дс>",
    "Snapchat": r"snap ?chat[a-z]*|snap>|sc>(?=\s?[:=])|снап\w*",
    "Zalo": r"zalo[a-z]*",
    "VK": r"vk>|вконтакте|вк>",
    "Facebook": r"face ?book[a-z]*|fb>|фейсбук\w*",
    "TikTok": r"tik ?tok[a-z]*|tt>(?=\s?[:=])|тикток\w*|douyin",
    "QQ": r"qq>(?!\.com)|qq(?![a-z.])",
    "Viber": r"viber[a-z]*|вайбер\w*",
    "Signal": r"signal>|сигнал>",
    "X": r"twitter[a-z]*|twt>|твиттер\w*|x hesab[a-z]*|x(?=\s?[:@])",
    "Threema": r"threema(?:-id)?",
    "Steam": r"steam>|стим>",
    "PlayStation": r"psn>",
    "Kik": r"kik>",
    "Xiaohongshu": r"xhs>",
    "Mastodon": r"mastodon",
    "Teams": r"teams>(?= ?:)",
    "Nintendo": r"friend code",
}
# Names in scripts that need no space between words, and so may begin anywhere.
_OTHER_NAMES = {
    "WhatsApp": r"واتس\w*|왓츠앱?|ワッツ(?:アップ)?",
    "WeChat": r"微信|威信|薇信|徽信|維信|卫星号|加(?=\s?[a-z][\w-]{2,20}[_\d])|(?:加|我的?|\+)\s?(?:个)?(?:vx?"
        r"|wx|薇|微|威|v信)(?![a-z])|薇(?=[^\w]{0,3}[a-z])|위챗|ウィーチャット|ويتشات",
    "LINE": r"ライン|らいん|ライソ|라인|赖|賴",
    "KakaoTalk": r"카톡|카카오톡?|ㅋㅌ|カカオ(?:トーク)?|كاكاو",
    "Telegram": r"تليجرام|تلجرام|تيليجرام|تلغرام|تيليغرام|تلي>|텔레(?:그램)?|ㅌㄹ|テレグラム|电报|飞机号",
    "Skype": r"سكايب|스카이프|スカイプ",
    "Instagram": r"انست\w*|인스타(?:그램)?|インスタ(?:グラム)?",
    "Discord": r"ديسكورد\w*|디스코드|디코|ディスコ(?:ード)?",
    "Snapchat": r"سناب\w*|스냅(?:챗)?|スナチャ",
    "Facebook": r"فيسبوك|فيس>|페이스북|페북|フェイスブック|臉書|脸书",
    "TikTok": r"تيك ?توك|틱톡|抖音号?",
    "QQ": r"扣扣|企鹅号?",
    "Viber": r"فايبر",
    "Signal": r"시그널",
    "X": r"تويتر|트위터|ツイ(?:ッター|垢)",
    "Xiaohongshu": r"小红书号?|小紅書",
    "Kuaishou": r"快手(?:号|id)?",
}  # fmt: skip
_PLATFORMS = list(dict.fromkeys([*_NAMES, *_OTHER_NAMES]))


def _alternatives(names: dict[str, str]) -> str:
    """One pattern of all names, its group telling the platform."""
    patterns = {name: pattern.replace(">", "(?![a-zа-я0-9_])") for name, pattern in names.items()}
    return "|".join(f"(?P<p{_PLATFORMS.index(name)}>{pattern})" for name, pattern in patterns.items())


# The letters names begin with come first: most words are told apart by them.
_NAME = re.compile(rf"(?<![a-zа-я0-9_])(?=[{''.join(sorted({*'wvlktsifdzqxpmавтсидф'}))}])(?:{_alternatives(_NAMES)})")
_OTHER_NAME = re.compile(_alternatives(_OTHER_NAMES))

_LINKS = {
    "Telegram": r"(?:t|telegram)\.(?:me|dog)/(?:joinchat/)?\+?[\w-]{3,}",
    "WhatsApp": r"(?:wa\.me|chat\.whatsapp\.com|api\.whatsapp\.com)/[\w?=+&-]{4,}",
    "Instagram": r"(?:instagram\.com|instagr\.am|ig\.me/m)/(?!p/|reels?/|stories/|explore)[\w.]{3,}/?(?![\w/])",
    "VK": r"vk\.(?:com|me)/(?!wall|video|album|club|topic)[\w.]{3,}(?![\w/])",
    "Facebook": r"(?:facebook|fb)\.(?:com|me)/(?!watch|groups|events|photo|share|reel"
        r"|pages/)(?:profile\.php\?id=\d+|[\w.]{4,})(?![\w/])",
    "LINE": r"line\.me/(?:r/)?ti/p/[~@\w-]{3,}|lin\.ee/\w{4,}",
    "Zalo": r"zalo\.me/\w{4,}",
    "TikTok": r"tiktok\.com/@[\w.]{2,}/?(?![\w/])",
    "X": r"(?<![\w.])(?:x|twitter)\.com/(?!i/|home|search|hashtag|intent)\w{3,15}(?![\w/])",
    "Discord": r"discord(?:app)?\.com/users/\d+",
    "Snapchat": r"snapchat\.com/add/[\w.-]{3,}",
    "Skype": r"skype:[\w.:-]{4,}(?=\?|\s|$)|(?<![\w.])live:(?:\.cid\.)?[\w.-]{4,}",
    "KakaoTalk": r"(?:open|qr)\.kakao\.com/[\w/-]{4,}",
    "Nintendo": r"(?<!\w)sw-\d{4}-\d{4}-\d{4}(?!\d)",
    "QQ": r"wpa\.qq\.com/\S{4,60}",
}  # fmt: skip
_LINK = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:"
    + "|".join(f"(?P<p{_PLATFORMS.index(name)}>{link})" for name, link in _LINKS.items())
    + ")"
)
_TAG = re.compile(r"(?<![\w#@.])[a-z_][\w.]{1,31}#\d{4}(?!\w)")  # Discord's old form
_BOT = re.compile(r"(?<![\w@.])@\w{3,28}_?bot(?!\w)")

_HANDLE_PATTERN = r"@?[a-z0-9_а-я][a-z0-9_а-я.\-]{1,30}[a-z0-9_а-я]|@?[a-z_][a-z0-9_.\-:]{2,30}"
_HANDLE = re.compile(_HANDLE_PATTERN)
# What may stand between the name of a service and the handle.
_SIGNS = re.compile(
    r"(?:[\s:=>\-–~,.;()\[\]|/*?❤️💚📩📱📸👉→⇒➡'\"!]|って|です|は|が|の|に|を|で|も|名前|아이디는?|이름|은|는|이"
    r"|가|도|로|만|号|號|是|群|搜|找我|一下|叫|我|加我){1,12}"
)
_WORD = re.compile(r"[a-z']+|[а-я]+|[\u0621-\u064a]+")
_FILLERS = frozenset(
    "id name user username nick nickname account handle add adi adim is it's its my me as under search at on by "
    "im i'm the with "
    "mi soy es en el la como con mon c'est c est sous moi le ist unter bin ich heisse e mio sono il su meu sou o "
    "aku ku gw gue saya kamu "
    "ben benim adresim мой моя я ник айди под هو حسابي اسمي على انا يوزر يوزري".split()
)
_PREPOSITIONS = frozenset(
    "on in at en su no na sur auf bei di da de via por per в на على ال em o my w - ( the mi il meu mon".split()
)
_WHOLE_HANDLE = re.compile(r"@?\w[\w.\-]{2,30}")
_SELF = re.compile(
    r"\b(?:i'?m|i am|im|soy|sono|sou|je suis|jsuis|ich bin|ben|я|handle|user(?:name)?|nick|id|add|find me|estoy"
    r"|as) (?:como )?$"
)
_STRONG_LINK = re.compile(
    r"[:：=→⇒>]\s{0,2}$|(?:\b(?:id|user(?:name)?|nick|handle|account|ник|айди)|号|아이디는?|id는|idは"
    r"|のid(?:は)?|يوزر\w*) {0,2}(?:is |es |: )?$"
)
_DISTANT = re.compile(r"(?<![\w.@/-])[a-z][a-z0-9_.\-]{3,30}")
_ORDINARY = frozenset(
    "http https www com and you can the for with here there this that what when where add me too please thanks "
    "thank now app group video "
    "videos call calls message messages chat account profile page story stories link post posts channel number "
    "name user username handle "
    "live online only soon tomorrow today lessons lesson english spanish french german italian korean japanese "
    "chinese russian turkish arabic "
    "whatsapp wechat line kakao kakaotalk telegram skype instagram insta discord snapchat snap zalo facebook "
    "tiktok viber signal twitter "
    "email gmail mail phone one two of or if is in on at to ya ve veya o oder und et ou y e ou atau dan var yok "
    "mi mu id ok lol haha pls plz "
    "wifi android iphone ios pc web premium business plus stickers sticker emoji bot".split()
)
_MENTION = re.compile(r"(?<![\w@.])@ ?[a-z0-9_а-я][a-z0-9_а-я.\-]{1,30}[a-z0-9_а-я]")


def _is_named(token: str) -> bool:
    """Whether a token has the look of a handle: a sign, a figure or a dot inside a word, and no web address."""
    bare = token.lstrip("@")
    if not re.search(r"[a-zа-я]", bare) or bare in _ORDINARY:
        return False
    if token.startswith("@"):
        return True
    return bool(re.search(r"_|[a-zа-я]\d|\d[a-zа-я].*[a-z].*[a-z]|[a-zа-я]\.[a-zа-я\d]|\.\d", bare)) and not re.search(
        r"\.(?:com|org|net|ru|io|example|de|fr|tv|co|jp|kr|cn|tr|br|uk)$|^\d+(?:st|nd|rd|th|min|am|pm|h|x|k|gb"
        r"|mb|kg|eur|usd|tl)$|^(?:a1|a2|b1|b2|c1|c2|n[1-5])$|\.\.",
        bare,
    )


def _platform(match: re.Match[str]) -> str:
    return _PLATFORMS[int(str(match.lastgroup)[1:])]


def find_handles(text: str) -> Iterator[tuple[str, int, int]]:
    """Platform and span of each handle in a folded text.

    >>> [*find_handles("insta: mara.v_9, or t.me/marav")]
    [('Telegram', 20, 30), ('Instagram', 7, 15)]
    >>> [*find_handles("@yuki thanks! do you have line?")]
    []
    """
    for match in _LINK.finditer(text):
        yield _platform(match), *match.span()
    for match in _TAG.finditer(text):
        yield "Discord", *match.span()
    for match in _BOT.finditer(text):
        yield "Telegram", *match.span()
    names = _names(text)
    taken: list[tuple[int, int]] = []
    for place, (start, end, platform) in enumerate(names):
        limit = names[place + 1][0] if place + 1 < len(names) else len(text)
        span = _after(text, end, platform, limit) or _before(text, start) or _further(text, end, limit)
        if span is not None:
            taken.append(span)
            yield platform, *span
    if names:
        starts = [start for start, _, _ in names]
        for mention in _MENTION.finditer(text):
            if any(low < mention.end() and mention.start() < high for low, high in taken[-8:]):
                continue
            place = bisect_left(starts, mention.start())
            near = [names[i] for i in (place - 1, place) if 0 <= i < len(names)]
            near = [
                name for name in near if -3 <= mention.start() - name[1] <= 32 or 0 <= name[0] - mention.end() <= 24
            ]
            # A mention opening the message is for a member; the service is for everybody.
            if (
                near
                and not (mention.start() == 0 and near[0][0] - mention.end() > 8)
                and _is_named(mention[0].replace(" ", ""))
            ):
                yield near[0][2], *mention.span()


def _names(text: str) -> list[tuple[int, int, str]]:
    """Start, end and platform of every name of a service, in order."""
    found = [(match.start(), match.end(), _platform(match)) for match in _NAME.finditer(text)]
    if not text.isascii():
        found += [(match.start(), match.end(), _platform(match)) for match in _OTHER_NAME.finditer(text)]
        found.sort()
    return found


def _after(text: str, end: int, platform: str, limit: int) -> tuple[int, int] | None:
    """The handle behind the name of a service."""
    position = end
    for _ in range(8):
        if signs := _SIGNS.match(text, position, end + 40):
            position = signs.end()
        word = _WORD.match(text, position)
        if (
            word is None
            or word[0] not in _FILLERS
            or (text[word.end() : word.end() + 1] in "_.-" and text[word.end() : word.end() + 1])
        ):
            break
        position = word.end()
    if platform == "QQ" and (spaced := re.compile(r"\d(?: ?\d){4,11}(?!\d)").match(text, position)):
        return spaced.span()
    token = _HANDLE.match(text, position)
    if token is None:
        return None
    # A service named in between is another's.
    if limit < token.start():
        return None
    shown, between = token[0].rstrip(".-:"), text[end:position]
    last = position + len(shown)
    if text[last : last + 1] == "@":  # an e-mail address
        return None
    if shown.lstrip("@").isdecimal():
        return (position, last) if platform in ("QQ", "WeChat", "Xiaohongshu") and 5 <= len(shown) <= 12 else None
    if re.match(r"\d[\d .\-]{6,}", text[position : position + 20]):
        return None
    if _is_named(shown):
        return position, last
    if shown in _ORDINARY or not shown.isascii() or len(shown) < 4:
        return None
    # A plain word is a handle after a colon, after "id", or in Latin letters amid another script.
    other_script = not text[max(0, end - 2) : end].isascii() or not text[last : last + 2].isascii()
    if _STRONG_LINK.search(text[max(0, position - 16) : position]) and re.search(r"\S", between):
        return position, last
    return (position, last) if other_script or (platform == "WeChat" and "加" in text[max(0, end - 4) : end]) else None


def _further(text: str, end: int, limit: int) -> tuple[int, int] | None:
    """A name with the look of a handle, some words behind the name of a service."""
    for token in _DISTANT.finditer(text, end, min(limit, end + 56)):
        shown = token[0].rstrip(".-")
        if (
            len(shown) > 4
            and not shown.isdecimal()
            and _is_named(shown)
            and text[token.start() + len(shown) :][:1] not in ("@", "/")
        ):
            return token.start(), token.start() + len(shown)
    return None


def _before(text: str, start: int) -> tuple[int, int] | None:
    """The handle before the name of a service: "ola_77 on insta", "I'm bigtoast on Discord"."""
    before = text[max(0, start - 56) : start]
    words = [*re.finditer(r"\S+", before)]
    joined = 0
    while words and joined < 3 and (words[-1][0] in _PREPOSITIONS or words[-1][0] == "ال"):
        words.pop()
        joined += 1
    if not words or (words[-1].start() == 0 and start > 56):
        return None
    shown = words[-1][0].strip(",;:!?()[]'\"").rstrip(".-")
    if not _WHOLE_HANDLE.fullmatch(shown):
        return None
    begin = start - len(before) + words[-1].start() + words[-1][0].index(shown)
    if _is_named(shown):
        return begin, begin + len(shown)
    said = _SELF.search(before[: words[-1].start()])
    if said and joined and shown.isascii() and len(shown) > 3 and shown not in _ORDINARY:
        return begin, begin + len(shown)
    return None
