"""Words by which a reason says that something was liked or not, as regular expressions over lower-case prose.

Verbs and nouns that name the *user's* verdict come first (`VERDICT`); words that may also describe a film or the
public's opinion of it ("hit", "warm", "weak") are weaker (`TONE`) and only count where no verdict stands.
"""

from __future__ import annotations

import re

_GOOD_VERDICT = r"""
    liked | likes | enjoy(?:s|ed|ing|ment)? | loved | loves | loving | adore[sd]? | pleas(?:e|es|ed)
    | pleasures?\ for | approv(?:e|es|ed|al|als|ing)(?:\ of)? | prais(?:e|ed|es|ing) | admir(?:e|es|ed|er|ers)
    | embrac(?:e|es|ed|ing) | accept(?:s|ed|able)? | favou?r(?:s|ed|ing)?
    | (?:the|'s|these|their|own|few|current)\ favou?rites? | welcom(?:e|es|ed) | endors(?:e|es|ed)
    | appreciat(?:e|es|ed|ion) | appeal(?:s|ed)?(?:\ to)? | succe(?:ed|eds|eded|ss|sses) | preferred | prefers
    | treasur(?:es|ed) | cherish(?:es|ed) | w[oi]ns?(?:\ over|\ through)? | satisf(?:y|ies|ied) | delight(?:s|ed)?
    | charm(?:s|ed) | impress(?:es|ed)? | (?:went|goes|go|gone)\ (?:over|down)\ (?:\w+\ )?(?:well|better|best|easily)
    | (?:came|comes|come|got|gets|get|made\ it)\ (?:safely\ )?through
    | (?:fare[sd]?|d(?:id|oes|o|one)|work(?:s|ed)?|land(?:s|ed)?|connect(?:s|ed)?|register(?:s|ed)?|score[sd]?)
      \ (?!no\ |not\ |little\ |hardly\ |scarcely\ )(?:\w+\ )?(?:well|better|best|fine)
    | work(?:s|ed) | land(?:s|ed) | connect(?:s|ed) | register(?:s|ed) | click(?:s|ed) | resonat(?:es|ed) | passed
    | pass | survived | reward(?:s|ed) | thumbs\ up | yes(?:es)? | won | exceptions?\ in\ favou?r
    | like[sd]\ by\ this | fond(?:ness)? | soft\ spot | taste\ for | appetite\ for | affection\ for | weakness\ for
    | love\ of | enthusias(?:m|tic)(?:\ for)? | eager(?:ness)?\ for | persuaded? | convinc(?:e|es|ed) | moved
    | warm(?:ed|s)\ to | respond(?:s|ed)\ (?:\w+\ )?to | took\ to | takes\ to | taken\ to | engag(?:e|es|ed)
    | hold(?:s)?\ appeal | found\ favou?r | finds?\ favou?r | drawn\ to | draws?\ this | attract(?:s|ed)?
    | suit(?:s|ed) | hits?\ with\ this | bright\ spots? | tolerat(?:e|es|ed) | spared | keepers? | positive | happily
    | happy | receptive | beloved | survivors? | moves?\ this | values? | valued | prize[sd]? | top\ place
    | preferences? | (?:those|both)\ that\ do\b | broke\ through | got\ by | high\ marks
    | (?:this|the)\ \w+'s\ (?:vote|interest|attention) | headway | scores?\ with | well\ represented | what\ works
    | looks\ for | excit(?:e|es|ed) | respect\ for | room\ for | tenderness\ for | patience\ (?:with|for)
    | sympath(?:y|ies) | earn(?:s|ed)?\ (?:\w+\ )?(?:a\ )?(?:yes|approval|like|likes|praise|favou?r) | what\ counts?
"""
_BAD_VERDICT = r"""
    dislik(?:e|es|ed|ing) | reject(?:s|ed|ing|ion|ions)? | refus(?:e|es|ed|al|als|ing)
    | turn(?:s|ed|ing)?\ (?:\w+\ )?(?:down|away) | disappoint(?:s|ed|ment|ments)? | dismiss(?:es|ed|al|als)?
    | disapprov(?:e|es|ed|al|ing) | unloved | unwelcome | unappealing | displeas(?:es|ed|ure)
    | (?:judged|deemed)\ (?:\w+\ )?(?:inadequate|lacking|wanting|poor|dull) | unpopular
    | (?<!without\ )fail(?:s|ed|ure|ures)? | (?:fall|falls|fell|fallen|falling)\ (?:flat|short) | miss(?:es|ed)
    | misfire[sd]? | flop(?:s|ped)? | (?:left|leaves?|leaving)\ (?:\w+\ ){0,3}(?:cold|unmoved|indifferent|flat)
    | unmoved | unimpressed | indifferent | bore[sd]?
    | (?:went|goes|go|gone)\ (?:over|down)\ (?:\w+\ )?(?:badly|poorly)
    | (?:fare[sd]?|d(?:id|oes|o|one)|work(?:s|ed)?|land(?:s|ed)?)\ (?:\w+\ )?(?:badly|poorly|worse|no\ better)
    | (?:d(?:id|oes|o)|fare[sd]?|w(?:as|ere))\ (?:no|not\ \w+|little|hardly|scarcely|barely|not)\ (?:better|kinder)
    | no\ (?:better|kinder) | no\ luck | let\ (?:\w+\ )?down | put(?:s)?\ (?:\w+\ )?off | repel(?:s|led)?
    | irritat(?:e|es|ed) | annoy(?:s|ed)? | grate[sd]? | tire[sd]? | weari(?:es|ed) | resist(?:s|ed|ance|ing|ant)?
    | punish(?:es|ed)? | struck\ out | drew\ a\ blank | draws?\ a\ blank | came\ up\ short | comes\ up\ short
    | shrug(?:s|ged)? | avers(?:e|ion) | impatien(?:t|ce) | distaste | antipathy | allerg(?:y|ic) | no\ patience
    | little\ patience | little\ interest | unsuccessful | unconvinc(?:ed|ing) | unpersuaded | denied | shut\ out
    | ruled\ out | spurned | shunned | scorn(?:s|ed)? | rebuff(?:s|ed)? | knocked\ back | missing\ the\ mark
    | any\ better | poor\ (?:response|reception) | struggled | thumbs\ down | did\ not | does\ not\ do | sank | sunk
    | condemn(?:s|ed)? | negative | casualt(?:y|ies) | not\ enough | set\ aside | passed\ over | waved\ away
    | threw\ out | cast\ aside | discard(?:s|ed)? | brushed\ (?:aside|off) | backfire[sd]?
    | (?:approval|enthusiasm|interest|patience|sympathy|favou?r|affection|goodwill|appeal|welcome|charm)s?\ (?:\w+\ )?
      (?:vanish(?:es|ed)?|fade[sd]?|end(?:s|ed)?|stop(?:s|ped)?|drain(?:s|ed)?|dries\ up|dried\ up|
      evaporate[sd]?|disappear(?:s|ed)?|drop(?:s|ped)?|runs?\ out|ran\ out|cool(?:s|ed)?|wane[sd]?|
      collapse[sd]?|dwindle[sd]?)
    | found\ (?:\w+\ )?(?:lacking|wanting) | (?:did|could|does)\ not\ (?:save|rescue|redeem|help) | lacking\ appeal
    | did\ nothing\ for | did\ little\ for | little\ mercy | no\ mercy | too\ much\ for | wore\ thin | wear\ thin
"""
_GOOD_TONE = r" hit | hits | favou?rites? | triumph(?:s|ed)? | reached | held | warm(?:ly|er|est)? | attraction "
_BAD_TONE = r" badly | poorly | weak(?:er|est|ness|nesses)? | sour(?:ed)? | in\ vain | to\ no\ avail "

