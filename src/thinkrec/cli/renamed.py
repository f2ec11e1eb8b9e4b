"""Commands and options that were called otherwise once: each is refused with the command to type instead."""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS = {"reason": "reasons synthesize", "explain-rows": "reasons write"}
"""A command -> what it is called now."""
OPTIONS = {
    ("reasons write", "--cite"): "--citation-policy",
    ("reasons synthesize", "--choose"): "--selection",
    ("reasons synthesize", "--attempts"): "--max-attempts",
}
"""(command, option) -> what the option is called now."""
EVALUATIONS = (
    "ranking",
    "text",
    "grounding",
    "faithfulness",
    "decoding",
    "thinking",
    "ceiling",
    "personality",
    "new-items",
    "new-users",
    "transfer",
    "slices",
    "calibration",
    "groups",
    "catalogue",
)


def find_new_name(typed: Sequence[str]) -> str | None:
    """What to type instead of the words behind `thinkrec`, as one sentence; None where nothing was renamed."""
    words = list(typed)
    if not words:
        return None
    if words[0] in COMMANDS:
        return f"`thinkrec {words[0]}` is now `thinkrec {COMMANDS[words[0]]}`"
    if words[0] == "evaluate":
        return _find_evaluation(words[1:])
    for (command, option), new in OPTIONS.items():
        if " ".join(words[:2]) == command and any(word.partition("=")[0] == option for word in words[2:]):
            return f"option {option} of `thinkrec {command}` is now {new}"
    return None


def _find_evaluation(words: Sequence[str]) -> str | None:
    """`thinkrec evaluate TABLE --text` and its like: one command with three jobs is three commands now."""
    if not words or words[0] in (*EVALUATIONS, "--help"):
        return None
    asked = [f"--{name}" for name in ("text", "grounding") if f"--{name}" in words]
    job = asked[0].removeprefix("--") if asked else "ranking"
    both = " --grounding" if len(asked) == 2 else ""
    old = " ".join(["thinkrec evaluate TABLE", *asked])
    return f"`{old}` is now `thinkrec evaluate {job} TABLE{both}`"
