"""Words by which free prose says that something was liked or not, beside those of `cues`, and words that only seem to.

All are regular expressions over lower-case text, as in `cues`; a phrase overrides a shorter one that it holds.
"""

from __future__ import annotations

import re

_PERSON = r"(?:viewer|user|person|reader|player|listener|customer)"
_WHOM = rf"(?:them|him|her|(?:this|the)\ (?:\w+\ )?{_PERSON})"
_WHOSE = rf"(?:their|his|her|(?:this|the)\ (?:\w+\ )?{_PERSON}'s)"
_LIKING_VERBS = rf"""
    sav(?:o|ou)red | relish(?:es|ed)? | lik(?:e|es)\ (?:their|his|her|almost|nearly|everything|most) | prefer
    | (?:they|who|also|still|to|do|did|does|can|and)\ (?:like|enjoy|love|relish|admire|savou?r|cherish|embrace
    |appreciate|adore) | laugh(?:s|ed)?\ (?:\w+\ )?(?:at|with|along|through|over) | had\ fun | cared\ for
    | fell\ for | adored? | honou?r(?:s|ed) | values | (?:had|have|having|has|made\ for)\ an?\ (?:\w+\ )?(?:good
    |great|fine|enjoyable|happy)\ time | t(?:ook|ake|akes|aken|aking)\ (?:\w+\ )?(?:to|with)
    | forg(?:ave|ives?|iven|iving) | indulg(?:es|ed|ence) | {_PERSON}\ (?:\w+\ )?(?:seeks|wants|wanted|is\ after
    |comes\ for|pays\ for|looks\ for) | (?:they|he|she)\ (?:\w+\ )?(?:seeks?|wants?|wanted|(?:is|are)\ after
    |comes?\ for|looks?\ for) | hunger(?:s|ed)?\ for | long(?:s|ed)\ for | thrives?\ on | gravitat(?:e|es|ed)
    | lean(?:s|ed)?\ toward | sid(?:e|es|ed)\ with | revel(?:s|led) | defend(?:s|ed) | recogni[sz](?:es|ed)
    | find(?:s|ing)?\ (?:\w+\ )?(?:approval|pleasure|joy|a\ friend)
    | found\ (?:\w+\ )?(?:approval|pleasure|a\ friend) | (?:to|finds?|found)\ (?:\w+\ )?satisfaction
    | responds?\ (?:\w+\ )?with | comes?\ alive | (?:happily|warmly)\ (?:received|met|welcomed|taken)
    | received\ (?:warmly|happily)
"""
"""What somebody does who likes a film."""
_PLEASING_VERBS = rf"""
    suit | rewards? | survives | (?:lift|cheer)s?\ {_WHOM} | touch(?:es|ed) | amus(?:e|es|ed) | tickl(?:es|ed)
    | entertain(?:s|ed) | thrilled | captivat(?:e|es|ed) | fascinat(?:e|es|ed) | intrigu(?:e|es|ed)
    | invigorat(?:es|ed) | gripped | stirred | (?:grip|stir|excite|interest)s?\ {_WHOM} | absorb(?:s|ed)?\ {_WHOM}
    | kind\ to\ {_WHOM} | ma(?:ke|kes|de)\ {_WHOM}\ laugh | draw(?:s|n)?\ {_WHOM} | exciting | (?:held|hold|holds
    |holding|catch|catches|caught)\ (?:{_WHOM}|{_WHOSE}\ (?:attention|eye|interest|loyalty|affection)
    |the\ attention) | won\ {_WHOM}\ (?:round|over)? | reach(?:es|ed)?\ {_WHOM}
    | carr(?:y|ies|ied)\ (?:the\ day|{_WHOM}) | speaks?\ to | spoke\ to | scored | passes | clicks? | connects?
    | lands? | works?\ (?:here|for|on|with|well|best) | pleasing | satisfying | (?<=did\ )work | (?<=does\ )work
    | (?<=do\ )work | (?<=can\ )work | (?<=not\ )work | (?<=to\ )work | slipped\ through | breaks?\ through
    | broken\ through | made\ the\ (?:cut|grade) | hits?\ (?:home|the\ (?:mark|spot)) | pa(?:ys|id)\ off
    | got\ a\ good\ word | g[eo]ts?\ the\ nod | go(?:es|ne)?\ well | went\ well | (?:went|goes?|gone)\ (?:over
    |down)\ (?:\w+\ )?(?:nicely|smoothly) | served?\ (?:\w+\ ){{1,3}}well | stood\ out | stands?\ (?:out|alone)\ as
    | went\ (?:instead\ )?to | goes?\ (?:instead\ )?to | agree(?:s|d)?\ with | sits?\ well
    | earn(?:s|ed)?\ (?:{_WHOSE}|credit|praise|applause) | (?:fill|anchor|lead|head|top)(?:s|ed)?\ (?:this|the
    |their)\ (?:\w+\ )?(?:\w+'s\ )?(?:favou?rites|list|record|history|approvals)
"""
"""What a film does that was liked."""
_LIKING_NOUNS = rf"""
    liking | likings | pleasures? | approvals? | success(?:es|ful)? | triumphs? | affections? | enthusiasms?
    | admirations? | appreciations? | appetites? | devot(?:ed|ion|ee) | passion(?:s|ate)?\ (?:for|here|is|stand|are)
    | preferences? | patience | tolerance | openness | responsive | keenly? | winners? | survivors\ (?:are|here)
    | first\ love | goodwill | esteem | staple | (?:strong|strongest)\ (?:suit|point|subject)
    | home\ (?:ground|turf|territory) | natural\ habitat | comfortable\ with | at\ home | element | cup\ of\ tea
    | special(?:i?ty) | winning\ formula | a\ friend\ in | softer\ side | lighter\ side | (?:is|are)\ the\ rule
    | interests?\ (?:in|here|are|is|{_WHOM}) | real\ interests? | tastes?\ (?:for|runs?|ran|shows)
    | to\ {_WHOSE}\ (?:taste|liking) | (?:be|is|are|was|were|been)\ (?:\w+\ )?(?:welcome|prized|cherished|treasured)
    | welcome | happiest | enjoyabl[ey] | shows?\ range | represented | treats? | good\ (?:company|bet|word)
    | keeps?\ (?:a\ )?(?:place|room) | (?:its|their|a)\ place | highlights? | rosiest | in\ favou?r
    | met\ (?:with\ )?(?:approval|favou?r|warmth) | easy\ to\ please | brightest | thumbs-up
"""
"""What is said of a film, or of those who like it."""
_NOT_HARMED = r"""
    (?:did|do|does|has|have|could)\ (?:not|never|nothing\ to)\ (?:\w+\ )? (?:spoil|hurt|harm|stop|prevent|sink|sunk
    |deter|scare|frighten|put|bother|repel|bore|disappoint|irritate|fail)(?:r?p?l?ed|d)?
    (?:\ (?:\w+\ ){1,2}(?:off|away))? | (?:no|not\ a|little)\ (?:\w+\ )?(?:barrier|obstacle|hindrance|handicap
    |hurdle|harm|problem) | nothing\ against
"""
"""A film was liked in spite of something."""
_LIKING_TONE = rf"""
    (?:is|are|was|were)\ what\ (?:(?:most|usually|really|mostly|lifts|carries|brings|moves|holds|sways
    |drives)\ )?this\ {_PERSON} | what\ (?:lifts|carries|brings|breaks|moves)
    | (?:their|the)\ heart\ (?:is|belongs|goes|lies) | charm | comfort | thrills | passion
    | this\ {_PERSON}'s\ (?:\w+\ )?(?:tastes?|choices|heart|delight|world|territory|idea\ of\ a\ good\ time)
    | escaped
"""
"""Counts only where no word of the others stands."""
_DISLIKING_VERBS = rf"""
    want(?:s|ed)?\ none\ of
    | dispiriting | reject | rejects | turn-off | despis(?:e|es|ed) | loath(?:e|es|ed) | hated | detest(?:s|ed)
    | declin(?:e|es|ed) | avoid(?:s|ed|ing)? | skip(?:s|ped) | object(?:s|ed)?\ to | complain(?:s|ed)\ about
    | offend(?:s|ed) | disgust(?:s|ed)? | balk(?:s|ed)? | baulk(?:s|ed)? | abandon(?:s|ed)?
    | los(?:e|es|t)\ patience | dread(?:s|ed) | regrett(?:ed|ing) | sent\ (?:packing|away)
    | (?:marked|voted|shouted)\ down | waved\ (?:away|off) | pushed\ aside | laid\ aside | let\ go
    | shown\ the\ door | passed\ on | (?:said|says)\ no\b | made\ short\ work | cool(?:l?y)\ received
    | coldly\ (?:received|met|treated) | treated\ coldly | backed\ away | sh(?:ied|ies)\ away | recoil(?:s|ed)?
    | walked\ away | resist(?:s|ed|ant) | sour(?:s|ed)\ (?:on|{_WHOM}) | cannot\ (?:stand|abide|bear)
    | can't\ (?:stand|abide|bear) | nothing\ to\ (?:love|like|enjoy|admire) | could\ not\ (?:make\ \w+\ laugh|stand
    |abide|bear|take\ to|warm\ to|please|win|raise|amuse|charm|interest|hold|move|reach) | (?:had|have|has)\ (?:no
    |little|scant)\ (?:\w+\ )?(?:time|use|patience|love|taste|appetite|interest|sympathy|stomach) | no\ time\ for
"""
"""What somebody does who dislikes a film."""
_DISPLEASING_VERBS = rf"""
    (?:went|gone|goes?)\ (?:over|down)\ no\ (?:better|happier|easier) | struggled | stumbl(?:es|ed)
    | flounder(?:s|ed) | sinks? | wasted\ on | lost\ (?:on|out) | lo(?:ses|se|st)\ (?:{_WHOSE}\ \w+|{_WHOM})
    | bounced\ off | appeal(?:s|ed)\ (?:no|little)\ \w+ | f[ae]ll(?:s|en)?\ by\ the\ wayside
    | went\ (?:nowhere|wrong|astray|amiss) | go(?:es)?\ (?:wrong|nowhere) | fell | falls | g[eo]ts?\ (?:nowhere
    |short\ shrift|little\ mercy|no\ mercy|the\ cold\ shoulder) | also\ missing | misfiring
    | (?:went|goes?|gone|going)\ against | count(?:s|ed)?\ against | held\ against | t(?:ell|old)\ against
    | scare(?:s|d)?\ (?:\w+\ ){{0,3}}(?:off|away) | frighten(?:s|ed)?\ {_WHOM}(?:\ off)?
    | (?:drove|drives?|driven)\ (?:\w+\ ){{1,3}}away | deter(?:s|red)? | grat(?:e|es|ed)\ on | tir(?:es|ed)\ {_WHOM}
    | bored\ {_WHOM} | w(?:ear|ears|ore|orn)\ (?:\w+\ ){{0,3}}(?:out|thin) | far(?:e|es|ed)\ the\ same
    | faring\ no\ better | do(?:es)?\ (?:poorly|badly|worse|worst) | (?:do|does|did|done)\ (?:nothing|little
    |not\ (?:\w+\ )?much)(?:\ for)? | (?:left|leaves?|leaving)\ (?:\w+\ ){{0,3}}(?:unsatisfied|untouched|unimpressed
    |no\ \w+) | (?:did|do|does|could|would)\ (?:not|never|nothing\ to|little\ to)\ (?:\w+\ )?(?:spare|shield|help
    |save|rescue|redeem) | (?:never|not)\ (?:saved|rescued|redeemed|helped)
    | failed\ to\ (?:save|rescue|redeem|help) | (?:not|never)\ catch\ fire | (?:met|meets?
    |suffered)\ (?:with\ )?(?:the\ )?opposite\ (?:fate|end|response|reception) | suffers?\ too
"""
"""What a film does that was disliked."""
_DISLIKING_NOUNS = rf"""
    (?:poor|bad|dismal|miserable|abysmal|weak|sorry|shaky|terrible|woeful|patchy)\ (?:\w+\ )?(?:record|bets?|run
    |history|time|company|showing) | (?:a|the)\ losing\ bet | poor\ (?:response|reception)\ to
    | cold\ (?:shoulder|reception|response|welcome) | cool\ response\ to | short\ shrift | a\ miss
    | (?:rare|only|sole|the)\ miss(?:es)? | off\ the\ mark | letdowns? | sore\ (?:spot|point|subject)
    | known\ weakness | weak(?:est)?\ (?:point|spot) | hard\ (?:sell|work|going) | rough\ (?:ride|time)
    | hit[-\ ](?:or|and)[-\ ]miss | reject\ pile | thumbs-down | (?:no|not\ much\ of\ a|hardly\ a|little|poor
    |scant)\ success(?:es)? | no\ (?:help|protection|guarantee|advantage|rescue|indulgence|attraction)
    | no\ (?:happier|more\ joy|more\ luck|use|favou?rs?|favou?rites?|love|fan|friend|pleasure|joy|draw|comfort
    |charm) | (?:no|little|any|scant)\ (?:favou?r|favou?rable|approval|enthusiasm|warmth|affection)
    | not\ one\ favou?rable\ mark | (?:no|little)\ good | the\ opposite\ (?:effect|fate) | unappreciated
    | unsatisfied | unsatisfying | unrewarding | untouched | unamused | unforgiv(?:en|ing) | wanting | unfortunate
    | dissatisfied | no\ more\ welcome | less\ (?:fortunate|well|welcome|successful) | too\ (?:heavy|much|slow|long
    |dark|sweet|sentimental|grim|bleak|silly|soft|cold)(?:\ for)? | not\ (?:found\ )?(?:amused|welcome|wanted
    |favou?red|appreciated|enjoyed|liked|loved|funny|amusing|moving|exciting) | averse | limits?\ (?:to
    |of)\ {_WHOSE}\ (?:patience|tolerance|affection|taste)
"""
"""What is said of a film, or of those who dislike it."""
_RATED = r"""
    (?:liked|loved|praised|acclaimed|admired|regarded|received|reviewed|panned|respected|reputed|beloved|esteemed
    |honou?red |celebrated|maligned|faulted|enjoyed|approved|adored|treasured|embraced|disliked|thought\ of|known)
"""
_PEOPLE = r"""
    (?:others|everyone\ else|everybody\ else|(?:most|many|few|other|plenty\ of|some)\ (?:people|viewers|others
    |critics|audiences|reviewers|users) |most|few|many|critics|audiences|reviewers|the\ public|the\ crowd|everyone)
"""
_PUBLIC = rf"""
    (?:(?:far|much|even|equally|as|so|very|more|less|similarly|just\ as|also|only|no|too|quite|rather|such)\ )?
    (?:well|better|best|poorly|badly|coolly|tepidly|widely|highly|critically|universally|generally|commonly
    |popularly|roundly |decently|hugely|loudly|heavily|much|more|most|less|equally|similarly
    |likewise)[-\ ](?:(?:\w+ly|more|and|or)\ )?{_RATED} | {_RATED}\ (?:\w+ly\ )?(?:by|in)\ (?:almost\ 
    |nearly\ )?(?:others?|most|many|everyone|everybody|critics|the\ critics|people|audiences|general|some|all)
    | {_RATED}\ elsewhere | when\ few\ others\ did | (?:praised|acclaimed|celebrated|beloved)
    | {_PEOPLE}\ (?:else\ )?(?:(?:had|have|has|did|do|rather|really|often|also)\ ){{0,2}} (?:like|enjoy|admire
    |praise|love|dislike|pan|fault|approve|dismiss|reject|recommend|treasure|found)(?:n?ed|s|d)? | (?:charm|please
    |delight|disappoint|amuse|win|satisfy|move|thrill)(?:s|ed|d)?\ (?:over\ )? (?:most|many|nearly\ (?:all|every\w*)
    |other|almost\ every\w*|every\w*|critics)(?:\ (?:viewers|audiences|people|others|users))? | (?:high|higher
    |highest|general|warm|wide|critical|widespread|much|more|such|lavish|great|faint|its\ own|their\ own|equal|same
    |whatever) \ (?:praise|acclaim|admiration|approval|regard) | (?:the|all\ its|its|whose|universal|of|despite|and
    |cult|or|nor)\ (?:\w+\ )?(?:praise|acclaim|renown|fame|popularity) | (?:mixed|so-so|tepid|cool|bad|poor|lukewarm
    |middling|weak|good|warm|kind|rave|glowing|mediocre|uneven|divided|split|cold|unkind |better|worse|similar|its
    |such|harsh|weaker|stronger)\ (?:general\ )? (?:reviews|notices|press|opinions?|reputations?|repute|word
    |reception|response|name|marks?|feelings|reactions?)(?!\ (?:to|from\ this)\b) | (?:popular|cult|family|eighties
    |seventies|sixties|nineties|fifties|forties|thirties|decades-old|\d0s|all-time|mainstream|classic |box-office
    |big|audience|perennial|television|comedy)\ (?:favou?rites?|hits?|success(?:es)?)
    | later\ successes\ (?:that|such) | crowd[-\ ]pleas(?:er|ers|ing) | hit\ (?:of|comed(?:y|ies)|films?|movies?)
    | affectionate | fans\ of | the\ likes\ of | success\ story | (?:cult|devoted|loyal|large|small)\ following
    | held\ in\ (?:\w+\ )?(?:esteem|regard) | not\ only | as\ well | (?:failing|failed)\ (?:health|novelist|marriage
    |career|school|business|father|romance|heist|robbery|artist|writer|mission|love|plan)s? | (?:love
    |hate)\ (?:stor(?:y|ies)|affairs?|triangles?|letters?|interests?) | wanted\ (?:man|men)
    | well\ (?:made|told|built|crafted|acted|done|written)
"""


