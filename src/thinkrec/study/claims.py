"""Who works on a run: a numbered file with a heartbeat, in a folder that several machines may share; no server.

The claim with the highest number counts. It is held while its file is touched every `BEAT` seconds; one that was not
touched for `DEAD_AFTER` seconds, that was let go of, or whose process on this machine is gone, is followed by the next
number, which only one process can create. A process that was asleep for so long sees the higher number and stops.
Times are those of the file system, so that clocks of machines need not agree.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thinkrec.io.files import write_json

BEAT = 10.0
"""Seconds between two touches."""
DEAD_AFTER = 120.0
"""Seconds without a touch after which a claim counts as that of a dead machine."""
CLAIMS = "claims"
"""The folder of these files inside a run's."""


@dataclass(frozen=True)
class Claim:
    """A claim that this process holds."""

    path: Path
    _released: threading.Event = field(default_factory=threading.Event)

    def refresh_heartbeat(self) -> bool:
        """Say that this process is alive; False where another one has taken over."""
        try:
            os.utime(self.path)
        except FileNotFoundError:
            return False
        return _list_claims(self.path.parent)[-1] == self.path

    def keep_heartbeat(self, give_up: Callable[[], object]) -> None:
        """Touch it from now on, in a thread of its own; `give_up` is called where another one has taken over."""

        def touch_file() -> None:
            while not self._released.wait(BEAT):
                if not self.refresh_heartbeat():
                    give_up()
                    return

        threading.Thread(target=touch_file, name="thinkrec-heartbeat", daemon=True).start()

    def release(self) -> None:
        """Let go of it; whoever comes next need not wait."""
        self._released.set()
        if self.path.is_file():
            write_json(self.path, {**_describe_holder(), "released": True})


def take_claim(folder: Path, *, dead_after: float = DEAD_AFTER) -> Claim | None:
    """Claim the run in `folder` for this process; None where another one holds it, or was faster."""
    place = folder / CLAIMS
    place.mkdir(parents=True, exist_ok=True)
    if find_holder(folder, dead_after=dead_after) is not None:
        return None
    earlier = _list_claims(place)
    number = int(earlier[-1].stem) + 1 if earlier else 1
    path = place / f"{number:06d}.json"
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(_describe_holder(), file)
    except FileExistsError:
        return None
    if _list_claims(place)[-1] != path:
        path.unlink(missing_ok=True)  # the number was free again because somebody is further on by now
        return None
    for old in earlier:
        old.unlink(missing_ok=True)
    return Claim(path)


def find_holder(folder: Path, *, dead_after: float = DEAD_AFTER) -> str | None:
    """Who works on the run in `folder`, in words; None where nobody does, as far as can be seen."""
    claims = _list_claims(folder / CLAIMS)
    if not claims:
        return None
    try:
        age = _read_file_system_time(folder / CLAIMS) - claims[-1].stat().st_mtime
    except FileNotFoundError:
        return None
    holder = _read_holder(claims[-1])
    if holder.get("released") or age > dead_after or _has_ended_here(holder):
        return None
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"


def _list_claims(place: Path) -> list[Path]:
    return sorted(path for path in place.glob("*.json") if path.stem.isdecimal())


def _read_holder(path: Path) -> dict[str, Any]:
    """What a claim says; empty where it was created just now and holds nothing yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_file_system_time(place: Path) -> float:
    probe = place / f"now.{os.getpid()}.tmp"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _describe_holder() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": socket.gethostname(), "machine": _describe_machine(), "pid": pid, "began": _read_process_start(pid)}


def _describe_machine() -> str | None:
    """This boot of this machine, and which of its process numbers can be seen; None where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _read_process_start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where there is none of this number, or it is over."""
    try:
        # The name in brackets may hold spaces; behind it come the state, and the start as the 20th value.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _has_ended_here(holder: dict[str, Any], read_start: Callable[[int], str | None] = _read_process_start) -> bool:
    """Whether a claim is that of a process of this machine that is not there any more."""
    machine = holder.get("machine")
    return machine is not None and machine == _describe_machine() and read_start(holder["pid"]) != holder["began"]
