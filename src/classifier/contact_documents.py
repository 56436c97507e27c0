"""Numbers of documents, cards and bank accounts: by their check digits, or by the word for the document before them."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["find_cards", "find_documents"]

# Forms that tell a document without a word, and the module of python-stdnum that checks the digits (None: form enough).
_FORMS: tuple[tuple[re.Pattern[str], str | None], ...] = (
    (re.compile(r"(?<![\w.-])\d{8}[ -]?[a-z](?![\w-])"), "stdnum.es.dni"),
    (re.compile(r"(?<![\w-])[xyz]-?\d{7}-?[a-z](?![\w-])"), "stdnum.es.nie"),
    (re.compile(r"(?<!\w)[a-z]{6}\d\d[a-z]\d\d[a-z]\d{3}[a-z](?!\w)"), "stdnum.it.codicefiscale"),
    (re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d\d(?!\w)"), None),  # Brazilian CPF
    (re.compile(r"(?<!\d)[1-9]\d{16}[\dx](?![\da-z])"), "stdnum.cn.ric"),
    (re.compile(r"(?<![\d-])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}(?![\d-])"), None),  # Korean RRN
    (re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])"), None),  # American SSN
    (re.compile(r"(?<!\d)[12] ?\d\d ?[01]\d ?\d[\dab] ?\d{3} ?\d{3} ?\d\d(?!\d)"), "stdnum.fr.nir"),
)
# Words that announce a document, folded; with the module whose check makes a bare figure of theirs sure.
_WORDS = re.compile(
    r"\b(?:passport|pass ?no|pasaporte|passeport|passaporto|passaporte|reisepass|pasaport|pasport|paspor|id "
    r"?card|identity card"
    r"|id ?(?:number|no)|driver'?s? lic|national id|ssn|social security|nric|(?:personal|reise)?ausweis\w*"
    r"|aufenthaltstitel|fuhrerschein|perso ?nr|driver'?s? licen[cs]e"
    r"|licen[cs]e (?:no|number)|visa,? (?:no|number)|residence permit|green card|dni|nie|cedula|curp|rfc|cuil"
    r"|cuit|carnet de identidad"
    r"|numero de documento|carte (?:d'identite|de sejour)|titre de sejour|secu|securite sociale|nir"
    r"|carta d'identita|codice fiscale|permesso di soggiorno|patente|cpf|rg|cartao de cidadao|bilhete de "
    r"identidade|nif|nik|ktp|sim a"
    r"|kimlik|tckn|tc|t\.c|ehliyet|steuer-?id|steuernummer|aadhaar|inn|snils|zagranpasport)\b"
    r"|паспорт\w*|загран\w*|инн\b|снилс|водительск\w*|удостоверени\w*|серия"
    r"|لاكارط|جواز\w*|هويه|هويتي|الهويه|بطاقه|الرقم القومي|اقامه|اقامتي|وثيقه|رخصه"
    r"|パスポート|旅券|マイナンバー|在留カード|免許|カードばんごう|住民票コード"
    r"|여권|주민|외국인등록|등록번호|면허|护照|護照|身份证|身份證|證件|证件|居留|驾照|通行证|社保"
)
_BETWEEN = re.compile(r"[^\n]{0,44}?(?<![a-z0-9@.])(?=[a-z\d])(?=([a-z]{0,6}[ -]?\d[\da-z .*\-]{3,24}))")
_NUMBER = re.compile(r"(?:[a-z]{1,6}[ -]?)?\d[\da-z*]*(?:[ .\-][a-z\d]{1,8}){0,7}")
_NOT_A_NUMBER = re.compile(
    r"\b(?:phone|tel|call|whatsapp|order|price|costs?|year|born|page|photo|lesson|until|before|expires?|berlaku"
    r"|address)\b"
)

_CARD = re.compile(
    r"(?<![\d.])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?!\d)|(?<![\d.])3[47]\d\d[ -]?\d{6}[ -]?\d{5}(?!\d)"
)
_CARD_WORDS = re.compile(
    r"\b(?:card|visa|mastercard|amex|debit|credit|tarjeta|carte|cb|karte|kredit|carta|cartao|kartu|kart|iban"
    r"|transfer\w*|rek(?:ening)?"
    r"|konto|account|bank)|карт|сбер|счет|بطاق|حساب|カード|口座|카드|계좌|卡|账号|帳號|账户"
)
_IBAN = re.compile(r"(?<!\w)[a-z]{2}\d\d(?: ?[\da-z]{2,4}){3,8}(?: ?[\da-z]{1,4})?(?!\w)")
_COUNTRIES = frozenset(
    "ad ae al at az ba be bg bh br by ch cr cy cz de dk do ee eg es fi fo fr gb ge gi gl gr gt hr hu ie il iq is "
    "it jo kw kz lb li lt lu "
    "lv ly mc md me mk mr mt mu nl no pk pl ps pt qa ro rs sa se si sk sm tn tr ua va xk ma dz".split()
)
_ACCOUNT = re.compile(
    r"(?:\b(?:rek(?:ening)?|cbu|clabe|postepay|b[crn][ai]|mandiri|acct|account (?:no|number)|sort code"
    r"|konto(?:nummer)?|bank acc\w*)\b|계좌|口座|银行卡|卡号|账号|رقم الحساب)"
    r"[^\d]{0,16}(\d[\d -]{6,24}\d)"
)


def _checks(module: str, shown: str) -> bool:
    return bool(import_module(module).is_valid(shown))


def find_cards(text: str) -> Iterator[tuple[int, int]]:
    """Spans of payment cards (Luhn, or a word for cards before), IBANs and bank accounts in a folded text.

    >>> [*find_cards("card 4242 4242 4242 4242, iban gb82 west 1234 5698 7654 32")]
    [(5, 24), (31, 58)]
    """
    for match in _CARD.finditer(text):
        shown = re.sub(r"\D", "", match[0])
        before = text[max(0, match.start() - 40) : match.start()]
        named = len(shown) >= 15 and _CARD_WORDS.search(before) is not None
        if named or (13 <= len(shown) <= 19 and _checks("stdnum.luhn", shown) and len(set(shown)) > 1):
            yield match.span()
    for match in _IBAN.finditer(text):
        yield from _bank_accounts(text, match)
    for match in _ACCOUNT.finditer(text):
        yield match.span(1)


def _bank_accounts(text: str, match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The IBAN that begins a match, which may have taken words behind it along."""
    shown = match[0]
    ends = [len(shown), *(gap.start() for gap in re.finditer(" ", shown))][::-1]
    for end in sorted(ends, reverse=True):
        if end >= 15 and _checks("stdnum.iban", shown[:end]):
            yield match.start(), match.start() + end
            return
    before = text[max(0, match.start() - 24) : match.start()]
    figures = re.match(r"[a-z]{2}\d\d(?: ?\d{2,4}){3,7}", shown)
    # A mistyped or invented one: by its word, or by its length.
    if shown[:2] not in _COUNTRIES:
        return
    if figures and ("iban" in before or "ايبان" in before or sum(map(str.isdecimal, figures[0])) >= 16):
        yield match.start(), match.start() + figures.end()


