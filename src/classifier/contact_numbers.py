"""Telephone numbers in figures: what phonenumbers calls one, and what else dials, but no dates, prices and orders.

A run of digits is a telephone number where it is written internationally and possible, where the words around say so,
or where it has the shape of a national number; words such as "order" before it, and the shapes of dates, times, sums,
scores and versions, speak against it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from classifier.contact_words import find_number_words, is_counting

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PHONE_WORDS", "find_phones"]

# What stands before or after a telephone number, folded; stems match longer words. Also the services that take numbers.
PHONE_WORDS = re.compile(
    r"\b(?:phone|tel|telef|telepho|cell(?!o)|mobile|landline|call|ring|txt|text|dial|fax|sms|numbe?r|num\b|no\b"
    r"|nr\b|hotline"
    r"|wh?ats|wa\b|wp\b|wsp|wpp|wasap|wazap|wassap|wotts|guasap|zap\b|viber|zalo|signal|contact|reach"
    r"|llam|movil|fij[oa]\b|linea\b|cel\b|numero|appel|portable|joign|joindre|fixe\b|anruf|ruf\b|handy|nummer"
    r"|mobil|festnetz|erreich"
    r"|chiam|cellul|recapito|lig(?:a|ue|ar)\b|celular|telemovel|fone\b|fala\b|hub(?:ungi)?\b|nomor|nomer|telp"
    r"|hp\b|kontak"
    r"|тел|номер|звон|позвон|ватсап|вотсап|вацап|вайбер|моб|сот|набер|ara(?:yin|r)?\b|numara|cep\b|gsm\b|telefon"
    r"|pulsa|line\b.{0,12}\bphone)"
    r"|رقم|اتصل|يدق|دقوا|تليفون|تلفون|هاتف|جوال|موبايل|واتس|كلمن|نمره|ت/"
    r"|電話|でんわ|携帯|けいたい|番号|TEL|tel|かけて|ショートメール|"
    r"전화|번호|폰|핸드폰|휴대폰|연락|문자|왓츠|톡방"
    r"|电话|電話|手机|手機|号码|號碼|联系|聯絡|座机|致电|打给|whatsapp|微信同号"
)
_NOT_PHONE = re.compile(
    r"(?:\b(?:order|ticket|invoice|booking|reservation|ref|reference|track|tracking|parcel|lesson|class|isbn"
    r"|issn|doi|serial"
    r"|version|update|ver|v|build|page|pages|pp|chapter|exercise|ex|level|lvl|score|room id|meeting id|zoom"
    r"|student id|code|otp|pin"
    r"|ip|flight|train|article|build|item|sku|model|postcode|zip|population|steps|years?|quiz|raffle|receipt"
    r"|barcode|container|cmr|statement"
    r"|pedido|reserva|codigo|factura|expediente|clase|leccion|capitulo|pagina|ejercicio|version|vuelo"
    r"|seguimiento|envio|paquete"
    r"|commande|colis|suivi|lecon|facture|reservation|dossier|exercice|vol|bestell\w*|auftrag\w*|rechnung\w*"
    r"|sendung\w*|aktenzeichen"
    r"|ticketnummer|kundennummer|karton|strichcode|lektion|seite|ubung|buchung\w*|ordine|pratica|spedizione"
    r"|lezione|fattura|prenotazione|codice"
    r"|protocolo|aula|rastreio|encomenda|modulo|pesanan|resi|pelajaran|halaman|latihan|invoice|kode|versi|kapal"
    r"|заказ\w*|заявк\w*|трек\w*|урок\w*|накладн\w*|верси\w*|счет\w*|квитанц\w*|брон\w*|код\w*|билет\w*"
    r"|страниц\w*|упражнени\w*"
    r"|siparis\w*|kargo\w*|takip|ders\w*|sayfa\w*|fatura\w*|surum\w*|alistirma\w*|rezervasyon\w*|kod\w*|puan\w*)\b"
    r"|رقم الطلب|طلب|الطلبيه|شحنه|الشحنه|حجز|الحجز|فاتوره|الدرس|درس|تمرين|الاصدار|كود|تتبع"
    r"|注文(?!は|の?電話|は)|追跡|予約|会員|問い合わせ番号|レッスン|バージョン|受付|伝票|整理番号|주문|택배|인증"
    r"|송장|예약|버전|운송장|접수|订单|訂單|发票|發票|验证码|快递|單號|单号|运单|物流|版本|课程|課程|编号|編號"
    r"|(?<!my )#|№)"
)
# "Orders: 0532 …" is where one orders.
_WHERE_TO_ORDER = re.compile(r"^\w*(?: (?:icin|hatti|line|by phone)|s?:| على)|^ على|^は")
_MONEY_BEFORE = re.compile(r"(?:[$€£¥₩₽₹₺₫]|r\$|rp\.?|usd|eur|gbp|idr|vnd|rm|aed|sar|us\$|nt\$|hk\$) ?$")
_MONEY_AFTER = re.compile(
    r" ?(?:[$€£¥₩₽₹₺₫%]|usd|eur|euro|dollar|pound|rupiah|rupee|tl\b|lira|rub|руб|р\b|yen|won|円|원|元|块|塊|ريال"
    r"|جنيه|دولار|درهم"
    r"|pesos|reais|mah\b|kg|km|gb\b|mb\b|ml\b|views|people|pasos|steps|habitant|personnes|personas|pessoas|jiwa"
    r"|orang|человек|xp\b"
    r"|millio|人|명)"
)
# One separator or two between digits, with at most a bracket: a line that goes on.
_RUN = re.compile(r"[+(]{0,2}\d(?:(?:[ .\-/|·_~*()]{0,3}|,)\d)+")
# Digits and the letters that pass for them (07700 9oo 518, ㅇ1ㅇ).
_DISGUISED = re.compile(
    r"(?<![^\W\d_])(?<!\d)(?=[\dolㅇ○〇]{0,12}\d)(?=[\d ]{0,12}[oㅇ○〇l])"
    r"[\dolㅇ○〇](?:[ .\-]{0,2}[\dolㅇ○〇]){6,14}(?![^\W_])"
)
_NOT_A_PHONE_SHAPE = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d"  # dates
    r"|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}(?:[ ,-]+\d{1,2}(?:[.]\d\d)?)?"
    r"|(?:1\d|20)\d\d ?[-/~,. ]{1,3}(?:1\d|20)\d\d(?:[ ,]{1,2}(?:1\d|20)\d\d)*(?:[ ,-]{1,3}(?:1\d|20)\d\d)*"  # years
    r"|\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?|\d{1,3}(?: 000)+|\d{1,3} \d{3}(?: \d{3})?"  # sums
    r"|\d+[.,]\d+"  # decimals
    r"|\d{1,3}(?:\.\d{1,3}){3}"  # Internet addresses
    r"|\d{1,2}(?:[-/ ,]{1,3}\d{1,2}){1,9}"  # scores, sets, lists
    r"|(?:\d{1,2}[.,]\d{1,2}[ ,]{1,2})+\d{1,2}[.,]\d{1,2}"  # grades, times
    r"|97[89][- ]?(?:\d[- ]?){9}\d"  # ISBN
    r"|\d{1,2}[.:]\d\d ?-{1,2} ?\d{1,2}[.:]\d\d"  # times
    r"|\d+[-/]\d+"
)
# Digit by digit, as nobody writes anything else.
_SINGLE_DIGITS = re.compile(r"\d(?:[ |*/_-]{1,3}\d){7,12}")
_GROUPS_OF_A_SUM = re.compile(r"\d{1,3}(?: \d{3}){1,3}")

# Shapes of national numbers that people write without a word of explanation.
_NATIONAL = re.compile(
    r"0\d{1,4}(?:[ .\-/]\d{2,8}){1,4}"  # 07700 900 582, 06 39 98 44 07, 0171 3920055
    r"|\(0?\d{1,5}\) ?\d{3,5}[ .\-]?\d{3,5}"  # (415) 555-0162
    r"|[2-9]\d\d[ .\-]\d{3}[ .\-]\d{4}"  # North America
    r"|[2-9]\d\d-\d{4}"
    r"|1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}"  # China
    r"|[67]\d\d \d{3} \d{3}|[679]\d\d(?: \d\d){3}|9\d\d \d{3} \d{3}"  # Spain, Portugal
    r"|3[2-9]\d[ .\-]?\d{3}[ .\-]?\d{2} ?\d{2}|3[2-9]\d \d\d \d\d \d{3}"  # Italy
    r"|\(?\d\d\)? 9 ?\d{4}[ \-]\d{4}|9\d{4}-\d{4}"  # Brazil
    r"|8 ?[\(]?9\d\d\)? ?\d{3}[ \-]?\d\d[ \-]?\d\d"  # Russia
    r"|5[0-5]\d \d{3} \d\d \d\d"  # Türkiye
    r"|11 \d{4} \d{4}|55 \d{4} \d{4}"  # Argentina, Mexico
)
_REGIONS_BY_START = (
    ("0044", ("GB",)), ("010", ("KR", "EG")), ("011", ("KR", "EG", "IT")), ("012", ("EG",)), ("015", ("DE", "EG")),
    ("016", ("DE", "FR")), ("017", ("DE",)), ("01", ("FR", "GB")), ("02", ("FR", "GB", "KR")),
    ("03", ("FR", "JP", "AU")),
    ("04", ("FR", "AU", "BE")), ("050", ("TR", "SA", "JP")), ("05", ("TR", "SA", "MA", "FR")),
    ("06", ("FR", "MA", "NL")),
    ("070", ("JP", "NG")), ("07", ("GB", "FR", "IQ")), ("080", ("JP", "NG")), ("08", ("ID", "JP", "FR")),
    ("090", ("JP", "VN", "NG")), ("09", ("VN", "PH", "TW")), ("1", ("CN",)), ("89", ("RU",)), ("3", ("IT",)),
)  # fmt: skip


@lru_cache(4096)
def _is_valid(digits: str, region: str | None) -> bool:
    """Whether phonenumbers takes digits for a number of a region, or with ``+`` for an international one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    if region is None:  # numbers reserved for fiction are possible, not valid
        return phonenumbers.is_possible_number(number)
    return phonenumbers.is_valid_number(number)


