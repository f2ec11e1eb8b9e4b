"""What other data sets call our columns."""

from __future__ import annotations

import re

from thinkrec.data.table_columns import split_recbole_type

_KNOWN = {
    "user_id": "userid user uid iduser customer customerid reviewer reviewerid member memberid account accountid "
    "viewer viewerid reader readerid profile profileid personid visitorid playerid steamid listenerid",
    "item_id": "itemid item iid iditem movieid movie filmid film bookid book isbn isbn13 productid product asin "
    "parentasin sku articleid article trackid songid artistid albumid gameid appid animeid recipeid businessid placeid "
    "gmapid venueid poiid newsid videoid contentid showid beerid wineid workid",
    "rating": "rating ratings score stars star overall grade mark bookrating userrating reviewrating reviewscore "
    "itemrating ratingvalue movierating",
    "label": "label liked like isliked islike clicked click isclick isclicked target recommended isrecommended voted",
    "timestamp": "timestamp time ts date datetime unixreviewtime unixtime unixtimestamp reviewtime reviewdate ratedat "
    "ratingtime ratingtimestamp createdat created dateadded dateupdated eventtime timestampms when tstamp "
    "submissiondate orderdate purchasedate ordertime purchasetime lastplayed visitdate",
    "split": "split fold subset part",
    "title": "title name itemname moviename movietitle booktitle filmtitle originaltitle producttitle productname "
    "artistname trackname songname gamename appname businessname displayname recipename",
    "keywords": "keywords keyword genres genre categories category tags tag maincategory subjects shelves "
    "cuisine class department authors author bookauthor brand store developer director",
}
_COUNTS = ("weight", "plays", "playcount", "listens", "count", "hours", "playtime", "playtimeforever", "quantity")
"""Names of columns that say how often or how long: no ratings, though read as such."""
_MAKERS = ("authors", "author", "bookauthor", "brand", "store", "developer", "director")
"""Names of columns that say who made an item: its keyword where nothing says more."""
_BARE_ID = ("id", "index", "key")
_BY_NAME = {name: ours for ours, names in _KNOWN.items() for name in names.split()}

WORDS = {
    "movie": ("movie", "movies", "viewer"),
    "film": ("film", "films", "viewer"),
    "book": ("book", "books", "reader"),
    "isbn": ("book", "books", "reader"),
    "artist": ("artist", "artists", "listener"),
    "song": ("song", "songs", "listener"),
    "track": ("track", "tracks", "listener"),
    "album": ("album", "albums", "listener"),
    "game": ("game", "games", "player"),
    "app": ("app", "apps", "user"),
    "anime": ("anime", "anime", "viewer"),
    "recipe": ("recipe", "recipes", "cook"),
    "asin": ("product", "products", "customer"),
    "product": ("product", "products", "customer"),
    "business": ("business", "businesses", "customer"),
    "news": ("article", "articles", "reader"),
    "article": ("article", "articles", "reader"),
}
"""A part of a column's or file's name -> item, items and user in the words of the domain."""


def normalise_name(name: str) -> str:
    """A name without case, punctuation and RecBole's type.

    >>> normalise_name("Book-Rating"), normalise_name("user_id:token")
    ('bookrating', 'userid')
    """
    return "".join(mark for mark in split_recbole_type(name)[0].casefold() if mark.isalnum())


def find_our_name(name: str) -> str | None:
    """Our name for a column that others call so; None where it is not known.

    >>> find_our_name("movieId"), find_our_name("overall"), find_our_name("plot")
    ('item_id', 'rating', None)
    """
    return _BY_NAME.get(normalise_name(name))


def is_count_name(name: str) -> bool:
    """Whether a column of this name says how often or how long something was used."""
    return normalise_name(name) in _COUNTS


def is_maker_name(name: str) -> bool:
    """Whether a column of this name says who made an item."""
    return normalise_name(name) in _MAKERS


def is_bare_id(name: str) -> bool:
    """Whether a column is called id and no more."""
    return normalise_name(name) in _BARE_ID


def rank_name(ours: str, name: str) -> int:
    """Place of a name among those known for our column: the lower, the surer."""
    return _KNOWN[ours].split().index(normalise_name(name))


def find_domain_words(*names: str) -> tuple[str, str, str] | None:
    """Item, items and user in the words that the first telling name stands for, such as movieId; None without one."""
    for name in names:
        words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).casefold())
        for word in words:
            for part, our_name in WORDS.items():
                if word in (part, f"{part}s", f"{part}id", f"{part}es"):
                    return our_name
    return None
