"""Keywords that free prose gives to a title within its noun phrase: "the samurai drama of 'A'", "'A', a war film".

`attributes` reads the sentences that the rules of generation allow. These forms are for texts as people write them, and
no rule of generation asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from thinkrec.claims.attribute_words import SentenceTokenizer
from thinkrec.claims.attributes import AttributeReader
from thinkrec.claims.polarity import split_sentences
from thinkrec.data.titles import MARK

_BEFORE = re.compile(r"(?P<k>K+)w{0,2}(?:o[rI]?w?)?T")
"""Letters of `attribute_words`: keywords, up to two words, perhaps "of the" and an adjective, the title."""
_BEHIND = re.compile(r"T,r(?:w|,){0,3}(?P<k>K+)")
"""The title and an apposition that names keywords."""


class PhraseKeyword(NamedTuple):
    """A keyword that stands in the noun phrase of a title."""

    keyword: str
    """In lower case."""
    citation: int
    """Which citation of the text, counted from 0."""
    is_true: bool
    """Whether the cited item has it."""
    start: int
    """Where it stands in the text."""


def read_phrase_keywords(text: str, reader: AttributeReader) -> Iterator[PhraseKeyword]:
    """Yield the keywords in noun phrases of a text in which numbered marks stand for titles, those of `reader`.

    Of titles whose keywords are not known nothing is read.
    """
    if not reader.known:
        return
    tokenizer = SentenceTokenizer(reader.known)
    begin, cited = 0, 0
    numbers = [int(mark) for mark in MARK.findall(text)]
    for sentence in split_sentences(text.translate({0x2019: "'"})):
        words = tokenizer.tokenize(sentence)
        code = "".join(word.kind for word in words)
        for form in (_BEFORE, _BEHIND):
            for match in form.finditer(code):
                title = match.end() - 1 if form is _BEFORE else match.start()
                citation = cited + code.count("T", 0, title)
                has = reader.title_keywords.get(numbers[citation])
                if has is not None:
                    for position in range(*match.span("k")):
                        word = words[position]
                        yield PhraseKeyword(word.text, citation, word.text in has, begin + word.start)
        begin, cited = begin + len(sentence), cited + code.count("T")
