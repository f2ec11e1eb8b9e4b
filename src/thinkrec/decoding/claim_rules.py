"""The rule of one reason: what it may cite, and that what it claims is so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from thinkrec.claims.attributes import Attributes, Said
from thinkrec.claims.ending import predictions, whole
from thinkrec.claims.polarity import blanked, sentences
from thinkrec.claims.unfinished import awaits_rated, claim_of_next, first_wrong
from thinkrec.claims.verdict import verdict
from thinkrec.data.titles import MARK
from thinkrec.decoding.backtracking import Fault, Reviewed
from thinkrec.decoding.citations import Citable, CiteOnly, Wanted
from thinkrec.decoding.policy import Cite
from thinkrec.decoding.vocabulary import Vocabulary

REPEATED = 3
"""Words in a row that stand in a reason at most once; 95 % of the written ML-1M reasons keep to that by themselves."""
_WORD = re.compile(rf"\w+(?:['\u2019]\w+)*|{MARK.pattern}")
_STRAY = re.compile(r"(?<![sS])['\u2019](?!\w)")
"""A closing quote where none was opened: not an apostrophe, which stands before a letter or behind an s."""


def repeats(text: str, n: int) -> bool:
    """Whether the last n words of a text, in any case, stand together further up too.

    >>> repeats("a film of ideas, and A film of ideas", 4)
    True
    """
    words = [found[0] for found in _WORD.finditer(text.lower())]
    last = words[-n:]
    return len(words) > n and any(words[at : at + n] == last for at in range(len(words) - n))


_SCRAP = re.compile(r"[\n|<>{}\\]|\(\d{4}\)")
"""What stands in prompts and in no plain sentence."""
_JOINED = re.compile(r"(?:\b(?:and|or)|,)$")
_GOES_ON = re.compile(rf"{MARK.pattern} (?:and|or)$")
"""A list that another title has to end."""
_TWICE = re.compile(r"(?<![\w'])(\w+) \1$", re.IGNORECASE)
"""A word that stands twice in a row, at the end."""


def _word_begins(text: str) -> list[int]:
    """Where the text ends, and where the space stands before each of its last few words, latest first."""
    found = [m.start() for m in re.finditer(r" (?=[^ ]*(?: [^ ]*){0,4}$)", text)]
    return [*([] if text.endswith(" ") else [len(text)]), *reversed(found)]


class Careful:
    """Cite only `titles`, each item at most `mentions` times, never repeat `REPEATED` words and, as `cite` asks, claim
    nothing wrong of a cited title or its keywords, and predict nothing against the verdict the text opens with.

    `constraint` keeps to it word by word while a text is written; `mend` drops at its end what slipped through.
    """

    def __init__(self, words: Vocabulary, titles: Mapping[str, Citable], cite: Cite, mentions: int = 2) -> None:
        known = list(titles.values())
        self.agreeing = cite in ("agreeing", "exact")
        self.signs = [title.sign for title in known]
        self.targets = [number for number, title in enumerate(known) if title.target]
        self.keywords = frozenset().union(*(title.keywords for title in known))
        self.attributes: Attributes | None = None
        long = [re.escape(title) for title in titles if " " in title]
        self.bare = re.compile(rf"(?<!\w)(?:{'|'.join(long) or '(?!)'})(?!\w)")
        if cite == "exact":
            target = next((title.keywords for title in known if title.target), None)
            self.attributes = Attributes({number: title.keywords for number, title in enumerate(known)}, target)
        self.cite = CiteOnly(words, titles, self._wanted if self.agreeing else None, mentions)
        self.constraint = Reviewed(self.cite, self._judge, phrases=self._phrases if self.attributes else None)

    def mend(self, text: str) -> str:
        """A finished text with its last sentence whole and without sentences in which something read is untrue."""
        marks, cited = self.cite.mark(text)
        kept = [part for part in sentences(whole(marks)) if part.strip()]
        while (at := self._first_untrue(kept)) is not None:
            first = len(MARK.findall("".join(kept[:at])))
            del cited[first : first + len(MARK.findall(kept[at]))]
            del kept[at]
        each = iter(cited)
        return MARK.sub(lambda _: next(each), "".join(kept)).strip()

    def _first_untrue(self, parts: list[str]) -> int | None:
        """Which sentence is the first with something untrue."""
        text, ends, total = "".join(parts), [], 0
        for part in parts:
            total += len(part)
            ends.append(total)
        places = []
        plain = blanked(text, self.keywords)
        if self.agreeing and (wrong := first_wrong(plain, self.signs, self.targets)) is not None:
            places.append([mark.start() for mark in MARK.finditer(text)][wrong.citation])
        opinion = verdict(text) if self.agreeing else None
        if opinion is not None:
            places += [p.begins for p in predictions(plain, self.targets) if (p.sign > 0) != opinion]
        if self.attributes is not None:
            places += [said.begins for said in self.attributes.said(text, strict=True) if not said.right]
            # Without quotes a title escapes the rules for titles.
            places += [found.start() for pattern in (self.bare, _SCRAP) for found in pattern.finditer(text)]
        return min((n for place in places for n, end in enumerate(ends) if place < end), default=None)

    def _wanted(self, text: str) -> Wanted:
        asked = Wanted(claim_of_next(text, self.signs), target=not awaits_rated(text))
        return self._partner(text, asked) or asked

    def _partner(self, text: str, asked: Wanted) -> Wanted | None:
        """What is wanted of a title of which keywords are said that were said of another ("'A' shares K with")."""
        awaited = None if self.attributes is None else self.attributes.awaited(text)
        if awaited is None:
            return None
        keywords, _, subject = awaited
        numbers = MARK.findall(text)
        if any(place is not None and int(numbers[place]) not in self.targets for place in subject):
            return asked._replace(keywords=keywords, fresh=True)  # nothing has a keyword in common with itself
        return asked._replace(sign=asked.sign or self._side(text), target=False, keywords=keywords)

    def _shared(self, text: str, keywords: frozenset[str]) -> bool:
        """Whether a title on the verdict's side is left that has all these."""
        return self.cite.fits(text, Wanted(self._side(text), target=False, keywords=keywords))

    def _side(self, text: str) -> int | None:
        opinion = verdict(text)
        return None if opinion is None else 1 if opinion else -1

    def _phrases(self, text: str) -> tuple[str, list[str]] | None:
        """The attributes of which one has to stand at the end of a marked text, and what is there of it."""
        for begin in _word_begins(text):
            before, begun = text[:begin], text[begin:].lower()
            fitting = self._fitting(before)
            if fitting is not None:
                phrases = [f" {word}" for word in fitting]
                return (begun, phrases) if any(phrase.startswith(begun) for phrase in phrases) else None
        return None

    def _fitting(self, text: str) -> list[str] | None:
        """Attributes that may stand next where one has to; None where none has to, or none fits."""
        found = None if self.attributes is None else self.attributes.slot(text)
        if found is None or self.attributes is None:
            return None
        subject, denied, listed = found
        numbers = MARK.findall(text)
        about = [None if place is None else int(numbers[place]) for place in subject]
        target = all(number is None or number in self.targets for number in about)
        has = [self.attributes.target if n is None else self.attributes.has.get(n) or frozenset() for n in about]
        if denied:
            free = self.attributes.known.difference(*has, listed)
            return sorted(free & self.attributes.target) or sorted(free) or None
        free = frozenset.intersection(*has) - listed
        if target:
            shared = [word for word in free if self._shared(text, listed | {word})]
            return sorted(shared) or (sorted(free) if not listed else None) or None
        # What it shares with the target makes it an example.
        return sorted(free & self.attributes.target) or sorted(free) or None

    def _judge(self, text: str) -> Fault | None:
        """The first fault of a marked text that is being written."""
        if repeats(text, REPEATED) or _STRAY.search(text) or (self.agreeing and _TWICE.search(text)):
            return Fault()
        if not self.agreeing:
            return None
        if self.attributes is not None and (_SCRAP.search(text) or self.bare.search(text)):
            return Fault()
        plain, bare = blanked(text, self.keywords), len(text.rstrip(" ,.;:!?"))
        wrong = first_wrong(plain, self.signs, self.targets)
        if wrong is not None:
            return Fault(wrong.begins, wrong.citation, wrong.claim)
        if _GOES_ON.search(text) and not self.cite.fits(text, self._wanted(text)):
            return Fault()
        opinion = verdict(text)
        for ahead in predictions(plain, self.targets):
            if ahead.ends == bare and opinion is not None and (ahead.sign > 0) != opinion:
                return Fault(ahead.cue)
        return self._attribute_fault(text, bare) if self.attributes is not None else None

    def _attribute_fault(self, text: str, bare: int) -> Fault | None:
        assert self.attributes is not None
        begun = self._phrases(text)
        if begun is not None and begun[0].strip() and begun[0] not in begun[1]:
            return None  # a keyword of several words that is not whole yet
        wrong = self.attributes.wrong_end(text)
        if wrong is not None:
            return self._untrue(wrong, text)
        wanted = self._partner(text, Wanted())
        if wanted is not None and not self.cite.fits(text, wanted):
            awaited = self.attributes.awaited(text)
            return Fault(None if awaited is None else awaited[1])
        if _JOINED.search(text) and self.attributes.slot(text) is not None and self._fitting(text) is None:
            return Fault()
        alone = [said for said in self.attributes.said(text) if said.alone]
        if alone and alone[-1].done == bare and self._of_target(alone[-1], text):
            last = alone[-1]
            listed = [s.attribute for s in alone if s.sentence == last.sentence and s.citations == last.citations]
            # What is said of the target is said to be shared next: with a title of the verdict's side.
            first = [frozenset(listed[:1])] if len(listed) > 1 else [frozenset({w}) for w in self.attributes.target]
            if not self._shared(text, frozenset(listed)) and any(self._shared(text, words) for words in first):
                return Fault(last.begins)
        return None

    def _untrue(self, said: Said, text: str) -> Fault:
        """What is to be done about an attribute that is not so, or said twice."""
        assert self.attributes is not None
        place = said.citations[-1]
        if said.right or said.denied or place is None or self._of_target(said, text):
            return Fault(None if said.done > said.ends and said.denied else said.begins)
        sign = self.signs[int(MARK.findall(text)[place])]
        # A title that does not have what is said of it: another one, or nothing of the kind.
        if said.known and sign:
            told = [one for one in self.attributes.said(text) if one.sentence == said.sentence and not one.denied]
            keywords = frozenset(one.attribute for one in told if place in one.citations)
            return Fault(said.begins if said.done > said.ends else said.sentence, place, sign, keywords)
        return Fault(said.begins)

    def _of_target(self, said: Said, text: str) -> bool:
        numbers = MARK.findall(text)
        return all(place is None or int(numbers[place]) in self.targets for place in said.citations)
