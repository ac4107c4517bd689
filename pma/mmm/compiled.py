"""How functions are compiled, and where the result is kept: once per machine and version of the code."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numba
from numba import njit
from numba.core import config

# Functions of these files call each other: numba would keep one that has an older version of another inside.
_FILES = ("compiled.py", "density.py", "log_prior.py", "ridge.py", "transforms.py")


def cache_folder() -> Path:
    """Return the folder of compiled functions: of this code and numba's version, in the user's cache.

    Where that cannot be written, a folder of the user's own in the temporary one.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for name in _FILES:
        digest.update((Path(__file__).parent / name).read_bytes())
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


if not getattr(config, "CACHE_DIR", ""):
    setattr(config, "CACHE_DIR", str(cache_folder()))  # noqa: B010

# Sums may be taken in another order, for vector instructions; not-a-number and infinity keep their meaning.
jit = njit(cache=True, fastmath={"reassoc", "contract", "arcp", "nsz"}, error_model="numpy")
# For what must be computed as it is written.
exact_jit = njit(cache=True, error_model="numpy")
