"""Attribute claims of a reason: which keywords it gives to which titles, and which it denies them.

A reader of plain sentences. A claim is about *every* title in it: "'A' shares ghosts with 'B'" and "'A' brings ghosts,
as 'B' did" say it of both, "'B' and 'C' are both ghosts" of both, "unlike 'B', 'A' has ghosts" denies it 'B', "neither
'A' nor 'B' has ghosts" both. "it" is the subject before it; where no title stands at all ("What stands out is ghosts")
it is the target. Keywords in sentences of other forms are not judged, and counted as such
(`AttributeReader.count_mentions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from thinkrec.claims.attribute_sentence import AttributeClaim, SentenceParser, Subject
from thinkrec.claims.attribute_words import SentenceTokenizer
from thinkrec.claims.citations import Citation
from thinkrec.claims.polarity import remove_mark_characters, split_sentences
from thinkrec.data.titles import MARK, format_title_mark

Keywords = frozenset[str] | None
"""Keywords of an item in lower case; None where they are not known."""


class AttributeReader:
    """Reads texts in which numbered marks (\u27e62\u27e7) stand for cited titles."""

    def __init__(self, title_keywords: Mapping[int, Keywords], target: Keywords) -> None:
        """`title_keywords`: keywords by the number of a mark; nothing is read of items whose keywords are not known."""
        self.title_keywords, self.target = title_keywords, target or frozenset()
        self.known = self.target.union(*(words for words in title_keywords.values() if words))
        self._words = SentenceTokenizer(self.known)

    def read_attribute_claims(self, text: str, *, strict: bool = False) -> Iterator[AttributeClaim]:
        """Yield the attribute claims of a text in the order in which they are complete.

        `strict`: behind "in spite of" and words for a lack any word is taken for one.
        """
        if not self.known:
            return
        begin, numbers = 0, [int(mark) for mark in MARK.findall(text)]
        cited: int = 0
        last: Subject = (None,)
        for sentence in split_sentences(text.translate({0x2019: "'"})):
            parser = SentenceParser(self._words.tokenize(sentence), cited, last, strict)
            for claim in parser.read_claims():
                title_keywords = tuple(
                    self.target if c is None else self.title_keywords.get(numbers[c]) for c in claim.citations
                )
                if None not in title_keywords:
                    known = claim.attribute in self.known
                    yield claim._replace(
                        title_keywords=title_keywords,
                        is_known_keyword=known,
                        start=begin + claim.start,
                        end=begin + claim.end,
                        complete_at=begin + claim.complete_at,
                        sentence_start=begin,
                    )
            last = parser.subject or parser.objects[-1:] or last
            begin, cited = begin + len(sentence), cited + len(MARK.findall(sentence))

    def find_expected_attribute(self, text: str) -> tuple[Subject, bool, frozenset[str]] | None:
        """The attribute claim that the end of a text begins ("'A' brings", "'A' lacks ghosts and").

        Returns (subject, whether it will be denied, attributes in the list already); None where no attribute has to
        follow.
        """
        *before, last = split_sentences(text.translate({0x2019: "'"}))
        cited = sum(len(MARK.findall(sentence)) for sentence in before)
        parser = SentenceParser(self._words.tokenize(last), cited, (None,), False)
        if not self.known or (expected := parser.find_expected_attribute()) is None:
            return None
        subject, denied, listed = expected
        return subject, denied, frozenset(parser.words[position].text for position in listed)

    def find_pending_attributes(self, text: str) -> tuple[frozenset[str], int, Subject] | None:
        """Attributes that a title cited next would be said to have ("'A' shares ghosts with", "'A' brings ghosts, as").

        Returns (attributes, start of the words that ask for the title, subject that has them); None where no title is
        asked for.
        """
        *before, last = split_sentences(text.translate({0x2019: "'"}))
        begin, cited = sum(map(len, before)), sum(len(MARK.findall(sentence)) for sentence in before)
        parser = SentenceParser(self._words.tokenize(last), cited, (None,), False)
        if not self.known or (pending := parser.find_pending_attributes()) is None:
            return None
        attributes, position = pending
        return frozenset(parser.words[w].text for w in attributes), begin + parser.words[position].start, parser.subject

    def count_mentions(self, text: str) -> tuple[int, int]:
        """Number of keywords in a text outside titles, and of those among them that a claim was read of."""
        starts, begin = set(), 0
        for sentence in split_sentences(text.translate({0x2019: "'"})) if self.known else ():
            starts |= {begin + word.start for word in self._words.tokenize(sentence) if word.kind == "K"}
            begin += len(sentence)
        return len(starts), len(starts & {claim.start for claim in self.read_attribute_claims(text)})

    def find_false_final_claim(self, text: str) -> AttributeClaim | None:
        """The claim that the end of a text completes, if it is false or repeated; else None.

        A claim is false if it does not hold and cannot become one that does; repeated if its sentence has made it
        already.
        """
        bare, claims = text.rstrip(" ,.;:!?"), list(self.read_attribute_claims(text, strict=True))
        ending = [claim for claim in claims if claim.complete_at == len(bare)]
        for last in ending:
            key = (last.attribute, last.is_negated, last.citations, last.sentence_start)
            before = [claim for claim in claims if claim.complete_at < last.complete_at]
            if last.is_correct:
                again = any(key == (s.attribute, s.is_negated, s.citations, s.sentence_start) for s in before)
                if again and last.complete_at == last.end:
                    return last
                continue
            fit = self.known - last.title_keywords[0] if last.is_negated else last.title_keywords[0]
            unfinished = bare == text and any(word.startswith(f"{last.attribute} ") for word in fit)
            if not (unfinished and last.complete_at == last.end):
                return last
        return None


def build_attribute_reader(
    cited: Sequence[Citation], past: Sequence[Sequence[str]], target: Sequence[str]
) -> AttributeReader:
    """Reader of a text whose citations stand as marks of their own numbers (`mark_citations`).

    `past`: keywords of each item of the visible history; `target`: those of the target. Of titles that are neither
    nothing is read: nobody knows what an invented film has.
    """
    keywords_of = {number: _get_citation_keywords(citation, past, target) for number, citation in enumerate(cited)}
    # All keywords shown count, cited or not.
    keywords_of |= {-1 - position: normalise_keywords(words) for position, words in enumerate(past)}
    return AttributeReader(keywords_of, normalise_keywords(target))


def normalise_keywords(words: Sequence[str]) -> frozenset[str]:
    """Keywords in lower case, as they are compared."""
    return frozenset(word.lower() for word in words)


def _get_citation_keywords(citation: Citation, past: Sequence[Sequence[str]], target: Sequence[str]) -> Keywords:
    """Keywords of a cited item, or of all of several that one title names; None for an item that is not shown."""
    if citation.kind == "target":
        return normalise_keywords(target)
    return (
        frozenset().union(*(normalise_keywords(past[position]) for position in citation.history_positions))
        if citation.history_positions
        else None
    )


def mark_citations(text: str, cited: Sequence[Citation]) -> str:
    """The text with citations as numbered marks."""
    pieces, end = [], 0
    for number, citation in sorted(enumerate(cited), key=lambda entry: entry[1].start):
        pieces += [remove_mark_characters(text[end : citation.start]), format_title_mark(number)]
        end = citation.end
    return "".join([*pieces, remove_mark_characters(text[end:])])
