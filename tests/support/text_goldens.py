"""Small files as TensorFlow 2.21 and sentencepiece 0.2.3 wrote them, and what these packages read from them."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

INDEX = base64.b64decode(
    "AAAGCAEaAggBAB8TYmVydC9lbWJlZGRpbmdzL3dvcmRfZW1iZWRkaW5ncwgBEggSAggDEgIIAigYNXrmMyAGKBFuY29kZXIvbGF5ZXJfMC9h"
    "dHRlbnRpb24vc2VsZi9xdWVyeS9iaWFzCAESBBICCAIgGCgINUhlIcMqBhVrZXJuZWwIARIIEgIIAhICCAIgICgQNWbkPF8ADBVkZW5zZS9r"
    "ZXJuZWwIARIIEgIIAhICCAEgMCgINYpvLXIACw1nbG9iYWxfc3RlcAgJEgAgOCgINbvXnxEAAAAAAQAAAACURzRzAAAAAAEAAAAAwPKhsAAB"
    "A2gA3wEAAAAAAQAAAADeQ22R5AEI8QEPAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFf7gIskdUfb"
)
DATA = base64.b64decode("JQYBPgIrB74K1yM/PQrXPUw3Cb8QWLk+7nwfv57vJz156aY/mG5yP1g5NL+F66G/zcwUwIlBYL4HAAAAAAAAAA==")
VARIABLES = {
    "bert/embeddings/word_embeddings": [[0.126, -0.132], [0.64, 0.105], [-0.536, 0.362]],
    "bert/encoder/layer_0/attention/self/query/kernel": [[1.304, 0.947], [-0.704, -1.265]],
    "bert/encoder/layer_0/attention/self/query/bias": [-0.623, 0.041],
    "dense/kernel": [[-2.325], [-0.219]],
    "global_step": 7,
}

PIECES = (
    "eNpN0j9M1FAcB/C2cFKfd/y58NWTmBMXCYs3KAkmalCCCJKoITFRYki5vrT12mtpX6l3kw4mjk5MmKiDCy7OLjVhcHTTBQZ3F5wN"
    "vt6Pd+Et/Xx//b28P3lsmJVuRJZ9C5octQFW5LTdOs5GkdfmV1afnfi/trrwsJ8r7NTv7VfC5bj82siPo9W2cbBTz2X3kIwboSXw"
    "hc2p7MS8g2u7t3N2hg0W7fgwdydno+y0DC3OIx7j8/CCag+3ZH43e1flFo8Emt6iyokfZtgp8ggzZc4sISdMP+8XEjeMOf6+v6dm"
    "NK2Ao3tzSTVsph4XmN/vFzLX8zkWiwLtKhFhHCQYPZCVMisVh+pgqrvcXyKwfB/1vfvqChJu4aOzolbMeFtgZvJRzkymbyL996Sn"
    "JmpHpC181Z72lGLdIDkwBkk2PpVIEZaGSC38MUkdvGWkDVwtkzz8rJDa6I6QAtTHSBm+VUk++DgphHmWFGP3HMnFg/OkBIcTJAvb"
    "F0gC1+skjv2LUowNyLPi5SXpcVaR9j3HFW6YJrxXrT5mYw0RRI0kWu9d2RXxQlTLquSEvl3TJxuHOj264ls8tjeGlhv6d+NIDf3H"
    "Cf8ytIkyMz1b3rEnOlXtPwtT4Us="
)
"""A unigram model of 60 pieces at most, trained on random word strings; zlib, then base64."""
ENCODED = {
    "the slow sea": [4, 12, 21],
    "  a  quiet   storm ": [8, 16, 45, 41, 43, 38, 39, 35],
    "boat [CLS] shore": [6, 45, 1, 14],
    "xyz ?! the sea": [45, 1, 31, 1, 45, 1, 4, 21],
    "": [],
    "Ünïcode über water": [45, 1, 34, 1, 24, 38, 28, 44, 45, 1, 32, 44, 39, 13],
}


def write_bundle(folder: Path) -> Path:
    """The checkpoint's files; returns the prefix of their names."""
    (folder / "variables.index").write_bytes(INDEX)
    (folder / "variables.data-00000-of-00001").write_bytes(DATA)
    return folder / "variables"


def write_pieces(path: Path) -> Path:
    """The SentencePiece model."""
    path.write_bytes(zlib.decompress(base64.b64decode(PIECES)))
    return path
