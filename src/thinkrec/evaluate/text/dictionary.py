"""Words that are in no English dictionary and in no item: what a model invents below the level of words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from thinkrec.errors import ThinkRecError
from thinkrec.evaluate.text.tokenization import fold_case

PACKAGE = "pyspellchecker"
POLICY = (
    "words that are neither in the English dictionary of {} nor in a title, keyword or text of the items / words, "
    "without case and accents; inflected, hyphenated and possessive forms of known words and British spellings are "
    "known, single letters and Roman numerals do not count as words; not defined for texts without words; mean over "
    "the other rows"
)
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_ROMAN = re.compile(r"m{0,3}(?:c[md]|d?c{0,3})(?:x[cl]|l?x{0,3})(?:i[xv]|v?i{0,3})")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-"})
_SHORT_FORMS = re.compile(r"(?:n't|'(?:s|re|ve|ll|d|m))$")
_BASE = 4
"""Letters of the shortest word that another may be inflected from."""
_PREFIX_WORDS = """
anti co counter dis hyper inter mid mini mis multi neo non out over pan post pre pro proto pseudo quasi re semi sub
super trans ultra un under
"""
_ENDING_PAIRS = """
s> es> ies>y ves>f ves>fe ed> ed>e ied>y ing> ing>e er> er>e ers> ers>e ier>y est> est>e iest>y ly> ily>y
"""
_SPELLING_PAIRS = """
our>or ise>ize isi>izi isa>iza yse>yze ysi>yzi re>er ogue>og ll>l l>ll ae>e oe>e ence>ense mme>m ey>ay aero>air
pyj>paj sce>ske ould>old ellery>elry oeuvre>euver que>ck
"""
_PREFIXES = frozenset(_PREFIX_WORDS.split())
"""Known before a hyphen."""
_ENDINGS = tuple((pair.split(">")[0], pair.split(">")[1]) for pair in _ENDING_PAIRS.split())
"""Ending, and what stood in its place."""
_SPELLINGS = tuple((pair.split(">")[0], pair.split(">")[1]) for pair in _SPELLING_PAIRS.split())
"""British letters and American ones; a word is known if one exchange, anywhere in it, makes a known one."""


@dataclass(frozen=True)
class Dictionary:
    """The words of a dictionary of English and, perhaps, of items."""

    words: frozenset[str]
    """As `normalise_word` writes them."""
    name: str

    def extend(self, texts: Iterable[str]) -> Dictionary:
        """The dictionary with the words of `texts`, and the parts of their hyphenated words."""
        words = (part for text in texts for word in split_dictionary_words(text) for part in (word, *word.split("-")))
        return Dictionary(self.words.union(words), self.name)

    def has_word(self, word: str) -> bool:
        """Whether a word, as `split_dictionary_words` gives it, is in the dictionary or formed from what is.

        >>> known = Dictionary(frozenset(("color", "film", "star")), "mine")
        >>> [known.has_word(word) for word in ("film's", "co-starred", "colours", "filmial", "film-ial")]
        [True, True, True, False, False]
        """
        if word in self.words:
            return True
        bare = _SHORT_FORMS.sub("", word)
        if bare in self.words or (bare and all(self._has_part(part) for part in bare.split("-"))):
            return True
        return "-" in bare and self._has_part(bare.replace("-", ""))

    def _has_part(self, part: str) -> bool:
        if part in _PREFIXES or len(part) == 1:
            return True
        return any(
            form in self.words for stem in (part, *_strip_endings(part)) for form in (stem, *_translate_spelling(stem))
        )


def load_dictionary() -> Dictionary:
    """The English words of pyspellchecker (MIT). Raises ThinkRecError naming the install line if it is not there."""
    try:
        from spellchecker import SpellChecker
    except ImportError as error:
        raise ThinkRecError(f'a dictionary needs {PACKAGE}; run: pip install "thinkrec[text]"') from error
    words = SpellChecker(language="en").word_frequency.words()
    return Dictionary(frozenset(map(normalise_word, words)), f"{PACKAGE} {version(PACKAGE)}")


def normalise_word(word: str) -> str:
    """A word without case and accents, with plain apostrophes and hyphens."""
    plain = unicodedata.normalize("NFKD", fold_case(word.translate(_APOSTROPHES)))
    return "".join(character for character in plain if not unicodedata.combining(character))


def split_dictionary_words(text: str) -> list[str]:
    """Words as a dictionary has them: runs of letters with apostrophes and hyphens within, normalised.

    Single letters and Roman numerals are left out.

    >>> split_dictionary_words("Child's Play II: a co-star’s naïve 1990s 'film'")
    ["child's", 'play', "co-star's", 'naive', 'film']
    """
    words = _WORD.findall(normalise_word(text))
    return [word for word in words if len(word) > 1 and not _ROMAN.fullmatch(word)]


def compute_unknown_words(texts: Sequence[str], dictionary: Dictionary) -> tuple[np.ndarray, Counter[str]]:
    """Share of each text's words that the dictionary does not know, float64 (n,), 0..1, NaN without words; and which.

    >>> known = Dictionary(frozenset(("the", "film")), "mine")
    >>> compute_unknown_words(["The films: the moralial", "1999"], known)
    (array([0.25,  nan]), Counter({'moralial': 1}))
    """
    shares, unknown = np.full(len(texts), np.nan), Counter[str]()
    judged: dict[str, bool] = {}
    for row, text in enumerate(texts):
        words = split_dictionary_words(text)
        for word in words:
            if word not in judged:
                judged[word] = dictionary.has_word(word)
        strange = [word for word in words if not judged[word]]
        unknown.update(strange)
        if words:
            shares[row] = len(strange) / len(words)
    return shares, unknown


def _strip_endings(word: str) -> Iterator[str]:
    """What a word may be inflected from; doubled consonants are made single."""
    for ending, put_back in _ENDINGS:
        base = word.removesuffix(ending)
        if base == word or len(base) + len(put_back) < _BASE:
            continue
        yield base + put_back
        if not put_back and base[-1] == base[-2] and len(base) > _BASE:
            yield base[:-1]


def _translate_spelling(word: str) -> Iterator[str]:
    for british, american in _SPELLINGS:
        for match in re.finditer(british, word):
            yield word[: match.start()] + american + word[match.end() :]
