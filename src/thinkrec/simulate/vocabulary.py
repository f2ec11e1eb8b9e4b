"""Words from which simulated catalogues are made: genres, themes, tones, receptions, titles, names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


GENRES = _split_words("""
Action, Adventure, Animation, Biography, Children's, Comedy, Crime, Documentary, Drama, Fable, Family, Fantasy, Farce,
Film-Noir, Gothic, Heist, History, Horror, Legal, Martial Arts, Melodrama, Musical, Mystery, Myth, Nature, Opera,
Parody, Poetry, Romance, Saga, Satire, Sci-Fi, Screwball, Short, Slapstick, Sports, Spy, Superhero, Supernatural,
Surreal, Swashbuckler, Thriller, Tragedy, Travel, War, Western
""")
THEMES = _split_words("""
addiction, aliens, ambition, amnesia, ancient rome, animals, apocalypse, art, baseball, betrayal, blackmail, boarding
school, boats, boxing, brothers, bureaucracy, cars, castles, chess, childhood, christmas, circus, class divide, codes,
cold war, college, coming of age, computers, conspiracy, cooking, corruption, courtroom, cowboys, cults, dance,
detectives, diaries, dinosaurs, disguise, divorce, doctors, dogs, dragons, dreams, dynasties, elections, elephants,
escape, espionage, exile, explorers, factories, faith, fame, family secrets, farming, fashion, fathers, feuds, fire,
fishing, football, forgery, friendship, gambling, gangsters, gardens, ghosts, gold rush, grief, growing old, guilt,
haunted house, high school, holidays, honour, horses, hospital, hotels, hunting, identity, immigrants, inheritance,
inventors, islands, jazz, jealousy, journalism, jungle, justice, kidnapping, knights, lawyers, letters, lighthouses,
loneliness, lost love, loyalty, magic, marriage, mathematics, memory, mining, mistaken identity, money, monsters,
mothers, mountains, murder, museums, music, mutiny, neighbours, new york, office life, old age, orchestras, orphans,
painting, parenthood, paris, pirates, plague, police, politics, prison, prophecy, racing, railways, rebellion,
reincarnation, religion, rescue, revenge, rivalry, road trip, robots, royalty, sailors, salesmen, samurai, school,
science, sea, secret agents, shipwreck, siblings, sisters, slavery, small town, snow, soldiers, space, spies, storms,
submarines, suburbia, survival, swords, teachers, technology, teenagers, temptation, terrorism, theatre, time travel,
trains, treasure, trials, twins, undercover, unemployment, vampires, village life, volcanoes, wagers, weddings, whales,
wilderness, winter, witches, wolves, writers, zombies
""")
TONES = _split_words("""
absurd, bitter, bleak, bold, breezy, brooding, brutal, calm, charming, chilling, clever, cold, cosy, cynical, dark,
deadpan, delicate, dense, dreamlike, dry, earnest, eerie, elegant, epic, fierce, fiery, gentle, gloomy, grand, gritty,
hopeful, intimate, ironic, joyful, lavish, lean, light, lyrical, melancholy, nervous, noisy, nostalgic, offbeat,
playful, quiet, raw, restless, romantic, sentimental, sharp, silly, slow, solemn, stylish, subtle, suspenseful, sweet,
tender, tense, uneasy, warm, whimsical, wild, wistful, witty
""")
RECEPTIONS: tuple[tuple[str, ...], ...] = (
    ("widely panned", "a famous failure", "roundly mocked"),
    ("poorly received", "a disappointment", "weak notices"),
    ("mixed reception", "divided opinion", "little known"),
    ("well liked", "good notices", "a steady favourite"),
    ("widely acclaimed", "highly praised", "all-time classic"),
)
"""From the worst to the best received fifth of a catalogue."""

ADJECTIVES = _split_words("""
Amber, Ancient, Bitter, Blue, Borrowed, Bright, Broken, Burning, Careless, Clever, Cold, Crimson, Crooked, Crystal,
Distant, Divided, Double, Dusty, Electric, Empty, Endless, Faithful, Fallen, False, Final, First, Floating, Forgotten,
Fragile, Frozen, Gilded, Glass, Golden, Hidden, Hollow, Honest, Hungry, Invisible, Iron, Last, Little, Lonely, Long,
Lost, Lucky, Midnight, Missing, Modest, Northern, Old, Open, Painted, Pale, Paper, Patient, Perfect, Private, Quiet,
Reckless, Red, Restless, Sacred, Scarlet, Second, Secret, Seventh, Silent, Silver, Sleeping, Small, Southern, Stolen,
Stubborn, Sudden, Sunken, Tender, Third, Twisted, Unfinished, Velvet, Wandering, White, Wicked, Winter, Wooden, Yellow
""")
NOUNS = _split_words("""
Affair, Alibi, Anchor, Angel, Answer, Archive, Arrow, Balcony, Ballad, Bargain, Bell, Bishop, Bridge, Candle, Captain,
Caravan, Castle, Cathedral, Circle, Clock, Colony, Compass, Corner, Crown, Current, Curtain, Daughter, Debt, Detour,
Diamond, Door, Echo, Empire, Engine, Errand, Falcon, Feast, Ferry, Fever, Fiddler, Field, Forest, Fortune, Fountain,
Fox, Garden, Gate, Ghost, Guest, Harbour, Harvest, Heart, Heir, Horizon, Hour, House, Hunter, Island, Journey, Judge,
Key, King, Kingdom, Ladder, Lagoon, Lantern, Letter, Library, Line, Lion, Machine, Map, Market, Mask, Meadow, Messenger,
Mill, Mirror, Moon, Mountain, Museum, Night, Note, Oath, Ocean, Orchard, Palace, Parade, Passage, Peacock, Pilgrim,
Portrait, Promise, Puzzle, Queen, Rain, Raven, Refuge, Return, Riddle, River, Road, Rose, Sailor, Scholar, Season,
Shadow, Shore, Signal, Smile, Soldier, Song, Sparrow, Stage, Star, Station, Stone, Storm, Stranger, Summer, Sunday,
Tailor, Thief, Thread, Throne, Tide, Tiger, Tower, Train, Valley, Verdict, Village, Voyage, Waltz, Watch, Wedding, Well,
Whisper, Widow, Window, Wolf, Year
""")
PLACES = _split_words("""
Aldermoor, Belcourt, Brackwater, Caldra, Cormaine, Dunmere, Eastvale, Farrow, Gallenport, Greywick, Halden, Harrowgate,
Ivory Bay, Kestrel Point, Lanmoor, Lorn, Marrowby, Mirren, Norwood, Oldcastle, Ostrava Street, Pembrook, Quill Hill,
Ravenna, Saint Orrin, Silverlake, Tamsin, Thornfield, Umber, Valmont, Westerly, Wexcombe, Yarrow, Zephyr Cove
""")
FIRST_NAMES = _split_words("""
Ada, Alma, Anton, Bela, Boris, Carla, Clement, Dora, Edgar, Elsa, Felix, Greta, Hugo, Ines, Ivan, Jonas, Klara, Leon,
Lydia, Magda, Marius, Nadia, Nils, Olga, Oscar, Petra, Rafael, Rosa, Samir, Selma, Tomas, Ursula, Viktor, Wanda, Yusuf,
Zelda
""")
LAST_NAMES = _split_words("""
Abelard, Barrow, Castell, Delacroy, Ekman, Farkas, Gallo, Haldane, Ibarra, Janik, Keller, Lindqvist, Marchetti, Novak,
Okafor, Pell, Quist, Rossetti, Sandoval, Tanaka, Ulrich, Varga, Whitlock, Yilmaz, Zoric
""")


@dataclass(frozen=True)
class CatalogueVocabulary:
    """Pools of words a catalogue draws from. Pre-training swaps in others, so that no word means a taste by itself."""

    genres: tuple[str, ...] = GENRES
    themes: tuple[str, ...] = THEMES
    tones: tuple[str, ...] = TONES


def invent_titles(n: int, rng: np.random.Generator) -> list[str]:
    """`n` different readable titles, each with a year: "The Silent Harbour (1987)"."""
    titles: list[str] = []
    taken: set[str] = set()

    def pick(pool: tuple[str, ...]) -> str:
        return pool[rng.integers(len(pool))]

    while len(titles) < n:
        shape = rng.integers(8)
        if shape <= 2:
            name = f"The {pick(ADJECTIVES)} {pick(NOUNS)}"
        elif shape == 3:
            name = f"{pick(ADJECTIVES)} {pick(NOUNS)}"
        elif shape == 4:
            name = f"The {pick(NOUNS)} of {pick(PLACES)}"
        elif shape == 5:
            name = f"{pick(FIRST_NAMES)} and the {pick(NOUNS)}"
        elif shape == 6:
            name = f"{pick(FIRST_NAMES)} {pick(LAST_NAMES)}"
        else:
            name = f"{pick(NOUNS)} in {pick(PLACES)}"
        if name in taken:
            continue
        taken.add(name)
        titles.append(f"{name} ({rng.integers(1931, 2024)})")
    return titles


def invent_names(n: int, rng: np.random.Generator) -> list[str]:
    """`n` creators; names may repeat only where the pools are exhausted."""
    all_names = [f"{a} {b}" for a in FIRST_NAMES for b in LAST_NAMES]
    return [all_names[i] for i in rng.choice(len(all_names), size=n, replace=n > len(all_names))]