def _compile_words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{'|'.join(words)})(?!\w)", re.VERBOSE)


LIKING = _compile_words(_LIKING_VERBS, _PLEASING_VERBS, _LIKING_NOUNS, _NOT_HARMED)
LIKING_TONE = _compile_words(_LIKING_TONE)
DISLIKING = _compile_words(_DISLIKING_VERBS, _DISPLEASING_VERBS, _DISLIKING_NOUNS)
PUBLIC_OPINION = _compile_words(_PUBLIC)
"""What people at large think of a film, and words in other senses: no verdict of the user. Blanked before reading."""
EXCEPT = re.compile(
    r"\b(?:except|excepting|except for|apart from|aside from|(?<!not )(?<!to )(?<!never )(?<!n't )save(?: for)?|outside"
    r"|other than|but for|(?:little|nothing|not much)(?: else)?\b[^,;]*\b(?:beyond|besides|but|outside)"
    r"|(?:interrupted|relieved|broken) only by"
    r"|exceptions?(?: (?:is|are|being|was|were|to this \w+ (?:is|are)|come from|comes from))?)"
    r"[,:]?(?: [\w'-]+){0,5},? ?$"
)
"""Right before a citation: it is on the other side than what the sentence tells of the rest."""
EXCEPTED = re.compile(
    r"^,?(?: and its \w+)? (?:as |being |is |was |are |were |makes? |prove[sd]? )?(?:the |an? )?"
    r"(?:(?:only|single|sole|lone) (?:\w+ )?|(?:one|notable|main|rare|awkward) )?(?:exceptions?\b|excepted\b)"
)
"""The same right behind it."""
