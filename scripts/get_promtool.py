"""Puts Prometheus' own promtool beside the Python that runs this, where Debian's package manager can bring it: a test asks it.

python scripts/get_promtool.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(sys.executable).with_name("promtool")


def main() -> int:
    """0 where promtool is there; 1 where it cannot be had."""
    if TARGET.exists() or shutil.which("promtool"):
        return 0
    if not all(shutil.which(tool) for tool in ("apt-get", "dpkg-deb")):
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for command in (["apt-get", "update", "-qq"], ["apt-get", "download", "-qq", "prometheus"]):
            subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        package = next(Path(folder).glob("prometheus_*.deb"), None)
        if package is None:
            return 1
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
        shutil.copy(Path(folder) / "usr" / "bin" / "promtool", TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