def _has_national_form(digits: str, region: str | None) -> bool:
    if region is not None:
        return _is_valid(digits, region)
    regions = next((regions for start, regions in _REGIONS_BY_START if digits.startswith(start)), ())
    return any(_is_valid(digits, candidate) for candidate in regions)


def find_phones(text: str, *, region: str | None = None) -> Iterator[tuple[int, int]]:
    """Spans of the telephone numbers in a folded text; ``region`` is where national numbers are from, such as ``"GB"``.

    >>> [*find_phones("ring +44 7700 900 123 or 07700 900456, order 07700900789")]
    [(5, 21), (25, 37)]
    """
    for match in _RUN.finditer(text):
        start, end = match.span()
        # A bracket that is not closed, or a sum in brackets, is punctuation.
        if match[0].startswith("(") and ")" not in match[0]:
            start += 1
        yield from _phones_of_run(text, start, end, region)
    for match in _DISGUISED.finditer(text):
        figures = sum(map(str.isdecimal, match[0]))
        if any(not re.search(r"[\d○〇ㅇ]", word) and set(word) != {"o"} for word in re.split(r"[ .\-]+", match[0])):
            continue
        if figures >= 4 or (figures >= 2 and _context(text, *match.span())):
            yield match.span()
    for start, end in find_number_words(text, fewest=6):
        values = text[start:end]
        if _context(text, start, end) or _dictates_seven(values):
            yield start, end


