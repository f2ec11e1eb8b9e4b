"""What a reason says of items' attributes: which keywords it gives to which titles, and which it denies them.

A reader of plain sentences. A claim is about *every* title in it: "'A' shares ghosts with 'B'" and "'A' brings ghosts,
as 'B' did" say it of both, "'B' and 'C' are both ghosts" of both, "unlike 'B', 'A' has ghosts" denies it 'B', "neither
'A' nor 'B' has ghosts" both. "it" is the subject before it; where no title stands at all ("What stands out is ghosts")
it is the target. Keywords in sentences of other forms are not judged, and counted as such (`Attributes.mentions`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from thinkrec.claims.attribute_sentence import Said, Sentence, Subject
from thinkrec.claims.attribute_words import Words
from thinkrec.claims.citations import Citation
from thinkrec.claims.polarity import sentences, unmarked
from thinkrec.data.titles import MARK, mark_of

Keywords = frozenset[str] | None
"""Keywords of an item in lower case; None where they are not known."""


class Attributes:
    """Reads texts in which numbered marks (\u27e62\u27e7) stand for cited titles."""

    def __init__(self, has: Mapping[int, Keywords], target: Keywords) -> None:
        """`has`: keywords by the number of a mark; nothing is read of items whose keywords are not known."""
        self.has, self.target = has, target or frozenset()
        self.known = self.target.union(*(words for words in has.values() if words))
        self._words = Words(self.known)

    def said(self, text: str, *, strict: bool = False) -> Iterator[Said]:
        """Everything a text says of attributes, in the order in which it is complete.

        `strict`: behind "in spite of" and words for a lack any word is taken for one.
        """
        if not self.known:
            return
        begin, numbers = 0, [int(mark) for mark in MARK.findall(text)]
        cited: int = 0
        last: Subject = (None,)
        for sentence in sentences(text.translate({0x2019: "'"})):
            reading = Sentence(self._words.read(sentence), cited, last, strict)
            for claim in reading.claims():
                of = tuple(self.target if c is None else self.has.get(numbers[c]) for c in claim.citations)
                if None not in of:
                    known = claim.attribute in self.known
                    yield claim._replace(of=of, known=known, begins=begin + claim.begins, ends=begin + claim.ends,
                                         done=begin + claim.done, sentence=begin)  # fmt: skip
            last = reading.subject or reading.objects[-1:] or last
            begin, cited = begin + len(sentence), cited + len(MARK.findall(sentence))

    def slot(self, text: str) -> tuple[Subject, bool, frozenset[str]] | None:
        """Where a text ends with words behind which an attribute has to stand ("'A' brings", "'A' lacks ghosts and"):
        of whom it will be said, whether it will be denied, and what is in the list already.
        """
        *before, last = sentences(text.translate({0x2019: "'"}))
        cited = sum(len(MARK.findall(sentence)) for sentence in before)
        reading = Sentence(self._words.read(last), cited, (None,), False)
        if not self.known or (found := reading.slot()) is None:
            return None
        subject, denied, listed = found
        return subject, denied, frozenset(reading.words[place].text for place in listed)

    def awaited(self, text: str) -> tuple[frozenset[str], int, Subject] | None:
        """What a title cited next would be said to have ("'A' shares ghosts with", "'A' brings ghosts, as"): the
        attributes, where the words begin that ask for it, and who has them; None where nothing is asked.
        """
        *before, last = sentences(text.translate({0x2019: "'"}))
        begin, cited = sum(map(len, before)), sum(len(MARK.findall(sentence)) for sentence in before)
        reading = Sentence(self._words.read(last), cited, (None,), False)
        if not self.known or (found := reading.awaits()) is None:
            return None
        words, place = found
        return frozenset(reading.words[w].text for w in words), begin + reading.words[place].begins, reading.subject

    def mentions(self, text: str) -> tuple[int, int]:
        """How many keywords stand in a text outside titles, and of how many of them something was read."""
        places, begin = set(), 0
        for sentence in sentences(text.translate({0x2019: "'"})) if self.known else ():
            places |= {begin + word.begins for word in self._words.read(sentence) if word.kind == "K"}
            begin += len(sentence)
        return len(places), len(places & {said.begins for said in self.said(text)})

    def wrong_end(self, text: str) -> Said | None:
        """The claim that the end of a text completes: if it is not so and cannot become another that is, or if its
        sentence has said it already.
        """
        bare, found = text.rstrip(" ,.;:!?"), list(self.said(text, strict=True))
        ending = [said for said in found if said.done == len(bare)]
        for last in ending:
            alike = (last.attribute, last.denied, last.citations, last.sentence)
            before = [said for said in found if said.done < last.done]
            if last.right:
                again = any(alike == (s.attribute, s.denied, s.citations, s.sentence) for s in before)
                if again and last.done == last.ends:
                    return last
                continue
            fit = self.known - last.of[0] if last.denied else last.of[0]
            unfinished = bare == text and any(word.startswith(f"{last.attribute} ") for word in fit)
            if not (unfinished and last.done == last.ends):
                return last
        return None


def reader(cited: Sequence[Citation], past: Sequence[Sequence[str]], target: Sequence[str]) -> Attributes:
    """What reads a text whose citations stand as marks of their own numbers (`marked`).

    `past`: keywords of each item of the visible history; `target`: those of the target. Of titles that are neither
    nothing is read: nobody knows what an invented film has.
    """
    has = {number: _keywords(citation, past, target) for number, citation in enumerate(cited)}
    # All keywords shown count, cited or not.
    has |= {-1 - place: lower(words) for place, words in enumerate(past)}
    return Attributes(has, lower(target))


def lower(words: Sequence[str]) -> frozenset[str]:
    """Keywords as they are compared."""
    return frozenset(word.lower() for word in words)


def _keywords(citation: Citation, past: Sequence[Sequence[str]], target: Sequence[str]) -> Keywords:
    """Those of a cited item; of any of several that one title names; None for what is not shown."""
    if citation.kind == "target":
        return lower(target)
    return frozenset().union(*(lower(past[place]) for place in citation.at)) if citation.at else None


def marked(text: str, cited: Sequence[Citation]) -> str:
    """The text with citations as numbered marks."""
    pieces, at = [], 0
    for number, citation in sorted(enumerate(cited), key=lambda entry: entry[1].start):
        pieces += [unmarked(text[at : citation.start]), mark_of(number)]
        at = citation.end
    return "".join([*pieces, unmarked(text[at:])])
