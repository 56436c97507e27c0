"""What a message is cut into, where the kernels know no such cut: analyzers of (text, language) pairs.

Texts are cleaned as the classifier cleans them, but where an analyzer says otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from nltk.stem.snowball import SnowballStemmer
from nltk.tokenize import TweetTokenizer
from nltk.util import skipgrams
from sklearn.feature_extraction.text import CountVectorizer

from classifier.features import token_pattern
from classifier.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_ZEROS = str.maketrans("123456789", "000000000")
_STEMMED = {
    "ar": "arabic", "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian",
    "pt": "portuguese", "ru": "russian",
}  # fmt: skip
# Words that deny what follows (Das & Chen 2001; Pang, Lee & Vaithyanathan 2002), after cleaning.
_DENIALS = frozenset(
    """no not never none nobody nothing neither nor cannot dont don doesnt doesn didnt didn isnt isn wasnt wasn arent
    aren wont won cant couldnt shouldnt wouldnt without nicht kein keine keinen keiner nie niemals ohne no nunca
    jamás sin ne pas jamais sans aucun non mai senza não nem sem не нет никогда без değil asla tidak bukan jangan
    tanpa لا ليس لم لن ما 不 没 別 别 勿 안 못""".split()  # noqa: SIM905
)
_STOPS = set(".,;:!?。，！？；、\n")
_SECOND_PERSON = frozenset(
    """you your yours u ur yourself du dich dir dein deine euch ihr tú tu te ti tus usted vos toi vous ton ta votre
    você voce seu sua ты тебя тебе твой вы вас sen seni sana siz kamu anda kau lu أنت انت إنت
    你 您 너 당신 니""".split()  # noqa: SIM905
)
_ABOUT_LANGUAGE = re.compile(
    r"how (?:do|can|would|to) (?:you|i|we)? ?(?:say|pronounce|write|spell)|what (?:does|do|is the meaning)|"
    r"mean(?:s|ing)?\b.{0,3}\?|translat|pronounc|grammar|correct (?:my|this|me)|difference between|"
    r"was bedeutet|wie sagt man|übersetz|cómo se (?:dice|pronuncia)|qué significa|que signifie|comment dit|"
    r"que veut dire|cosa significa|come si dice|o que significa|como se diz|что значит|как сказать|как переводится|"
    r"ne demek|nasıl denir|apa arti|artinya|bagaimana mengatakan|ماذا يعني|ما معنى|كيف (?:أقول|نقول|تقول)|"
    r"什么意思|怎么说|怎么读|どういう意味|何と言|なんて言|무슨 뜻|어떻게 말|뭐라고"
)
_QUOTED = re.compile(r"[\"“”«»„「『‘]([^\"“”«»„」』’]{1,80})[\"“”«»」』’]|(?<!\w)'([^']{2,80})'(?!\w)")


@cache
def _token() -> re.Pattern[str]:
    return re.compile(token_pattern())


def tokens(text: str) -> list[str]:
    """The tokens of a text as the classifier finds them.

    >>> tokens(clean("You're N1CE"))
    ['you', 're', 'nice']
    """
    return _token().findall(text)


def with_pairs(words: Sequence[str]) -> list[str]:
    """Words, and pairs of neighbours.

    >>> with_pairs(["a", "b", "c"])
    ['a', 'b', 'c', 'a b', 'b c']
    """
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]


def pairs_over_gaps(words: Sequence[str], gap: int = 2) -> list[str]:
    """Pairs of words with one to ``gap`` others between (skip-grams; neighbours are the bigrams we have).

    >>> pairs_over_gaps(["i", "love", "only", "you"])
    ['i … only', 'i … you', 'love … you']
    """
    apart = skipgrams(range(len(words)), 2, gap)
    return [f"{words[a]} … {words[b]}" for a, b in apart if b - a > 1]


def negated(text: str) -> list[str]:
    """Words that stand between a denial and the next mark of punctuation, as ``NOT_word``.

    >>> negated("you are not a fool, friend")
    ['NOT_a', 'NOT_fool']
    """
    return [word for word in scoped(text) if word.startswith("NOT_")]


def scoped(text: str) -> list[str]:
    """All words, those after a denial as ``NOT_word`` until the next mark of punctuation.

    >>> scoped("не дурак! friend")
    ['не', 'NOT_дурак', 'friend']
    """
    found, denied, last = [], False, 0
    for match in _token().finditer(text):
        word = match[0]
        denied &= not _STOPS & {*text[last : match.start()]}
        last = match.end()
        found.append(f"NOT_{word}" if denied else word)
        denied |= word in _DENIALS
    return found


def quoted(text: str) -> list[str]:
    """Words inside quotation marks, as ``QUOTED_word``.

    >>> quoted('is "you fool" rude?')
    ['QUOTED_you', 'QUOTED_fool']
    """
    return [f"QUOTED_{word}" for match in _QUOTED.finditer(text) for word in tokens(match[1] or match[2])]


def markers(text: str, kinds: Iterable[str] = ("quotation", "language", "second person")) -> list[str]:
    """Which marks a message bears, one word each.

    >>> markers(clean('How do you say "fool" in Thai?'))
    ['<quotation>', '<language>', '<second person>']
    """
    bears = {
        "quotation": bool(_QUOTED.search(text)),
        "language": bool(_ABOUT_LANGUAGE.search(text)),
        "second person": not _SECOND_PERSON.isdisjoint(tokens(text)),
    }
    return [f"<{kind}>" for kind in kinds if bears[kind]]


def asked(text: str) -> list[str]:
    """The words of a message that asks about language, as ``ASKED_word``.

    >>> asked("what does fool mean?")[:3]
    ['ASKED_what', 'ASKED_does', 'ASKED_fool']
    >>> asked("you fool")
    []
    """
    return [f"ASKED_{word}" for word in tokens(text)] if _ABOUT_LANGUAGE.search(text) else []


def number_shapes(text: str) -> list[str]:
    """Runs of digits and what joins them, every digit as 0.

    >>> number_shapes("call 555-0142 at 8:30, $20")
    ['000-0000', '0:00', '$00']
    """
    return [match[0].translate(_ZEROS) for match in re.finditer(r"[$€£¥₽+#]?\d+(?:[-.:/,\s]\d+)*[%€$₽]?", text)]


@cache
def _stemmer(lang: str) -> Callable[[str], str]:
    return cache(SnowballStemmer(_STEMMED[lang]).stem) if lang in _STEMMED else str


def stems(text: str, lang: str) -> list[str]:
    """Words cut to their stems, in the eight of our languages that NLTK's Snowball has a stemmer for.

    >>> stems("selling lessons", "en")
    ['sell', 'lesson']
    """
    return [_stemmer(lang)(word) for word in tokens(text)]


@cache
def _characters(analyzer: str, low: int, high: int) -> Callable[[str], list[str]]:
    return CountVectorizer(analyzer=analyzer, ngram_range=(low, high), lowercase=False).build_analyzer()


def characters(text: str, analyzer: str = "char", low: int = 2, high: int = 5) -> list[str]:
    """Character n-grams with every digit as 0; ``char`` runs over the spaces between words, ``char_wb`` does not.

    >>> characters("a 1", low=2, high=2), characters("ab", "char_wb", 3, 3)
    (['a ', ' 0'], [' ab', 'ab '])
    """
    return [piece for piece in _characters(analyzer, low, high)(text.translate(_ZEROS)) if piece != " "]


def folded(text: str) -> str:
    """The least of cleaning: NFKC and lower case.

    >>> folded("Ｎ1CE")
    'n1ce'
    """
    return unicodedata.normalize("NFKC", text).lower()


_tweets = TweetTokenizer(preserve_case=False, reduce_len=True)

ANALYZERS: dict[str, Callable[[str, str], list[str]]] = {
    "skip-grams": lambda text, _: pairs_over_gaps(tokens(clean(text))),
    "negated words": lambda text, _: negated(clean(text)),
    "scoped words": lambda text, _: with_pairs(scoped(clean(text))),
    "quoted words": lambda text, _: quoted(clean(text)),
    "asked words": lambda text, _: asked(clean(text)),
    "quotation marks": lambda text, _: markers(clean(text), ["quotation"]),
    "language questions": lambda text, _: markers(clean(text), ["language"]),
    "second person": lambda text, _: markers(clean(text), ["second person"]),
    "markers": lambda text, _: markers(clean(text)),
    "number shapes": lambda text, _: number_shapes(clean(text)),
    "stems": lambda text, lang: with_pairs(stems(clean(text), lang)),
    "tweet words": lambda text, _: with_pairs(_tweets.tokenize(clean(text))),
    "words, digits as 0": lambda text, _: with_pairs(tokens(clean(text).translate(_ZEROS))),
    "characters across words": lambda text, _: characters(clean(text)),
    "characters across words in zh and ja": lambda text, lang: characters(
        clean(text), "char" if lang in ("zh", "ja") else "char_wb"
    ),
    "folded words": lambda text, _: with_pairs(tokens(folded(text))),
    "folded characters": lambda text, _: characters(folded(text), "char_wb"),
}
