"""Words of any script, so that a text is as near to itself in every language.

The packages behind METEOR, ROUGE-L and BLEU were written for scripts that put blanks between words, ROUGE-L for a-z
alone. Here a character of a script without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan) is a token of
its own, with the marks that belong to it; everything else is cut as the package cuts English, so English values are
those of the packages. Texts are compared in Unicode's composed form (NFC): one writes é as one character or as two.
"""

from __future__ import annotations

import re
import unicodedata

_NO_BLANKS = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # 々〆〇
    (0x3021, 0x3029),  # Hangzhou numerals
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3100, 0x312F),  # Bopomofo
    (0x31A0, 0x31FF),  # Bopomofo and Katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA980, 0xA9DF),  # Javanese
    (0xAA60, 0xAA7F),  # Burmese extension
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFF66, 0xFF9F),  # Katakana of half width
    (0x1B000, 0x1B16F),  # Kana supplements
    (0x20000, 0x3FFFF),  # Han, further extensions
)
_ALONE = "".join(f"{chr(first)}-{chr(last)}" for first, last in _NO_BLANKS)
_CHARACTER = re.compile(f"[{_ALONE}]")


def normalise_unicode(text: str) -> str:
    """The text in Unicode's composed form, NFC."""
    return unicodedata.normalize("NFC", text)


def fold_case(text: str) -> str:
    """A token without case; the same as lower case for English."""
    return normalise_unicode(text.casefold())


def separate_characters(text: str) -> str:
    """The text, composed, with blanks around every character of a script that has none; other texts stay as they are.

    >>> separate_characters("我喜欢 The Matrix。")
    ' 我  喜  欢  The Matrix。'
    >>> separate_characters("กำลัง") == " กำ  ลั  ง "       # vowel signs and tone marks stay with their consonant
    True
    """
    text = normalise_unicode(text)
    if not _CHARACTER.search(text):
        return text
    return "".join(f" {cluster} " if _CHARACTER.match(cluster) else cluster for cluster in split_graphemes(text))


def split_graphemes(text: str) -> list[str]:
    """Grapheme clusters: characters, each with the combining marks and joiners that follow it, and what is joined."""
    graphemes: list[str] = []
    for character in text:
        if graphemes and (_is_continuation(character) or graphemes[-1].endswith("\u200d")):
            graphemes[-1] += character
        else:
            graphemes.append(character)
    return graphemes


def split_blank_tokens(text: str) -> list[str]:
    """Tokens between white space, and characters of scripts without blanks: what METEOR matches.

    >>> split_blank_tokens("The sea. 我喜欢")
    ['The', 'sea.', '我', '喜', '欢']
    """
    return separate_characters(text).split()


def split_word_tokens(text: str) -> list[str]:
    """Runs of letters, marks and digits without case, characters of scripts without blanks, and emoji.

    For English these are the tokens of rouge-score. A text without any has its other visible characters instead.

    >>> split_word_tokens("It's Amélie_2, слон!")
    ['it', 's', 'amélie', '2', 'слон']
    >>> split_word_tokens("?!")
    ['?', '!']
    """
    words: list[str] = []
    inside = False
    others: list[str] = []
    for cluster in split_graphemes(separate_characters(fold_case(text))):
        kind = unicodedata.category(cluster[0])
        if kind[0] in "LMN":
            if inside:
                words[-1] += cluster
            else:
                words.append(cluster)
        elif kind == "So":
            words.append(cluster)
        elif not cluster.isspace():
            others.append(cluster)
        inside = kind[0] in "LMN"
    return words or others


def _is_continuation(character: str) -> bool:
    """Whether a character continues the one before it: a mark, a joiner, or a skin tone."""
    return (
        unicodedata.category(character)[0] == "M"
        or character in "\u200d\u0e33\u0eb3"  # joiner; Thai and Lao AM, a vowel sign that counts as a letter
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
