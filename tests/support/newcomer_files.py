"""What somebody new downloads: five published formats with their quirks, drawn by seed, of 60 to 150 users.

Every writer returns the paths that the newcomer hands to `thinkrec check`. Tastes are planted (users of one of two
groups like one of two groups of items), so that a model has something to learn; names and texts are drawn.
"""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

GENRES = ("Action", "Adventure", "Children", "Comedy", "Crime", "Drama", "Fantasy", "Horror", "Romance", "War")
"""Of which an item has one to three."""
_NOUNS = ("River", "Lantern", "Orchard", "Signal", "Harbour", "Winter", "Letter", "Garden", "Engine", "Island")
_FORMS = ("The {} of {}", "A {} for {}", "{} and {}", "Last {} in {}")
_START = 1_104_537_600
"""The first of January 2005."""


@dataclass(frozen=True)
class Event:
    """One row before it is written."""

    user: int
    item: int
    like: bool
    seconds: int


@dataclass(frozen=True)
class Ware:
    """One item before it is written."""

    number: int
    title: str
    genres: tuple[str, ...]


def draw_wares(n: int, rng: random.Random) -> list[Ware]:
    """Items; those of even numbers have genres of the first half, odd ones of the second."""
    wares = []
    for number in range(n):
        half = GENRES[:5] if number % 2 == 0 else GENRES[5:]
        title = rng.choice(_FORMS).format(*rng.sample(_NOUNS, 2))
        wares.append(Ware(number, f"{title} {number}", tuple(rng.sample(half, rng.randint(1, 3)))))
    return wares


def draw_events(users: int, items: int, rng: random.Random, least: int = 8, most: int = 20) -> list[Event]:
    """Rows in the order of time; a user's items are distinct."""
    events = []
    for user in range(users):
        for item in rng.sample(range(items), rng.randint(least, most)):
            like = (user + item) % 2 == 0 if rng.random() < 0.85 else rng.random() < 0.5
            events.append(Event(user, item, like, _START + rng.randrange(400 * 86_400)))
    return sorted(events, key=lambda event: event.seconds)


def write_movielens_latest_small(folder: Path, *, zipped: bool = False) -> list[Path]:
    """ml-latest-small: half stars, titles in quotes with their article behind, no genres, users one after the other.

    Beside the two tables lie links.csv, tags.csv and README.txt, as in the archive. `zipped`: the archive itself.
    """
    rng = random.Random(20)
    wares, events = draw_wares(70, rng), draw_events(80, 70, rng)
    number = {ware.number: 3 * ware.number + 1 for ware in wares}
    by_user = sorted(events, key=lambda event: event.user)
    stars = {True: (4.0, 4.5, 5.0), False: (0.5, 2.0, 3.0, 3.5)}
    ratings = ["userId,movieId,rating,timestamp"]
    ratings += [f"{e.user + 1},{number[e.item]},{rng.choice(stars[e.like])},{e.seconds}" for e in by_user]
    movies = ["movieId,title,genres"]
    for ware in wares:
        article, _, rest = ware.title.partition(" ")
        title = f'"{rest}, {article} ({1980 + ware.number % 30})"' if article in ("The", "A") else ware.title
        movies.append(f"{number[ware.number]},{title},{'|'.join(ware.genres)}")
    movies[-1] = movies[-1].rpartition(",")[0] + ",(no genres listed)"
    tags = ["userId,movieId,tag,timestamp"] + [f"{e.user + 1},{number[e.item]},dark,{e.seconds}" for e in by_user[:9]]
    links = ["movieId,imdbId,tmdbId"] + [f"{n},{n:07d},{n + 5}" for n in number.values()]
    contents = {"ratings.csv": ratings, "movies.csv": movies, "tags.csv": tags, "links.csv": links}
    texts = {name: "".join(f"{line}\r\n" for line in lines) for name, lines in contents.items()}
    texts["README.txt"] = "Summary\n=======\n"
    place = folder / "ml-latest-small"
    if zipped:
        archive = folder / "ml-latest-small.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("ml-latest-small/", "")
            for name, text in texts.items():
                file.writestr(f"ml-latest-small/{name}", text)
        return [archive]
    place.mkdir(parents=True)
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8", newline="")
    return [place / "ratings.csv", place / "movies.csv"]


