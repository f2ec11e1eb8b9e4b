"""Small files in the formats that public data sets come in, quirks included; the contents are drawn, not copied."""

from __future__ import annotations

import json
import random
from pathlib import Path

N_USERS, N_ITEMS, N_ROWS = 40, 30, 12
"""Users, items, and rows of each user."""


def draw_rows(seed: int = 0) -> list[tuple[int, int, int, int]]:
    """(user, item, like, seconds): the first ten rows of a user come early, two late; odd users like odd items."""
    rng, rows = random.Random(seed), []
    for user in range(N_USERS):
        for place, item in enumerate(rng.sample(range(N_ITEMS), N_ROWS)):
            like = int((user + item) % 2 == 0) if rng.random() < 0.9 else int(rng.random() < 0.5)
            rows.append((user, item, like, 978_300_760 + place * 5_000_000 + rng.randrange(4_000_000)))
    return rows


def write_book_crossing(folder: Path) -> tuple[Path, Path]:
    """Semicolons, quotes with backslashes, Latin-1, rating 0 for none, books that the other table lacks."""
    ratings, books = folder / "BX-Book-Ratings.csv", folder / "BX_Books.csv"
    rng, lines = random.Random(1), ['"User-ID";"ISBN";"Book-Rating";"Date"']
    for place, (user, item, like, seconds) in enumerate(draw_rows()):
        rating = 0 if place % 9 == 8 else rng.choice((8, 9, 10) if like else (2, 5, 6))
        day = f"{2001 + (seconds - 978_300_760) // 31_536_000}-{1 + seconds // 2_592_000 % 12:02d}-{1 + item % 28:02d}"
        isbn = f"9{item:08d}X" if place % 50 != 49 else "0000000000"
        lines.append(f'"{276_700 + user}";"{isbn}";"{rating}";"{day}"')
    ratings.write_bytes("\r\n".join([*lines, ""]).encode("latin-1"))
    wares = ['"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Image-URL-S"']
    for item in range(N_ITEMS):
        title = f'Der grüne Hügel {item}; ein \\"Roman\\" &amp; mehr'
        wares.append(f'"9{item:08d}X";"{title}";"Autor {item % 5}";"{1990 + item}";"http://images.example/{item}.jpg"')
    books.write_bytes("\r\n".join([*wares, ""]).encode("latin-1"))
    return ratings, books


def write_double_colons(folder: Path) -> tuple[Path, Path]:
    """`::` between fields, no header, names that end with .dat, Latin-1, genres with bars."""
    ratings, movies = folder / "ratings.dat", folder / "movies.dat"
    rows = [f"{user + 1}::{item + 1}::{5 if like else 2}::{seconds}" for user, item, like, seconds in draw_rows()]
    ratings.write_text("\n".join(rows) + "\n", encoding="ascii")
    wares = [
        f"{item + 1}::Été {item}, The ({1960 + item})::{'Drama|Comedy' if item % 2 else 'Action|War'}"
        for item in range(N_ITEMS)
    ]
    movies.write_text("\n".join(wares) + "\n", encoding="latin-1")
    return ratings, movies


def write_json_lines(folder: Path) -> tuple[Path, Path]:
    """One object a line, times in milliseconds, titles with HTML, categories as lists, a line that was cut off."""
    reviews, meta = folder / "reviews.jsonl", folder / "meta.jsonl"
    rows = [
        {
            "rating": 5.0 if like else 1.0,
            "title": "Nice",
            "text": "It <br /> works",
            "asin": f"B{item:09d}",
            "user_id": f"AG{user:03d}",
            "timestamp": 1000 * seconds + 7,
        }
        for user, item, like, seconds in draw_rows()
    ]
    reviews.write_text("\n".join(map(json.dumps, rows)) + '\n{"rating": 5.0, "tit\n', encoding="utf-8")
    wares = [
        {
            "parent_asin": f"B{item:09d}",
            "title": f"Tom &amp; Jerry <b>Set {item}</b>",
            "categories": ["Toys", "Odd" if item % 2 else "Even"],
            "price": None,
        }
        for item in range(N_ITEMS)
    ]
    meta.write_text("\n".join(map(json.dumps, wares)) + "\n", encoding="utf-8")
    return reviews, meta
