"""E-mail addresses, written as such or spelled out: "john dot smith at gmail", "рыба собака почта точка ру"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AT_WORDS", "find_emails"]

# Words for @ that mean little else, folded; and those that are ordinary words too and need a dot spelled after them.
AT_WORDS = ("arroba", "arr0ba", "arobase", "arobas", "chiocciola", "chiocciolina", "собака", "собачка", "골뱅이",
            "アットマーク",
            "あっとまーく", "アット", "あっと", "小老鼠", "艾特", "kuyruklu a", "klammeraffe")  # fmt: skip
_AT = re.compile(
    rf"[ ]{{0,3}}(?:(?P<strong>@|[(\[{{<] ?(?:at|et|arroba|a|ат|kuyruklu a)? ?[)\]}}>]|{'|'.join(AT_WORDS)})"
    r"|(?<=[ _\-*])(?P<weak>at|et|aet|att|kuyruk|ат|эт|ات|اَت|آت|على|at sign)(?=[ _\-*]))[ ]{0,3}"
)
_DOT = (
    r"(?: ?[(\[{]? ?(?:(?<![a-z])(?:dot|punto|point|punkt|ponto|titik|nokta|точка|дот|тчк|نقطه|دوت)(?![a-z])"
    r"|ドット|どっと|点|點|닷|쩜|점) ?[)\]}]? ?"
    r"| ?[(\[]\.[)\]] ?| ?\. ?)"
)
_UNDERSCORE = (
    r" ?[(\[]? ?(?:underscore|under score|tiret(?: bas)?|unterstrich|bindestrich|minus|trattino(?: basso)?"
    r"|guion(?: bajo)?|traco"
    r"(?: baixo)?|hifen|underline|alt ?(?:cizgi|tire)|tire|garis bawah|strip|нижнее подчеркивание|подчеркивание"
    r"|дефис|андерскор"
    r"|شرطه(?: سفليه)?|アンダーバー|アンダースコア|ハイフン|언더바|下划线|底线|下劃線|底線) ?[)\]]? ?"
)
_PART = r"[\w+%&'*-]{1,64}"
_LOCAL = re.compile(rf"(?<![\w.])(?:{_PART})(?:(?:{_DOT}|{_UNDERSCORE}|\.)(?:{_PART})){{0,6}}$")
_PLAIN_LOCAL = re.compile(r"[\w+%&'-](?:[\w.+%&'-]{0,63})$")
_LABEL = r"[a-z0-9а-яぁ-んァ-ヶ一-龥가-힣\u0621-\u064a-]{1,40}?"
_TLD = (
    r"(?:com|net|org|example|edu|gov|info|io|me|co|app|dev|online|xyz|eu|de|at|ch|fr|be|es|mx|ar|cl|pe|it|pt|br"
    r"|id|jp|kr|ru|su|by|ua|kz"
    r"|tr|cn|tw|hk|uk|us|ca|au|nz|in|ng|za|sa|ae|eg|ma|dz|jo|lb|iq|vn|th|ph|my|sg|pl|nl|se|no|dk|fi|cz|gr|ro|hu"
    r"|test|invalid"
    r"|ком|ру|рф|нет|орг|كوم|نت|こむ|コム|컴)"
)
_PROVIDER = (
    r"(?:ال)?(?:g ?m ?a ?i ?l|g[e3]?ma?il|googlemail|hotmail|outlook|yahoo|ymail|icloud|proton(?:mail)?|gmx|web"
    r"|aol|live|msn|mail|yandex|rambler"
    r"|bk|inbox|libero|virgilio|laposte|orange|naver|daum|hanmail|nate|qq|163|126|foxmail|sina|docomo|ezweb"
    r"|softbank|uol|bol|terra"
    r"|гмайл|джимейл|яндекс|мейл|майл|جيميل|جميل|هوتميل|ياهو|지메일|네이버|다음|한메일)"
)
_DOMAIN = re.compile(
    rf"{_LABEL}(?:(?P<spelled>{_DOT}){_LABEL}){{0,2}}{_DOT}{_TLD}(?![a-z0-9а-я-])(?: ?\. ?{_TLD}(?![a-z0-9-]))?"
)
_BARE_PROVIDER = re.compile(rf"{_PROVIDER}(?: ?(?:com|ru|it|net|de))?(?![a-z0-9а-я])")
_PLAIN_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_SPELLED_DOT = re.compile(_DOT)
# An in-site mention: "@yahoo" alone is no provider of an address.
_SENTENCE_WORDS = frozenset(
    "is my mail email e-mail to me on at the a an write reach es mi correo mon ma c'est est la le adresse meine "
    "ist e il mio meu "
    "ke aku saya surel на мне моя почта пиши mailim benim bana ايميلي على الايميل work study teach met meet look "
    "looking mail: email:".split()
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the e-mail addresses in a folded text.

    >>> [*find_emails("or ana.b@example.com, john dot smith at gmail dot com")]
    [(3, 20), (22, 53)]
    >>> [*find_emails("@yuki thanks, see you at home. com")]
    []
    """
    for at in _AT.finditer(text):
        before = text[max(0, at.start() - 96) : at.start()]
        plain = at[0] == "@"
        if plain and (domain := _PLAIN_DOMAIN.match(text, at.end())) and (local := _PLAIN_LOCAL.search(before)):
            begin = at.start() - len(before) + local.start()
            yield begin + len(local[0]) - len(local[0].lstrip("'-.")), at.start() + 1 + len(domain[0].rstrip("-_"))
            continue
        found = _DOMAIN.match(text, at.end())
        provider = None if found else _BARE_PROVIDER.match(text, at.end())
        if found is None and provider is None:
            continue
        local_begin = _local_begin(before)
        if local_begin is None:
            continue
        local_text, end = before[local_begin:], (found or provider).end()  # type: ignore[union-attr]
        if at["weak"] and not _is_spelled(local_text, text[at.end() : end], found is not None):
            continue
        if at["strong"] == "@" and provider is not None and before[-1:].isspace() and at[0].endswith("@"):
            continue  # "thanks @mail"
        yield at.start() - len(before) + local_begin, end


def _local_begin(before: str) -> int | None:
    """Where the part before @ begins: one word, or several with dots and underscores spelled between."""
    match = _LOCAL.search(before)
    if match is None:
        return None
    begin = match.start()
    # "mail jo.bertin": a plain dot joins, a sentence's full stop with a space behind it does not.
    stop = [*re.finditer(r"[.:] (?=\S)", before[begin:])]
    return begin + stop[-1].end() if stop and len(before) - begin - stop[-1].end() > 2 else begin


def _is_spelled(local: str, domain: str, whole: bool) -> bool:
    """Whether an ordinary word such as "at" stands for @: something about it is spelled, and it is no sentence."""
    word = local.strip().rsplit(" ", 1)[-1]
    if word in _SENTENCE_WORDS:
        return False
    looks_local = bool(re.search(r"[\d._+-]", local)) or len(_SPELLED_DOT.findall(local)) > 0 or " " in local.strip()
    spelled_dot = whole and any(dot.strip() != "." for dot in _SPELLED_DOT.findall(domain))
    return spelled_dot or looks_local
