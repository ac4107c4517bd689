"""How functions are compiled, and where the result is kept: once per machine and version of the code."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba
from numba import njit
from numba.core import config

logger = logging.getLogger(__name__)

# Set in the process that compiles for all others.
COMPILING = "PMA_MMM_COMPILING"
# Functions of these files call each other: numba would keep one that has an older version of another inside.
_FILES = (
    "media/compiled.py",
    "media/elementary.py",
    "media/kernels.py",
    "media/transforms.py",
    "mmm/density.py",
    "mmm/lift_density.py",
    "mmm/log_prior.py",
    "mmm/ridge.py",
    "planning/curves.py",
)
# What calls everything once.
_WARM = ("pma.mmm.warm", "pma.planning.warm")


def cache_folder(package: Path = Path(__file__).parents[1]) -> Path:
    """Return the folder of compiled functions, in the user's cache: of pma's code, this processor, numba's version.

    Where that cannot be written, a folder of the user's own in the temporary one. Of this code: numba takes a file
    that lies elsewhere, or was written at another time, for another one, so these decide too.
    """
    digest = hashlib.sha256(f"{numba.__version__} {llvm.get_host_cpu_name()}".encode())
    for file in (package / name for name in _FILES):
        digest.update(f"{file} {file.stat().st_mtime_ns}".encode())
        digest.update(file.read_bytes())
    name = f"pma-numba-{digest.hexdigest()[:12]}"
    places = (Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser(), Path(tempfile.gettempdir()))
    for place in places:
        folder = place / (name if place == places[0] else f"{name}-{os.getuid()}")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        # What lies there is run: nobody else may have put it there.
        if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix=name))


_FOLDER = getattr(config, "CACHE_DIR", "") or str(cache_folder())
setattr(config, "CACHE_DIR", _FOLDER)  # noqa: B010

# Sums may be taken in another order, for vector instructions; the compiler may not assume that all is finite.
jit = njit(cache=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
# For what must be computed as it is written; without saying so, it would take over the licence of what calls it.
exact_jit = njit(cache=True, fastmath=False, error_model="numpy")


def compile_once(folder: Path) -> None:
    """Let one process of its own compile everything, once per machine, so that all others load the same code.

    What a process compiles itself differs from what it would load in the last digits: functions that are compiled
    together are merged, loaded ones are not. Workers that race to compile would not give equal fits.
    """
    done = folder / "compiled"
    if os.environ.get(COMPILING) or done.exists():
        return
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        logger.info("media mix model and plans are compiled, once on this machine: about half a minute")
        root = str(Path(__file__).parents[2])
        paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, COMPILING: "1", "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(folder)}
        for module in _WARM:
            ended = subprocess.run(
                [sys.executable, "-m", module], env=environment, capture_output=True, text=True, check=False
            )
            if ended.returncode:
                logger.warning(
                    "%s could not compile beforehand, each worker compiles: fits may differ in their last digits. %s",
                    module,
                    ended.stderr[-500:],
                )
                return
        done.touch()


compile_once(Path(_FOLDER))
