"""The marks with which models set their reasoning apart from the answer, as vendors and chat templates write them.

| written by | opens | closes |
|---|---|---|
| DeepSeek, Qwen, GLM, MiniMax and most others | `<think>`, `<thinking>`, `<vendor:think>` | `</think>` ... |
| Gemini's compatible endpoint, Exaone | `<thought>` | `</thought>` |
| prompts and distilled models | `<reasoning>`, `<scratchpad>`, `<analysis>`, `<reflection>` | `</reasoning>` ... |
| Mistral | `[THINK]` | `[/THINK]` |
| Kimi | `◁think▷` | `◁/think▷` |
| Sky-T1, OpenThinker | `<|begin_of_thought|>` | `<|end_of_thought|>` |
| Cohere | `<|START_THINKING|>` | `<|END_THINKING|>` |
| Apertus | `<|inner_prefix|>` | `<|inner_suffix|>` |
| gpt-oss (harmony) | `<|channel|>analysis<|message|>` | `<|channel|>final<|message|>` |
| Gemma, MedGemma | `<|channel>thought`, `<unused94>thought` | `<channel|>`, `<unused95>` |

Servers that drop special tokens leave "analysis...assistantfinal..." of the harmony form.
"""

from __future__ import annotations

import re

_NAME = (
    r"(?:[\w-]+[:_])?(?:think|thinking|thoughts?|reasoning|scratchpad|analysis|reflection|(?:inner_?)?monologue|"
    r"antthinking)"
)
_BRACKET = r"(?:THINK|THINKING|REASONING|THOUGHT)"
_WORD = r"(?:thoughts?|think|thinking|reasoning)"
_BAR = r"[|｜]"
_GAP = r"[_▁ ]?"

OPEN = re.compile(
    rf"<{_NAME}(?:\s[^<>]*)?>|\[(?-i:{_BRACKET})\]|◁think(?:ing)?▷"
    rf"|<{_BAR}(?:begin|start){_GAP}(?:of{_GAP})?{_WORD}{_BAR}>|<{_BAR}(?:{_WORD}|inner_prefix){_BAR}>"
    r"|(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?!final\b)\w+[^<>]{0,60}(?:<\|constrain\|>\w+)?<\|message\|>"
    r"|\A\s*(?:analysis|commentary)\s*<\|message\|>"
    r"|<\|channel>\s*thought\b|<unused94>\s*(?:thought\b)?",
    re.IGNORECASE,
)
"""Here reasoning begins."""
CLOSE = re.compile(
    rf"</{_NAME}\s*>|\[/(?-i:{_BRACKET})\]|◁/think(?:ing)?▷"
    rf"|<{_BAR}end{_GAP}(?:of{_GAP})?{_WORD}{_BAR}>|<{_BAR}(?:/{_WORD}|inner_suffix){_BAR}>"
    r"|(?:<\|end\|>\s*)?(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*final\b[^<>]{0,60}<\|message\|>"
    r"|\A\s*final\s*<\|message\|>"
    r"|<channel\|>|<unused95>",
    re.IGNORECASE,
)
"""Here the answer begins."""

_TAG = r"</?(?:answer|response|final|final_?answer|output|solution)>"
_TURN = (
    r"<\|(?:start\|>\s*assistant|end|return|call|message|im_end|im_start\|>\s*assistant|eot_id|end_of_text|endoftext|"
    r"(?:begin|end)_of_solution|start_response|end_response|end_of_turn_token)\|?>|<(?:end|start)_of_turn>|</s>"
)
_FRAME = rf"(?:{_TAG}|{_TURN})"
_FRAMED = re.compile(rf"\A(?:\s*{_FRAME})+|(?:{_FRAME}\s*)+\Z", re.IGNORECASE)
_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)
_FENCED_THOUGHT = re.compile(
    r"^```(?:think|thinking|thought|reasoning)[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE | re.IGNORECASE
)
_BARE_HARMONY = re.compile(r"\A\s*analysis(?=[\W_A-Z])(.*?)assistant\s*final(?=[\W_A-Z])(.*)\Z", re.DOTALL)
_BARE_ANALYSIS = re.compile(r"\A\s*analysis(?=[A-Z])")
_IN_WORDS = re.compile(
    r"\A\s*Here(?:'s| is) my (?:thought process|thinking|reasoning):(.*?)Here(?:'s| is) my (?:response|answer):(.*)\Z",
    re.DOTALL | re.IGNORECASE,
)


def insert_think_tags(text: str) -> str:
    """The same text where forms that no single mark delimits (fences, bare harmony, words) have `<think>` marks."""
    text = _FENCED_THOUGHT.sub(lambda m: f"<think>{m.group(1)}</think>", text)
    for form in (_BARE_HARMONY, _IN_WORDS):
        text = form.sub(lambda m: f"<think>{m.group(1)}</think>{m.group(2)}", text)
    return _BARE_ANALYSIS.sub("<think>", text)


def strip_answer_wrapping(text: str) -> str:
    """The text without what stands around an answer: <answer> tags, ends of turns, a code fence over all of it.

    >>> strip_answer_wrapping("<answer>Yes. It fits.</answer><|im_end|>")
    'Yes. It fits.'
    """
    text = _FRAMED.sub("", text).strip()
    fenced = _FENCE.match(text)
    return _FRAMED.sub("", fenced.group(1)).strip() if fenced and "```" not in fenced.group(1) else text


def is_reasoning_marker(token: str) -> bool:
    """Whether a special token of a tokenizer takes part in setting reasoning apart, so that it has to stay readable."""
    channel_tokens = ("<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|channel>", "<channel|>", "<unused94>")
    return token in channel_tokens or bool(OPEN.fullmatch(token) or CLOSE.fullmatch(token))
