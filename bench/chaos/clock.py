"""A wall clock that can be set wrong for chosen processes, by a small library made with the machine's C compiler."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path


class Clock:
    """The wall clock of the processes that are started with its environment; true until it is shifted."""

    def __init__(self, *, can_jump: bool = False) -> None:
        self.env: dict[str, str] = {}
        if can_jump:
            self._make()

    def _make(self) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise RuntimeError("a C compiler is needed to let clocks jump")
        # Where servers that do not run as root can read it too.
        folder = Path(tempfile.mkdtemp(prefix="chaos-clock-"))
        folder.chmod(0o755)
        library, shift = folder / "clock.so", folder / "shift"
        source = Path(__file__).with_name("clock.c")
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
        shift.write_bytes(struct.pack("q", 0))
        shift.chmod(0o644)
        with shift.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 8)
        self._folder = folder
        self.env = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(shift)}

    def shift(self, seconds: int) -> None:
        """Let the clock be wrong by so many seconds from now on."""
        self._page[:8] = struct.pack("q", seconds)

    def close(self) -> None:
        """Forget the library."""
        if self.env:
            shutil.rmtree(self._folder, ignore_errors=True)