NEGATORS = re.compile(
    r"\b(?:not|never|no|hardly|scarcely|barely|neither|nor|none|nothing|nobody|without|less|(?<!the )(?:little|few)|"
    r"rarely|seldom|cannot|unable|fails?|failed)\b|n't\b"
)
"""Turn a cue round that follows within a few words."""
FUTURE = re.compile(
    r"\b(?:should|would|will|shall|may|might|likely|likelier|unlikely|probably|ought|expect(?:ed)?|promises|can|"
    r"chances?|prospects?|sure|bound)\b"
)
"""A cue after one of these is about the target, not about what was rated."""
AHEAD = re.compile(
    r"\s+(?:\w+ )?(?:should|would|will|may|might|seems?|looks?|is (?:un)?likel\w+|is probable|remains|"
    r"chiefly|mostly for)\b"
)
"""The same behind a cue."""
EXCEPT = re.compile(
    r"\b(?:except|excepting|except for|apart from|aside from|save|save for|(?:interrupted|relieved|broken) only by|"
    r"outside|other than|but for|"
    r"exceptions?(?: (?:is|are|being|was|were|to this \w+ (?:is|are)|come from|comes from))?)[,:]?(?: \w+){0,4} ?$"
)
"""Right before a citation: it is the opposite of what the sentence says of the rest."""
EXCEPTED = re.compile(
    r"^,? (?:as |being |is |was |are |were |makes? |prove[sd]? )?(?:the |an? )?"
    r"(?:(?:only|single|sole|lone) (?:\w+ )?|(?:one|notable|main) )?exceptions?\b"
)
"""The same right behind it."""
PUBLIC = re.compile(
    r"(?:-|\b(?:widely|critically|generally|universally|commonly|popularly|often|much|most|oscar|crowd|critics'?))\s?$"
)
"""Before a cue: what people at large think."""
CONTRAST = re.compile(r"\b(?:but|while|whereas|although|though|yet|however|unlike)\b")
"""Begins a part of a sentence to which the cue before it does not carry over."""


def _compile_cues(strong: str, weak: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    flags = re.VERBOSE
    return re.compile(rf"\b(?:{strong})\b", flags), re.compile(rf"\b(?:{weak})\b", flags)


GOOD, GOOD_TONE = _compile_cues(_GOOD_VERDICT, _GOOD_TONE)
BAD, BAD_TONE = _compile_cues(_BAD_VERDICT, _BAD_TONE)
