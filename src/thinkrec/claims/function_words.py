"""English words of four letters or more that say nothing of an item, whatever the item is."""

from __future__ import annotations

_FUNCTION = """
about above according across actually after again against almost alone along already also although always among
amongst another anyone anything apart around aside away because become becomes been before behind being below beneath
beside besides between beyond both cannot certainly clearly come comes could despite does doing done down during each
either else enough especially even ever every everyone everything except extremely fairly find finds from fully
further furthermore generally give given gives goes going gone half hardly have having hence here hers herself himself
however indeed inside instead into itself just keep keeps kind largely last least less likely little made mainly make
makes making many maybe mere merely might more moreover most mostly much must namely near nearly neither never
nevertheless next nobody none nonetheless nothing often once ones only onto other others otherwise ours outside over
overall part particular particularly perhaps plus possibly probably quite rather really same seem seems several shall
should simply since some somebody someone something sometimes somewhat soon still such surely take taken takes than
that their theirs them themselves then there therefore these they thing things this those though through throughout
thus together took toward towards truly under unless unlike until upon usually very want wants well went were what
whatever when where whereas wherever whether which while whole whom whose will with within without would year years
your yours yourself
"""
_LIKING = """
dislike disliked dislikes disliking enjoy enjoyed enjoying enjoys like liked likes liking please pleased pleases
prefer preferred prefers reject rejected rejects taste tastes watch watched watches watching
"""
FUNCTION_WORDS = frozenset(_FUNCTION.split())
"""What English sentences are held together by."""
LIKING_WORDS = frozenset(_LIKING.split())
"""What a reason says of its reader: it is about the user, also in a clause about an item."""
