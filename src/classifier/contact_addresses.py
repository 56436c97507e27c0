"""Street addresses by the words and the order of each language: a street with a house number, and what follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.contact_text import View

__all__ = ["find_addresses"]

_W = r"(?:[^\W\d_][\w'’-]{0,24}(?![.])|[a-z]{1,3}\.)"
_NAME = rf"(?:{_W} ){{1,5}}?"  # some words of a street's name
_HOUSE = r"\d{1,5}(?: ?[a-z](?![a-z]))?(?:[-/]\d{1,4}[a-z]?)?"
_NUMBER_SIGN = r"(?:,? ?(?:n[°ºo.]{1,2}|no|nr|num\.?|numero|nomor|number|blok|km|#)[.: ]{0,2})?"
_PATTERNS = [
    # English: 41 Thistle Lane; Apt 6, 220 Maple Avenue
    rf"(?:(?:apt|apartment|flat|unit|room|suite)\.? ?#?\w{{1,5}},? )?(?<![\d.,:$€£-]){_HOUSE},? (?:{_W} ){{1,4}}?"
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|boulevard|blvd|crescent|cres|terrace|close|mews"
    r"|parkway|grove)(?![\w'])",
    rf"(?<!\w){_W} (?:street|avenue) {_HOUSE}(?![\d:.%])",
    # Spanish, Portuguese, Italian, Catalan
    rf"(?<!\w)(?:calle|c/|avda|avenida|av|plaza|paseo|pasaje|carrera|cra|camino|rua|travessa|praca|alameda"
    rf"|estrada|via|viale|piazza"
    rf"|corso|vicolo|largo|strada)\.? (?:d[aeio]l{{0,2}}a?s? )?(?:{_W},? ){{0,4}}?{_W}{_NUMBER_SIGN},? "
    rf"?(?<!\d){_HOUSE}(?![\d:.%€$])",
    # French
    rf"(?<![\d.,:€])\d{{1,4}}(?: ?(?:bis|ter))?,? (?:rue|avenue|av\.?|boulevard|bd|place|chemin|impasse|allee"
    rf"|quai|route|cours|square)"
    rf" (?:d[eu]s? (?:la |l')?|d')?{_W}(?: {_W}){{0,3}}",
    rf"(?<!\w)rue (?:{_W} ?){{1,4}},? (?:n[°o]\.? ?|lot )?\d{{1,4}}(?!\d)(?! ?(?:h|€|euro|ans|fois|:))",
    # German
    rf"(?<!\w)(?:{_W}[ -]){{0,2}}?(?:\w{{0,24}}(?:strasse|str\.?|weg|gasse|allee|platz|(?<![aeiou])ring|damm"
    rf"|ufer|chaussee|steig|stieg|hof)"
    rf"|(?:am|an der|im|auf dem|zum|zur) {_W}(?:berg|graben|hang|markt|feld|park|bach|see)) {_HOUSE}(?![\d:.%€])",
    # Indonesian
    rf"(?<!\w)(?:jl|jln|jalan|gang|gg)\.? (?:{_W} ){{0,4}}?(?:gang \w+ )?(?:{_W} ?)(?: ?\d{{1,3}} "
    rf")?{_NUMBER_SIGN}\d{{1,4}}[a-z]?(?!\d)",
    rf"(?<!\w)(?:perum(?:ahan)?|komplek|komp|blok)\.? (?:{_W} ){{0,3}}?(?:blok )?[a-z]{{1,2}}\d{{0,3}} (?:no\.?"
    rf"|nomor) ?\d{{1,4}}",
    # Any language: a capitalised name, a number, a flat
    rf"(?<!\w){_W} \d{{1,5}},? (?:(?:apartment|apt|flat|piso|depto|interno|scala|daire|kat|apto)\.? "
    rf"?[\da-z]{{1,4}}(?!\w)|\d{{1,2}}(?:to|do|ro|er|[º°])\.? [a-d](?!\w))",
    r"(?<!\w)p\.? ?o\.? box \d{2,6}",
    # Turkish
    rf"(?<!\w)(?:{_W} ){{1,3}}?(?:mah(?:allesi)?|mh)\b\.?,? (?:(?:{_W}|\d{{1,4}}\.?) ){{0,3}}?(?:sok(?:ak|agi)?"
    rf"|sk|cad(?:desi)?|cd)\b\.?,? ?(?:no[.: ]{{0,2}})?\d{{1,5}}",
    rf"(?<!\w)(?:{_W}|\d{{1,4}}\.?)(?: {_W})?? (?:sok(?:ak|agi)?|sk|cad(?:desi|de)?|cd|bulvari)\b\.?,? "
    rf"?(?:no[.: ]{{0,2}})\d{{1,5}}",
    # Russian
    rf"(?<!\w)(?:ул|улиц\w|пр|просп|проспект\w{{0,2}}|пр-т|пер|переул\w{{1,4}}|наб|набережн\w{{1,2}}|шоссе"
    rf"|бульвар\w?|проезд\w?)\.? (?:{_W} ){{0,2}}?{_W},? ?"
    rf"(?:д(?:ом)?\.? ?)?\d{{1,4}}[а-я]?(?![\d:])",
    rf"(?<!\w){_W},? (?:д(?:ом)?\.? ?)?\d{{1,4}},? (?:кв|корп|корпус|подъезд|квартира)\.? ?\d{{1,4}}",
    # Arabic
    rf"(?:شارع|حي|عماره|زنقه|اقامه) (?:{_W} ?،?,? ?){{0,5}}?،?,? ?(?:(?:رقم|عماره|عمارة|شقه|فيلا|منزل|بيت|بلوك"
    rf"|محله) ?)?\d{{1,5}}(?! ?(?:سن|دق|ري|شخص))",
    rf"(?<!\d)\d{{1,4}},? ?ش(?:ارع)?\.? {_W}(?: {_W}){{0,3}}",
]
# Scripts without spaces between words.
_HAN = r"[\u3005\u3400-\u9fff\uf900-\ufaff]"
_PATTERNS += [
    rf"(?:〒?\d{{3}}-\d{{4}} ?)?[{_HAN[1:-1]}ァ-ヶー]{{0,12}}?(?:[市区郡村町県都府])"
    rf"[{_HAN[1:-1]}ァ-ヶーのがぁ-ん]{{0,14}}?(?:\d{{1,4}}丁目)?"
    r"\d{1,4}(?:番地?|号|丁目|[-−の]\d{1,4}|番町)(?:\d{1,4}(?:号|番)?|[-−]\d{1,4}){0,3}(?:号室?)?",
    r"(?:[가-힣]{1,6}(?:시|도|특별시|광역시)? )?(?:[가-힣]{1,5}[시군구] ?){0,2}[가-힣]{1,7}\d{0,3}(?:대로|로|길"
    r"|동)(?: ?\d{1,4}번?길)?,? ?\d{1,4}(?:-\d{1,4})?(?:번지)?(?!로|길)(?![\d.:년월일시분원개명과쪽%만천호])",
    r"(?:부산|서울|대구|인천|광주|대전|울산|수원|안산|청주) [가-힣]{1,5}[시군구] [가-힣0-9 ]{1,9}?(?:로|길|동) "
    r"?\d{1,4}(?!로|길|\d)",
    rf"{_HAN}{{2,18}}?(?:路|街|道|巷|弄|大道|胡同|邨|新村"
    rf"|花园)(?:[一二三四五六七八九东西南北中]段)?\d{{1,4}}(?:号|號|弄|巷|栋|座)",
    rf"{_HAN}{{2,12}}?(?:校区|小区|公寓|花园|新村|邨)\d{{1,4}}(?:号楼?|號|栋|座)",
]  # fmt: skip
# What every match of a pattern holds one of: without it, the pattern is not tried.
_HINTS = [
    hints.split("/")
    for hints in (
        "street/ st/road/ rd/aven/ ave/lane/ ln/drive/ dr/court/ "
        "ct/boulevard/blvd/cres/terrace/close/mews/parkway/grove",
        "street/avenue",
        "calle/avda/avenida/av/plaza/paseo/pasaje/carrera/cra/camino/rua/travessa/praca/alameda/estrada/via/piazza/corso/vicolo/largo/strada",
        "rue/aven/av/boulevard/bd/place/chemin/impasse/allee/quai/route/cours/square",
        "rue",
        "str/weg/gasse/allee/platz/ring/damm/ufer/chaussee/steig/stieg/hof/am / der / im/auf dem/zum/zur",
        "jl/jalan/gang/gg",
        "perum/komp/blok",
        "apartment/apt/flat/piso/depto/interno/scala/daire/kat/apto/to/do/ro/er/º/°",
        "box",
        "mah/mh",
        "sok/sk/cad/cd/bulvar",
        "ул/пр/просп/пер/наб/шоссе/бульвар",
        "кв/корп/подъезд",
        "شارع/حي/عمار/زنق/اقام",
        "ش",
        "市/区/郡/村/町/県/都/府",
        "로/길/동",
        "로/길/동",
        "路/街/道/巷/弄/胡同/邨/新村/花园",
        "校区/小区/公寓/花园/新村/邨",
    )
]
_ADDRESSES = [(hints, re.compile(pattern)) for hints, pattern in zip(_HINTS, _PATTERNS, strict=True)]
_STREET_WORDS = tuple(sorted({hint.strip() for hints in _HINTS for hint in hints}))
# What goes on an address behind a comma or a space: floors and flats, a postcode, a capitalised town.
_UNIT = (
    r"(?:flat|apt|apartment|unit|room|floor|suite|building|bldg|block|piso|depto|departamento|dpto|puerta|bajo"
    r"|interno|interior|int|scala|piano"
    r"|apto|apartamento|andar|bloco|casa|quadra|lote|appt|appartement|etage|batiment|bat|stock|hinterhaus|whg|rt"
    r"|rw|kec|kel|blok|kamar|daire|kat|no"
    r"|apt|cp|кв|квартира|корп|корпус|под|подъезд|этаж|офис|стр|д|дом|شقه|الدور|الطابق|دور|عماره|فيلا|محله|زقاق"
    r"|دار|مكتب|بنايه)"
)
_QUANTITY = re.compile(
    r" ?(?:km|kg|m2|metre|meter|minut|min\b|hour|ore\b|horas|heures|stunden|years?|anni|anos|ans\b|jahre|day"
    r"|dias|giorni|jours|tage|times|veces"
    r"|[€$£%]|euro|kilo|people|person|pagin|page|lei\b|tl\b|руб|лет\b|час|мин|:\d|h\d|\.\d\d)"
)
_NEVER_IN_A_NAME = frozenset(
    "my your his her our their this that with from for i you we they is are was have don't".split()
)
# Also ordinary words: they are of a street only beside a name in capitals.
_AMBIGUOUS = re.compile(
    r"\b(?:close|drive|court|ct|dr|grove|road|av|corso|largo|via|strada|camino|carrera|place|route|cours|square"
    r"|quai|plaza|piazza|st"
    r"|am|im|zum|zur)\b|(?:ring|hof|damm|weg|steig|platz|ufer)\b|\d{1,5},? (?:apartment|apt|flat|piso|kat|\d)"
)
_CJK_TAIL = re.compile(
    r"(?: ?(?:\d{1,4}(?:호|동|층|号楼|號樓|号|號|栋|棟|单元|單元|室|楼|樓|幢|座|階)|[a-z\d]{1,4}(?:室|座|号)"
    r"|[가-힣]{1,8}(?:아파트|빌라|빌딩)"
    r"|(?:コーポ|メゾン|ハイツ|マンション|アパート)[\w]{0,8}?\d{2,4}|\d{3,4}(?!\d)))+"
)
_SEGMENT = re.compile(
    rf"(?:[,،] ?| - | in | )(?:(?P<unit>{_UNIT}(?:\.?[:/ ]{{1,2}}\w{{1,5}}"
    rf"|\.?\d{{1,4}}[a-zа-я]?)(?:[./]\w{{1,4}})?(?!\w)|\d{{1,2}}[.ºo°a]{{1,2}}(?: \w{{1,3}}(?!\w))?(?: (?:piso"
    rf"|andar|stock|etage))?)|(?P<code>\d{{4,6}}(?:-\d{{3,4}})?|[a-z]{{1,2}}\d[\da-z]? ?\d[a-z]{{2}}|[a-z]{{2}} "
    rf"\d{{5}})(?![\w])|(?P<town>{_W}(?: {_W}){{0,2}}?)(?=[,،.;!?)]|\s*$| [a-z]{{1,2}}\d| \d{{4,6}}(?!\d)))"
)


def find_addresses(view: View) -> Iterator[tuple[int, int]]:
    """Spans of the street addresses in a text.

    >>> from classifier.contact_text import folded_view
    >>> [*find_addresses(folded_view("I live at 17 Orchard Road, Leeds, come by"))]
    [(10, 32)]
    """
    text = view.text
    for hints, pattern in _ADDRESSES:
        if not any(hint in text for hint in hints):
            continue
        for match in pattern.finditer(text):
            end = match.end() - (len(match[0]) - len(match[0].rstrip(" ,،")))
            if not _is_likely(view, match.start(), end):
                continue
            if tail := _CJK_TAIL.match(text, end):
                end = tail.end()
            start = _trimmed(view, match.start(), end)
            yield start, _with_tail(view, end)


def _trimmed(view: View, start: int, end: int) -> int:
    """Where an address begins that a pattern took small words before along ("ich wohne Lindenstr. 12")."""
    words = [(word.start(), word[0]) for word in re.finditer(r"\w+", view.text[start:end])]
    if view.is_upper(start) or not any(view.is_upper(start + at) for at, _ in words):
        return start
    for at, word in words:
        if view.is_upper(start + at) or word[0].isdecimal() or word.startswith(_STREET_WORDS):
            return start + at
    return start


def _is_likely(view: View, start: int, end: int) -> bool:
    """Whether a match is no quantity, and among ordinary words, whether a name is in capitals."""
    text = view.text
    if _QUANTITY.match(text, end):
        return False
    words = re.findall(r"[^\W\d_]+", text[start:end])
    if any(word in _NEVER_IN_A_NAME for word in words[:-1]):
        return False
    if not _AMBIGUOUS.search(text, start, end):
        return True
    tokens = [token.start() for token in re.finditer(r"(?<![\w'’])[^\W\d_]", text[start:end])]
    return any(
        view.is_upper(start + token) for token in (tokens if start and tokens[1:] == [] else tokens[-2:] or tokens)
    )


def _with_tail(view: View, end: int) -> int:
    """Where an address ends that goes on behind its house number with flat, postcode or a town in capitals."""
    text = view.text
    for _ in range(6):
        segment = _SEGMENT.match(text, end)
        if segment is None:
            return end
        if segment["town"] is not None and not (
            segment[0].startswith((",", "،", " - ", " in ")) or text[end - 1].isdecimal()
        ):
            return end
        if segment["town"] is not None and not view.is_upper(segment.start("town")):
            return end
        end = segment.end()
    return end
