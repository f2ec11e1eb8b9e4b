"""WordNet 3.0 for METEOR, from the dictionary files of any source.

nltk wants a folder on its data path that only its owner can write to, with a file `lexnames`; Debian's wordnet-base
has the dictionary without that file, in /usr/share/wordnet. So the files are copied to a private temporary folder
beside the missing one, nltk is shown the folder while it opens them, and both the folder and its entry in nltk's data
path are gone again when this returns.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

from thinkrec.errors import DataError, ThinkRecError

INSTALL = "apt-get install wordnet-base"
"""The line that installs the dictionary on Debian and Ubuntu."""
VERSION = "3.0"
_PLACES = (Path("/usr/share/wordnet"), Path("/usr/local/share/wordnet"), Path("/usr/local/WordNet-3.0/dict"))
_KINDS = ("noun", "verb", "adj", "adv")
_FILES = tuple(f"{part}.{kind}" for part in ("index", "data") for kind in _KINDS) + tuple(f"{k}.exc" for k in _KINDS)
_LEXICAL = """adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body
noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object
noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state
noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition verb.consumption
verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social verb.stative
verb.weather adj.ppl"""
"""The names of WordNet's lexicographer files by their numbers 0 to 44 (WordNet's manual page lexnames(5))."""
_KNOWN = (("n", "film"), ("v", "be"), ("a", "good"), ("r", "well"))
_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}


def find_wordnet() -> Path | None:
    """A folder with the dictionary files at one of the usual places, or None."""
    return next((folder for folder in _PLACES if not _find_missing_files(folder)), None)


def open_wordnet(folder: Path) -> Any:
    """Reader (nltk's) of the dictionary files in `folder`; takes about two seconds.

    Raises DataError if files are missing or of another version, ThinkRecError if nltk is not installed.
    """
    lacking = _find_missing_files(folder)
    if lacking:
        raise DataError(f"{folder}: no WordNet dictionary, {lacking[0]} is missing; give its folder, or run: {INSTALL}")
    _check_version(folder)
    nltk = require_nltk()
    # Private folders and files, or nltk refuses to read from them; `corpora/wordnet` is where it looks by itself.
    with tempfile.TemporaryDirectory(prefix="thinkrec-wordnet-", ignore_cleanup_errors=True) as temporary:
        base = Path(temporary).resolve()
        root = base / "corpora" / "wordnet"
        for private in (root.parent, root):
            private.mkdir(mode=0o700)
        for name in _FILES:
            shutil.copyfile(folder / name, root / name)
        (root / "lexnames").write_text(format_lexnames(), encoding="ascii")
        (root / "index.sense").touch()  # only for mapping between versions, which nothing here asks for
        for path in root.iterdir():
            path.chmod(0o600)
        nltk.data.path.insert(0, str(base))
        try:
            return _read_dictionary(nltk, root, folder)
        finally:
            nltk.data.path.remove(str(base))


def format_lexnames() -> str:
    """Text of the file `lexnames`: number, name, and number of the part of speech."""
    names = _LEXICAL.split()
    return "".join(f"{number:02d}\t{name}\t{_NUMBERS[name.split('.')[0]]}\n" for number, name in enumerate(names))


def require_nltk() -> Any:
    """Import nltk with what METEOR needs. Raises ThinkRecError naming the install line."""
    try:
        import nltk
        import nltk.data
        import nltk.translate.meteor_score
    except ImportError as error:
        raise ThinkRecError('METEOR needs nltk; run: pip install "thinkrec[text]"') from error
    return nltk


def _read_dictionary(nltk: Any, root: Path, folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that other languages are not there
        try:
            reader = nltk.corpus.reader.WordNetCorpusReader(str(root), None)
            # One word of each kind, so that all files are open before the folder goes.
            lacking = [word for kind, word in _KNOWN if not reader.synsets(word, pos=kind)]
        except (ValueError, AssertionError, LookupError, StopIteration, nltk.corpus.reader.WordNetError) as error:
            raise DataError(f"{folder}: the WordNet dictionary cannot be read ({error}); install it again") from error
    if lacking:
        raise DataError(f"{folder}: the WordNet dictionary does not know {lacking[0]!r}; install it again")
    return reader


def _check_version(folder: Path) -> None:
    with (folder / "data.noun").open("rb") as file:
        version_line = re.search(rb"Word[Nn]et (\S+) Copyright", file.read(4096))
    if version_line is None or version_line[1].decode() != VERSION:
        version = "an unknown version" if version_line is None else f"WordNet {version_line[1].decode()}"
        raise DataError(f"{folder}: holds {version}, and METEOR is counted here with {VERSION}; run: {INSTALL}")


def _find_missing_files(folder: Path) -> list[str]:
    return [name for name in _FILES if not (folder / name).is_file()]