def find_documents(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the numbers of passports, identity cards, tax and social insurance in a folded text.

    >>> sorted({*find_documents("my passport is k5550174, dni 12345678z")})
    [(15, 23), (29, 38)]
    """
    for pattern, module in _FORMS:
        for match in pattern.finditer(text):
            if module is None or _checks(module, match[0]):
                yield match.span()
    after = 0
    for word in _WORDS.finditer(text):
        if word.end() < after:
            continue
        between = _BETWEEN.match(text, word.end())
        if between is None or _NOT_A_NUMBER.search(text, word.end(), between.end()):
            continue
        number = _NUMBER.match(text, between.end())
        if number is None:
            continue
        # Words behind the number are no part of it: keep the groups that hold a digit, and short capitals between.
        groups = [*re.finditer(r"[^ ]+", number[0])]
        while groups and not re.search(r"\d", groups[-1][0]):
            groups.pop()
        kept = 0
        for place, group in enumerate(groups):
            if place and not re.search(r"\d", group[0]) and len(group[0]) > 2:
                break
            if re.search(r"\d", group[0]):
                kept = group.end()
        end = number.start() + kept
        tail = text[end : end + 3]
        if re.match(r" ?[a-z]{1,2}(?![a-z])", tail) and re.fullmatch(r"[a-z]{2} ?\d{5} ?", text[number.start() : end]):
            end += len(tail.rstrip())  # the letters that close an Italian identity card
        if (
            6 <= sum(map(str.isdecimal, text[number.start() : end])) <= 20 and not _is_date(text[number.start() : end])
        ) or (
            sum(map(str.isdecimal, text[number.start() : end])) >= 5 and re.search(r"[a-z]", text[number.start() : end])
        ):
            yield number.start(), end
            after = end


def _is_date(shown: str) -> bool:
    return bool(re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}", shown))
