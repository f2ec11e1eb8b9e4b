"""Test of windows of words: phrases against fragments of a sentence; for English, without a tagger.

A list of frequent verbs and a few tests of what stands beside a word tell most verbs from nouns. What is asked of a
phrase: it holds no verb form, it ends where a run of content words ends ("board game", not "magical board"), and
function words stand in it only where they tie nouns together ("act of charity").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from thinkrec.keywords.clean import STOP_WORDS, split_words

_TOKEN = re.compile(r"[^\W_]+(?:[-’'&./][^\W_]+)*|[^\w\s]")
_POSSESSIVE = re.compile(r"(?:['’]s|['’])$")

_BASES = """
    accept accompany accuse adopt aid aim allow appear arrive ask assassinate assert assist attempt attend
    avenge avoid awaken bankrupt battle become befriend begin believe belong blackmail block bring build buy
    capture care carry catch cause chase choose claim collide come compete conflict confront connect consider
    conspire continue cope cross deal decide defend defy demand deny depict descend desire destroy die disappear
    discover dodge eat embark emerge employ encounter encourage enlist enter escape escort establish exchange
    exist expect explore expose face fail fall feature feel fight find fix flee follow force forget form fund
    gather get give go grow happen hatch haunt have head hear help hide hire hit hold hope infiltrate inherit
    inspire intend intercept invade investigate invite involve join keep kidnap kill know land lead learn leave
    let lie live long look lose love maintain make manage marry meet move murder mutate need obsess offer oppose
    organize overcome pay persuade pick plan play plot portray pose prepare pretend prevent protect prove pursue
    put raise reach realize receive recall recruit refuse regain remain remember remind remove rescue resist
    resolve resume return reunite reveal ride rise rob run save search see seek seem sell send serve set settle
    shoot show solve spawn spend stand star start starve stay steal stop struggle stumble succeed suffer
    supplant survive suspect take talk teach team tell tend terrorize test think threaten trace travel trigger
    try turn undergo use visit wait wake walk want warn watch win wish witness work wreak
    """
_IRREGULAR = """
    became began brought built bought caught chose came dealt fell felt fought found fled forgot gave given went
    gone grew grown heard hid held kept knew known led learnt left lost made met paid rode rose ran saw seen
    sought sold sent spent stood stole stolen took taken taught told thought thrown woke won wrote written born
    been forced based set directed starring starred co-starring produced titled named called tries goes does
    """
# Also frequent as nouns: verbs only where what stands beside them says so.
_ALSO_NOUNS = split_words("""
    aid aim attempt battle block care cause chase claim conflict cross deal demand desire escape escort exchange
    face fight fix force form fund hatch head help hide hit hope invite kill land lead lie long look love move
    murder need offer pay plan play plot pose rescue return ride rise run search shoot show stand star start
    stay stop struggle suspect talk team test think trace travel trigger turn use visit wake walk win wish
    witness work
    """)
_GENERAL = split_words("""
    attempt back beautiful body break case chance course day days dead end event events eye eyes fact film group
    half hand hands hour hours kind life line lives lot man member members men moment month months movie name
    night number order part people place plan problem problems process reason rest rich run side situation story
    strange thing things time track true turn unaware way week weeks woman women work world wrong year years
    young
    """)
"""Words that say too little alone."""
_PARTICLES = split_words("up out off down away back into onto upon")
_AUXILIARIES = split_words(
    "is are was were be been being has have had must can could will would may might should shall cannot do does did to "
    "gets get got becomes become became not"
)
_SUBJECTS = split_words("he she they who it we i you")
_DETERMINERS = split_words("a an the his her their its my our your no some any this these those each every")
_OBJECTS = split_words("a an the his her their its my our your him them himself herself themselves itself")
_PREPOSITIONS = split_words("at for with in into to on onto as by from through around against over about")
_LEAD_TO = split_words(
    "lead leads led leading return returns returned go goes went come comes came move moves moved travel travels close "
    "next due prior similar home back sent taken way brought belong belongs ties"
)
_TIES = split_words("of de la le du del von van der den")


def _inflect_verb(base: str) -> set[str]:
    stem = base.removesuffix("e")
    if re.search(r"[^aeiou]y$", base):
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    else:
        third, past = base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s"), stem + "ed"
    return {base, third, past, stem + "ing", stem + stem[-1] + "ed", stem + stem[-1] + "ing"}


_VERBS = frozenset({form for base in _BASES.split() for form in _inflect_verb(base)} | set(_IRREGULAR.split()))
_UNSURE = frozenset(_ALSO_NOUNS | {form for base in _ALSO_NOUNS for form in _inflect_verb(base) if form.endswith("s")})


@dataclass(frozen=True)
class TokenizedText:
    """A text as words and punctuation marks, in order."""

    text: tuple[str, ...]
    """As written, without a possessive ending."""
    lower: tuple[str, ...]
    """The same in lower case."""
    is_possessive: tuple[bool, ...]
    """Whether the word had a possessive ending: what follows belongs to another phrase."""
    is_verb: tuple[bool, ...]
    """Whether the word is taken for a verb form where it stands."""


def tokenize_text(text: str) -> TokenizedText:
    """Words and punctuation marks of a text, each with its properties."""
    raw = _TOKEN.findall(text)
    bare = tuple(_POSSESSIVE.sub("", word) if len(word) > 2 else word for word in raw)
    lower = tuple(word.lower() for word in bare)
    verb = tuple(_is_verb(bare, lower, position) for position in range(len(bare)))
    return TokenizedText(bare, lower, tuple(a != b for a, b in zip(raw, bare, strict=True)), verb)


def find_whole_phrase(words: TokenizedText, phrase: str) -> str | None:
    """The phrase as it stands in the text, if it stands there whole somewhere; None for a piece of a sentence.

    A name that begins further to the left is completed: "York City" becomes "New York City".
    """
    wanted = [word.lower() for word in _TOKEN.findall(phrase)]
    n = len(wanted)
    for start in range(len(words.lower) - n + 1) if n else ():
        if list(words.lower[start : start + n]) == wanted and _is_whole_phrase(words, start, start + n):
            return " ".join(words.text[_find_name_start(words, start) : start + n])
    return None


def _find_name_start(words: TokenizedText, start: int) -> int:
    while (
        start
        and _is_capitalised(words, start)
        and _is_capitalised(words, start - 1)
        and not words.is_possessive[start - 1]
        and (words.lower[start - 1] not in STOP_WORDS)
        and not words.is_verb[start - 1]
    ):
        start -= 1
    return start


def _is_whole_phrase(words: TokenizedText, start: int, end: int) -> bool:
    lower, last = words.lower, end - 1
    if any(words.is_possessive[start:last]) or any(words.is_verb[start:end]):
        return False
    if any(not lower[i][0].isalnum() or (lower[i] in STOP_WORDS and lower[i] not in _TIES) for i in range(start, end)):
        return False
    following = lower[end] if end < len(lower) else "."
    stops = not following[0].isalnum()
    if not _is_capitalised(words, last):
        if lower[last].endswith("ly") or (end - start == 1 and _is_uninformative(words, last)):
            return False
        # "documentary focusing on": a clause begins; "dry cleaning." is a noun.
        if lower[last].endswith(("ing", "ed")) and len(lower[last]) > 5 and not (stops or following == "of"):
            return False
    if stops or words.is_possessive[last] or words.is_verb[end] or following in _PARTICLES:
        return True
    # A content word right behind belongs to the same run, and so does what "of" ties to a single word.
    return following in STOP_WORDS and not (following in _TIES and end - start == 1)


def _is_verb(text: Sequence[str], lower: Sequence[str], position: int) -> bool:
    """Whether the word at a position is a verb form, by the words beside it and a list of verbs."""
    word = lower[position]
    before = lower[position - 1] if position else "."
    after = lower[position + 1] if position + 1 < len(lower) else "."
    if not word[0].isalpha() or word in STOP_WORDS or (text[position][0].isupper() and before not in _ENDS):
        return False
    if before in _DETERMINERS or before == "of":
        # "the murder", "his plans": a noun, or a participle in front of one ("an escaped fugitive").
        return word.endswith(("ed", "ing")) and after in _OBJECTS
    if word.endswith("ing") and after == "of":
        return False
    if before == "to":
        earlier = lower[position - 2] if position > 1 else "."
        return earlier not in _LEAD_TO and (word in _VERBS or (after[0].isalpha() and after != "and"))
    if before in _SUBJECTS:
        return not word.endswith("ly")
    if before in _AUXILIARIES:
        return word in _VERBS or word.endswith(("ed", "ing"))
    if after in _OBJECTS and position and before not in _ENDS:
        return before[0].isalpha() and before not in _PREPOSITIONS
    third = word.endswith("s") and not word.endswith("ss")
    if after in _PARTICLES and (third or word.endswith(("ed", "ing"))):
        return True
    if word not in _UNSURE:
        return word in _VERBS
    named = position + 1 < len(text) and text[position + 1][0].isupper()
    return word in _VERBS and third and before not in STOP_WORDS and (after in _PREPOSITIONS or named)


_ENDS = frozenset({".", "!", "?", ":", '"', ",", ";", "(", ")"})


def _is_uninformative(words: TokenizedText, position: int) -> bool:
    """Whether a lower-case word says too little alone: general words, participles, and adjectives."""
    word = words.lower[position]
    before = words.lower[position - 1] if position else "."
    if word in _GENERAL or (word.endswith(("ful", "ous", "less", "able", "ible")) and len(word) > 6):
        return True
    if before in _AUXILIARIES and before != "to" and not word.endswith("s"):
        return True
    return word.endswith(("ed", "ing")) and len(word) > 5 and before not in _DETERMINERS


def _is_capitalised(words: TokenizedText, position: int) -> bool:
    """Whether a word is written as a name, not only capitalised because it begins a sentence."""
    begins = position == 0 or words.lower[position - 1] in {".", "!", "?"}
    return words.text[position][0].isupper() and (not begins or words.lower[position] in {"new", "los", "san", "las"})
