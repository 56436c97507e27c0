"""Number words of our languages, and telephone numbers written with them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NUMBER_WORDS", "find_number_words", "is_counting"]

# All words are folded: lower case, without accents.
_DIGITS = {
    "en": "zero/oh/o/nought/zeros one two three four five six seven eight nine",
    "es": "cero/ceros uno/un dos tres cuatro cinco seis siete ocho nueve",
    "fr": "zero un deux trois quatre cinq six sept huit neuf",
    "de": "null eins/ein zwei/zwo drei vier funf/fuenf sechs sieben acht neun",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "pt": "zero um/uma dois/duas tres quatro cinco seis/meia sete oito nove",
    "id": "nol/kosong satu dua tiga empat lima enam tujuh delapan/lapan sembilan",
    "ru": "ноль/нуль/нол один/раз два три четыре пять шесть семь восемь девять",
    "tr": "sifir bir iki uc dort bes alti yedi sekiz dokuz",
    "ar": "صفر/اصفار/زيرو واحد اثنين/اثنان/اتنين/تنين ثلاثه/تلاته/ثلاث/تلات اربعه/اربع خمسه/خمس سته/ست سبعه/سبع "
    "ثمانيه/تمانيه/ثمان/تمان تسعه/تسع",
}
_TEENS = {
    "en": "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "es": "diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve",
    "fr": "dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf",
    "de": "zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn",
    "it": "dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove",
    "pt": "dez onze doze treze quatorze/catorze quinze dezesseis/dezasseis dezessete/dezassete dezoito "
    "dezenove/dezanove",
    "ru": "десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать "
    "девятнадцать",
    "id": "sepuluh sebelas",
}
_TENS = {  # from twenty on
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt/vingts trente quarante cinquante soixante",
    "de": "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "ru": "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
    "tr": "yirmi otuz kirk elli altmis yetmis seksen doksan",
}
_HUNDRED = "hundred cent hundert cento yuz ratus"  # take the digit before them
_HUNDREDS = (  # are three digits by themselves
    "cien ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos "
    "duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos сто двести триста "
    "четыреста "
    "пятьсот шестьсот семьсот восемьсот девятьсот"
)
_TIMES = {"double": 1, "dbl": 1, "triple": 2, "doble": 1, "dupla": 1, "duplo": 1, "doppel": 1, "doppia": 1, "plus": 0}
_JOINING = frozenset("y et und e ve dan and then puis dann poi luego sonra sora потом затем и و ثم".split())
_ONE, _TWO, _HUNDRED_OF, _THREE, _REPEAT = range(5)


def _lexicon() -> dict[str, tuple[int, int]]:
    """Every number word with how it adds digits and its value."""
    words: dict[str, tuple[int, int]] = {}
    for kind, first, step, table in ((_TWO, 20, 10, _TENS), (_TWO, 10, 1, _TEENS), (_ONE, 0, 1, _DIGITS)):
        for row in table.values():
            for place, spellings in enumerate(row.split()):
                words.update(dict.fromkeys(spellings.split("/"), (kind, first + step * place)))
    for place, ten in enumerate(_TENS["de"].split(), 2):
        for digit, one in enumerate("ein zwei drei vier funf sechs sieben acht neun".split(), 1):
            words[f"{one}und{ten}"] = _TWO, 10 * place + digit
    for place, ten in enumerate(_TENS["it"].split(), 2):
        for digit, one in enumerate(_DIGITS["it"].split()[1:], 1):
            words[(ten[:-1] if digit in (1, 8) else ten) + one] = _TWO, 10 * place + digit
    words.update(dict.fromkeys(_HUNDRED.split(), (_HUNDRED_OF, -1)))
    words.update(dict.fromkeys(_HUNDREDS.split(), (_THREE, -1)))
    words.update({word: (_REPEAT, -1 - times) for word, times in _TIMES.items()})
    return words


_LEXICON = _lexicon()
NUMBER_WORDS = frozenset(_LEXICON)
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_GAP = re.compile(r"[\s,.;:·•…'\-–/|+()]{0,5}")

# Numerals of languages written without spaces: a run of seven or more is no sentence.
_IDEOGRAPHS = dict(zip("零〇○一二三四五六七八九幺两兩壹贰叁肆伍陆柒捌玖", "000123456789122123456789", strict=True))
_KANA = {"ぜろ": 0, "ゼロ": 0, "れい": 0, "まる": 0, "いち": 1, "に": 2, "さん": 3, "よん": 4, "し": 4,
         "ご": 5, "ろく": 6,
         "なな": 7, "しち": 7, "はち": 8, "きゅう": 9, "きゅー": 9, "く": 9}  # fmt: skip
_HANGUL = dict(zip("공영빵일이삼사오육륙칠팔구", "0001234566789", strict=True))
_IDEOGRAPH_NUMERAL = f"(?:ゼロ|ぜろ|[{''.join(_IDEOGRAPHS)}]|\\d)"
_KANA_NUMERAL = f"(?:{'|'.join(sorted(_KANA, key=len, reverse=True))}|ー)"
_HANGUL_NUMERAL = f"[{''.join(_HANGUL)}\\d]"
_RUNS = [
    # The first numeral is no digit, or one of the next three: plain digits are read elsewhere.
    re.compile(rf"(?=\d{{0,3}}[ゼぜ{''.join(_IDEOGRAPHS)}]){_IDEOGRAPH_NUMERAL}"
               rf"(?:[ ,.\-的の]{{0,2}}{_IDEOGRAPH_NUMERAL}){{6,15}}"),
    re.compile(rf"{_KANA_NUMERAL}(?:[ ,.\-の]{{0,2}}{_KANA_NUMERAL}){{6,19}}"),
    re.compile(rf"(?:공|영|빵){_HANGUL_NUMERAL}(?:[ ,.\-에]{{0,2}}{_HANGUL_NUMERAL}){{5,11}}"),
]  # fmt: skip
_NUMERAL = re.compile(rf"{_KANA_NUMERAL}|[{''.join(_IDEOGRAPHS)}{''.join(_HANGUL)}\d]")


def is_counting(values: list[int]) -> bool:
    """Whether numbers only count up or down by one, as learners do.

    >>> is_counting([1, 2, 3, 4]), is_counting([0, 7, 7])
    (True, False)
    """
    steps = {b - a for a, b in pairwise(values)}
    return (len(values) > 1 and steps <= {1} | {-9}) or steps == {-1}


def _digits_added(run: list[tuple[int, int]]) -> int:
    """How many digits a run of number words dictates: forty-two is two, nine hundred three is three."""
    count, before, room = 0, -1, 0
    for kind, width in run:
        if kind == _ONE:
            count, room = (count, 0) if room else (count + width, 0)
        elif kind == _TWO:
            count, room = count + (0 if before in (_HUNDRED_OF, _THREE) else 2), 1
        elif kind in (_HUNDRED_OF, _THREE):
            count, room = count + (2 if kind == _HUNDRED_OF and before == _ONE else 3), 1
        else:
            count, room = count + width, 0
        before = kind
    return count


def _is_dictated(run: list[tuple[int, int]], values: list[int], words: int, fewest: int) -> bool:
    """Whether a run of numbers is one number given digit by digit or in groups, not an exercise in counting."""
    if words < 3 or not fewest <= _digits_added(run) <= 16 or is_counting(values) or len({*values}) < 3:
        return False
    # Only numbers above nine, one after another, are an exercise as well.
    alone = [
        kind for (before, _), (kind, _) in zip([(_ONE, 0), *run], run, strict=False) if kind == _ONE and before != _TWO
    ]
    return len(alone) >= 2 or run[0][0] in (_HUNDRED_OF, _THREE)


def find_number_words(text: str, *, fewest: int = 7) -> Iterator[tuple[int, int]]:
    """Spans of a folded text where seven to sixteen digits are dictated in words, words and figures mixed or not.

    >>> [*find_number_words("call seis uno dos, cero cero 55 cero uno pronto")]
    [(5, 40)]
    >>> [*find_number_words("one two three four five six seven eight")]
    []
    """
    if not text.isascii():
        for pattern in _RUNS:
            for match in pattern.finditer(text):
                numerals = _NUMERAL.findall(match[0])
                figures = [_value(numeral) for numeral in numerals if numeral != "ー"]
                if not is_counting(figures) and len(figures) >= fewest:
                    yield match.span()
    run: list[tuple[int, int]] = []
    values: list[int] = []
    start = end = words = 0
    for token in _TOKEN.finditer(text):
        word = token[0]
        joined = not run or ((gap := _GAP.match(text, end)) is not None and gap.end() >= token.start())
        known = (_ONE, len(word)) if word.isdecimal() else _LEXICON.get(word)
        if run and joined and word in _JOINING:
            end_of_join = token.end()
            if known is None:
                # The join belongs to the run only if a number follows, so the end of the run stays.
                end = end_of_join if _number_follows(text, end_of_join) else end
                continue
        if not joined or known is None:
            if _is_dictated(run, values, words, fewest):
                yield start, end
            run, values, words = [], [], 0
        if known is None:
            continue
        if not run:
            start = token.start()
        kind, value = known
        if word.isdecimal():
            run.append((-2, len(word)))
            values.append(int(word[:9]))
        else:
            run.append((kind, -1 - value if kind == _REPEAT else 1))
            words += 1
            values += [value] * (kind in (_ONE, _TWO))
        end = token.end()
    if _is_dictated(run, values, words, fewest):
        yield start, end


def _value(numeral: str) -> int:
    if numeral in _KANA:
        return _KANA[numeral]
    return int(_IDEOGRAPHS.get(numeral) or _HANGUL.get(numeral) or numeral)


def _number_follows(text: str, position: int) -> bool:
    following = (token[0] for token in _TOKEN.finditer(text, position, position + 24))
    word = next((word for word in following if word not in _JOINING), "")
    return word.isdecimal() or word in _LEXICON