def write_lastfm(folder: Path) -> list[Path]:
    """hetrec2011-lastfm-2k: tabs, CRLF, plays with a heavy tail, no times, a play of an artist that is not listed."""
    rng = random.Random(21)
    wares, events = draw_wares(60, rng), draw_events(90, 60, rng)
    rows = ["userID\tartistID\tweight"]
    for event in sorted((e for e in events if e.like), key=lambda event: event.user):
        rows.append(f"{event.user + 2}\t{event.item + 51}\t{1 + int(rng.paretovariate(0.7) * 40)}")
    rows.append("2\t18744\t77")
    artists = ["id\tname\turl\tpictureURL"]
    for ware in wares:
        name = {0: 'DJ "Ware" Zero', 1: "Björk Ólafs"}.get(ware.number, ware.title)
        address = f"http://www.last.fm/music/{ware.number}"
        artists.append(f"{ware.number + 51}\t{name}\t{address}\thttp://userserve-ak.last.fm/serve/{ware.number}.jpg")
    tags = ["tagID\ttagValue"] + [f"{place + 1}\t{genre.lower()}" for place, genre in enumerate(GENRES)]
    given = ["userID\tartistID\ttagID\tday\tmonth\tyear"]
    for ware in wares:
        for genre in ware.genres:
            given.append(f"{2 + ware.number}\t{ware.number + 51}\t{GENRES.index(genre) + 1}\t1\t4\t2009")
    contents = {"user_artists.dat": rows, "artists.dat": artists, "tags.dat": tags, "user_taggedartists.dat": given}
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in contents.items():
        (folder / name).write_bytes("".join(f"{line}\r\n" for line in lines).encode("utf-8"))
    return [folder / "user_artists.dat", folder / "artists.dat"]


_ML100K_NAMES = """\
unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery
Romance Sci-Fi Thriller War Western
"""
ML100K_GENRES = tuple(_ML100K_NAMES.split())
"""The columns of flags at the end of u.item, in order."""


def write_movielens_100k(folder: Path) -> list[Path]:
    """ml-100k: u.data (tabs, no header, in no order), u.item (bars, Latin-1, no header, 19 flags), u.genre."""
    rng = random.Random(22)
    wares, events = draw_wares(60, rng), draw_events(75, 60, rng)
    rng.shuffle(events)
    rows = [f"{e.user + 1}\t{e.item + 1}\t{rng.choice((4, 5) if e.like else (1, 2, 3))}\t{e.seconds}" for e in events]
    items = []
    for ware in wares:
        own = {"Children": "Children's"}
        flags = [int(any(own.get(genre, genre) == name for genre in ware.genres)) for name in ML100K_GENRES]
        title = "Misérables, Les (1995)" if ware.number == 3 else f"{ware.title} (1995)"
        address = "http://us.imdb.com/M/title-exact?" + ware.title.replace(" ", "%20")
        cells = [ware.number + 1, title, "01-Jan-1995", "", address, *flags]
        items.append("|".join(map(str, cells)))
    items[-1] = f"{len(wares)}|unknown||||1|" + "|".join(["0"] * 18)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "u.data").write_text("".join(f"{line}\n" for line in rows), encoding="ascii")
    (folder / "u.item").write_text("".join(f"{line}\n" for line in items), encoding="latin-1")
    genres = "".join(f"{name}|{place}\n" for place, name in enumerate(ML100K_GENRES))
    (folder / "u.genre").write_text(genres + "\n", encoding="ascii")
    return [folder / "u.data", folder / "u.item"]


def write_book_crossing(folder: Path) -> list[Path]:
    """BX-CSV-Dump: semicolons, Latin-1, all in quotes, 0 for not rated, ISBNs with zeros in front and X, no times.

    One book's title has a backslash before a quote, one an entity, and some rows name books that are not listed.
    """
    rng = random.Random(23)
    wares, events = draw_wares(70, rng), draw_events(100, 70, rng)
    isbn = {w.number: f"0{195_000_000 + 137 * w.number:08d}"[:9] + ("X" if w.number % 11 == 0 else "5") for w in wares}
    ratings = ['"User-ID";"ISBN";"Book-Rating"']
    for place, event in enumerate(sorted(events, key=lambda event: event.user)):
        rating = 0 if rng.random() < 0.5 else rng.choice((8, 9, 10) if event.like else (3, 5, 6, 7))
        named = "0330299891" if place % 60 == 59 else isbn[event.item]
        ratings.append(f'"{276_725 + event.user}";"{named}";"{rating}"')
    header = "ISBN Book-Title Book-Author Year-Of-Publication Publisher Image-URL-S Image-URL-M Image-URL-L"
    books = [";".join(f'"{name}"' for name in header.split())]
    for ware in wares:
        title = {4: 'The \\"Real\\" Story', 5: "Salt &amp; Café"}.get(ware.number, ware.title)
        address = f"http://images.amazon.com/images/P/{isbn[ware.number]}.01.{{}}.jpg"
        images = [address.format(size) for size in ("THUMBZZZ", "MZZZZZZZ", "LZZZZZZZ")]
        author = f"Author {GENRES.index(ware.genres[0])}"
        cells = [isbn[ware.number], title, author, str(1990 + ware.number % 12), "Orchard", *images]
        books.append(";".join(f'"{cell}"' for cell in cells))
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("BX-Book-Ratings.csv", ratings), ("BX-Books.csv", books)):
        (folder / name).write_bytes("".join(f"{line}\r\n" for line in lines).encode("latin-1"))
    return [folder / "BX-Book-Ratings.csv", folder / "BX-Books.csv"]