def _dictates_seven(run: str) -> bool:
    return next(find_number_words(run), None) is not None


def _context(text: str, start: int, end: int) -> bool:
    """Whether a word for telephones stands near."""
    return bool(PHONE_WORDS.search(text[max(0, start - 40) : start]) or PHONE_WORDS.search(text[end : end + 24]))


def _names_something_else(before: str, after: str) -> bool:
    """Whether the nearest word says that a number is an order's, a ticket's, a version's."""
    other = max(_NOT_PHONE.finditer(before), key=re.Match.end, default=None)
    said = max((match.end() for match in PHONE_WORDS.finditer(before)), default=0)
    # "order number", "номер заказа": what is named beside the word "number" counts, not the number.
    if other and (other.end() > said or re.fullmatch(r" ?\w*", before[other.end() : said])):
        return not (_WHERE_TO_ORDER.match(before[other.end() :]) or len(before) - other.end() > 24)
    found = None if said else _NOT_PHONE.search(after)
    return found is not None and re.fullmatch(r" (?:[^\W\d_]{1,6} ){0,4}", after[: found.start()]) is not None


def _phones_of_run(text: str, start: int, end: int, region: str | None) -> Iterator[tuple[int, int]]:
    shown = text[start:end]
    digits = re.sub(r"\D", "", shown)
    if len(digits) < 6 or (text[start - 1 : start].isalnum() and text[start - 1 : start].isascii()):
        return
    if len(digits) > 15:  # two numbers side by side, or none
        yield from _parts(text, start, end, region)
        return
    after = text[end : end + 32]
    if after[:1] == "+" or (
        after[:1].isalpha() and after[:1].isascii() and not (PHONE_WORDS.match(after) or re.search(r"\d \d+ \d", shown))
    ):
        return
    before = text[max(0, start - 40) : start]
    dialled = shown.startswith("+") or text[start - 1 : start] == "+" or (shown.startswith("00") and len(digits) >= 11)
    if dialled and len(digits) >= 7 and _is_valid("+" + digits.removeprefix("00"), None):
        yield start, end
        return
    if _names_something_else(before, after) or _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after):
        return
    if re.fullmatch(
        r"[\w/][/=.#,:]|.?[/=#]", text[max(0, start - 2) : start], re.ASCII
    ):  # of an address, of a longer figure
        return
    if len(set(digits)) < 3 or is_counting([int(digit) for digit in digits]):
        return
    close = bool(PHONE_WORDS.search(before)) or bool(PHONE_WORDS.search(after))
    plain = _NOT_A_PHONE_SHAPE.fullmatch(shown) is not None
    if len(digits) < 7:
        if close and not plain and PHONE_WORDS.search(before[-12:]):
            yield start, end
        return
    if close and (not plain or (_GROUPS_OF_A_SUM.fullmatch(shown) and "," not in shown) or _NATIONAL.fullmatch(shown)):
        if not re.search(r"[.,] ", shown):
            yield start, end
        return
    if _NATIONAL.fullmatch(shown) or _SINGLE_DIGITS.fullmatch(shown):
        yield start, end
    elif not plain and 9 <= len(digits) <= 11 and (digits[0] in "01" or digits.startswith("89") or region):
        if _has_national_form(digits, region):
            yield start, end
    elif not plain and 7 <= len(digits) <= 12 and _alone(text, start, end):
        yield start, end


def _parts(text: str, start: int, end: int, region: str | None) -> Iterator[tuple[int, int]]:
    """Split a run too long for one number at its widest gaps."""
    cut = [match.span() for match in re.finditer(r"[ ,/|]{2,3}|[/,|]| \(", text[start:end])]
    at = start
    for left, right in [*cut, (end - start, end - start)]:
        if right > left or left == end - start:
            if at < start + left and end - at > 0 and start + left - at < end - start:
                yield from _phones_of_run(text, at, start + left, region)
            at = start + right


def _alone(text: str, start: int, end: int) -> bool:
    """Whether hardly anything else is said: a bare number is an answer to "your number?"."""
    rest = text[:start] + text[end:]
    return len(rest.strip()) <= 3 and text[start:end].count(".") < 2