def write_amazon_2023(folder: Path) -> list[Path]:
    """All_Beauty of Amazon Reviews 2023: JSON lines, milliseconds, `parent_asin`, HTML in texts, null prices."""
    rng = random.Random(24)
    wares, events = draw_wares(60, rng), draw_events(70, 60, rng)
    rows = [
        {
            "rating": float(rng.choice((5, 5, 4) if event.like else (1, 2, 3))),
            "title": "Five Stars" if event.like else "Not for me",
            "text": "It works.<br /><br />Would buy &#34;again&#34;.",
            "images": [],
            "asin": f"B0{event.item:07d}V",
            "parent_asin": f"B0{event.item:07d}P",
            "user_id": f"AG{event.user:03d}QZMXY",
            "timestamp": 1000 * event.seconds + rng.randrange(1000),
            "helpful_vote": 0,
            "verified_purchase": True,
        }
        for event in events
    ]
    rows.append(rows[-1])
    items = [
        {
            "main_category": "All Beauty",
            "title": f"{ware.title} &amp; <b>Co</b>" if ware.number % 7 == 0 else ware.title,
            "average_rating": 4.1,
            "rating_number": 10 + ware.number,
            "features": [],
            "description": ["<p>Soft.</p>", "Light."] if ware.number % 3 else [],
            "price": None if ware.number % 2 else 9.5,
            "images": [{"thumb": "https://m.media-amazon.com/x.jpg", "variant": "MAIN", "hi_res": None}],
            "videos": [],
            "store": "Orchard",
            "categories": ["Beauty", *ware.genres] if ware.number % 5 else [],
            "details": {"Brand": "Orchard", "Item Weight": "3 ounces"},
            "parent_asin": f"B0{ware.number:07d}P",
            "bought_together": None,
        }
        for ware in wares
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in (("All_Beauty.jsonl", rows), ("meta_All_Beauty.jsonl", items)):
        (folder / name).write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    return [folder / "All_Beauty.jsonl", folder / "meta_All_Beauty.jsonl"]


def write_amazon_2018(folder: Path) -> list[Path]:
    """Luxury_Beauty of Amazon Reviews 2018: 5-core and metadata as .json.gz, a line an object, titles with HTML.

    Some reviews lack `style` or `vote`, two stand twice, days stand as text beside seconds; of the metadata a line
    stands twice, one title is empty, one a piece of the shop's script, and every fourth product has no `category`.
    """
    rng = random.Random(25)
    wares, events = draw_wares(60, rng), draw_events(70, 60, rng)
    rows = []
    for event in events:
        row = {
            "overall": float(rng.choice((5, 5, 4) if event.like else (1, 2, 3))),
            "verified": True,
            "reviewTime": "03 1, 2018",
            "reviewerID": f"A{event.user:03d}ZZZ",
            "asin": f"B00{event.item:06d}A",
            "reviewerName": "Ann",
            "reviewText": "Nice",
            "summary": "Nice",
            "unixReviewTime": event.seconds,
        }
        if event.item % 4 == 0:
            row["style"] = {"Size:": " Large"}
        if event.item % 9 == 0:
            row["vote"] = "1,002"
        rows.append(row)
    rows += [rows[-1], rows[5]]
    items = [
        {
            "category": ["Beauty &amp; Personal Care", *ware.genres] if ware.number % 4 else [],
            "tech1": "",
            "description": ["<b>Soft</b>"],
            "title": "var aPageStart = (new Date()).getTime();\nvar ue_t0=ue_t0||+new Date();"
            if ware.number == 9
            else ""
            if ware.number == 11
            else f"{ware.title} &amp; more",
            "also_buy": [],
            "brand": "Orchard" if ware.number % 2 else "",
            "feature": [],
            "rank": "2,938,573 in Beauty",
            "main_cat": "Luxury Beauty",
            "price": "$30.00",
            "asin": f"B00{ware.number:06d}A",
        }
        for ware in wares
    ]
    items.append(items[3])
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in (("Luxury_Beauty_5.json.gz", rows), ("meta_Luxury_Beauty.json.gz", items)):
        text = "".join(f"{json.dumps(record)}\n" for record in records)
        (folder / name).write_bytes(gzip.compress(text.encode(), mtime=0))
    return [folder / "Luxury_Beauty_5.json.gz", folder / "meta_Luxury_Beauty.json.gz"]


WRITERS = {
    "movielens": write_movielens_latest_small,
    "lastfm": write_lastfm,
    "movielens-100k": write_movielens_100k,
    "book-crossing": write_book_crossing,
    "amazon-2023": write_amazon_2023,
    "amazon-2018": write_amazon_2018,
}
"""Name -> writer."""
