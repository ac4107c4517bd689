"""Fill .venv: locked packages, Horovod compiled once, Delta's jars fetched once. Called by setup.sh.

Needs only the standard library of the Python 3.12 that setup.sh found. What is compiled or fetched is also kept in
PMA_CACHE (default: the user's cache folder), so that a second clone on the machine repeats neither. A step whose
fingerprint stands in .venv/.steps is not repeated; `--check` says by its exit status whether any step is left.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STEPS = VENV / ".steps"
LOG = ROOT / ".cache" / "setup.log"
JAVA_HOME = VENV / "java_home"
LOCK = ROOT / "conf" / "setup" / "requirements.lock"
HOROVOD = ROOT / "conf" / "bundle" / "init" / "horovod.sh"
CACHE = Path(os.environ.get("PMA_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "pma").expanduser()
HEARTBEAT_SECONDS = 20
# Each of these would make the steps, or Spark, use something else than .venv.
FOREIGN = ("PYTHONPATH", "PYTHONHOME", "SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PIP_USER", "PIP_TARGET")


class SetupError(Exception):
    """A step that failed; the message names it and what to do."""


@dataclass(frozen=True)
class Step:
    """One thing that stands in .venv afterwards; done again only when its fingerprint changes."""

    name: str
    what: str
    fingerprint: str
    do: Callable[[], None]

    @property
    def is_done(self) -> bool:
        """Whether .venv holds just this already."""
        stamp = STEPS / self.name
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self.fingerprint


def steps() -> list[Step]:
    """Return all steps in their order."""
    horovod, tensorflow = pinned("horovod", HOROVOD), pinned("tensorflow(?:-cpu)?", LOCK)
    delta, pyspark = pinned("delta-spark", LOCK), pinned("pyspark", LOCK)
    machine = f"cp{sys.version_info[0]}{sys.version_info[1]}-{sys.platform}-{platform.machine()}"
    wheels = CACHE / "wheels" / f"horovod-{horovod}-tensorflow-{tensorflow}-{machine}"
    jars = CACHE / "jars" / f"delta-{delta}-spark-{pyspark}"
    return [
        Step("python", f"virtual environment of Python {platform.python_version()}", str(VENV), create_venv),
        Step("packages", "locked packages, about a minute", digest(LOCK), install_packages),
        Step("horovod", f"Horovod {horovod} for tensorflow {tensorflow}", wheels.name, lambda: install_horovod(wheels)),
        Step("delta", f"Delta {delta} for Spark {pyspark}", jars.name, lambda: install_delta(jars, delta)),
        Step("pma", "this folder as package pma", digest(ROOT / "setup.py"), install_pma),
        Step("model", "the media mix model, compiled in half a minute", digest(LOCK), compile_model),
    ]


def pinned(package: str, file: Path) -> str:
    """Return the version that a file names for a package, as `package==1.2` or, in a shell script, `PACKAGE=1.2`."""
    found = re.search(rf"^{package}={{1,2}}([\w.]+)", file.read_text(encoding="utf-8"), re.MULTILINE | re.IGNORECASE)
    if not found:
        raise SetupError(f"{file.relative_to(ROOT)}: no version of {package}; add it (see `make lock`)")
    return found.group(1)


def digest(file: Path) -> str:
    """Return what tells two contents of a file apart."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def create_venv() -> None:
    """Make .venv, unless it already runs Python 3.12."""
    question = "import sys, pip; sys.exit(sys.version_info[:2] != (3, 12))"
    if not PYTHON.exists() or subprocess.run([PYTHON, "-E", "-c", question], capture_output=True).returncode:
        run(sys.executable, "-m", "venv", "--clear", VENV)


def install_packages() -> None:
    """Install the locked packages with uv, which is many times faster than pip."""
    run(PYTHON, "-m", "pip", "install", "--quiet", f"uv=={pinned('uv', LOCK)}")
    run(PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-r", LOCK)


def install_horovod(wheels: Path) -> None:
    """Install the compiled Horovod from the cache; compile it there if it is not."""
    with locked(CACHE / "lock", "another set-up on this machine"):
        if not any(wheels.glob("horovod-*.whl")):
            say("      compiling it: about 4 minutes on 2 cores, once on this machine")
            wheels.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=wheels) as built:
                run("bash", HOROVOD, "wheel", PYTHON, built)
                for wheel in Path(built).glob("horovod-*.whl"):
                    wheel.replace(wheels / wheel.name)
    run(PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--no-deps", *wheels.glob("horovod-*.whl"))
    run(PYTHON, "-c", "import horovod.tensorflow")


def install_delta(jars: Path, delta: str) -> None:
    """Put Delta's jars beside Spark's own, fetched by Spark's own Ivy if the cache lacks them; try a table."""
    home = Path(run(PYTHON, "-c", "import pyspark; print(pyspark.__path__[0])").splitlines()[-1]) / "jars"
    scala = re.search(r"scala-library-(\d+\.\d+)", " ".join(jar.name for jar in home.glob("scala-library-*.jar")))
    if not scala:
        raise SetupError(f"{home}: no scala-library; remove .venv and run the same command again")
    with locked(CACHE / "lock", "another set-up on this machine"):
        if not any(jars.glob("delta-spark_*.jar")):
            say("      fetching its jars, once on this machine")
            fetch_jars(f"io.delta:delta-spark_{scala.group(1)}:{delta}", jars)
    for old in [*home.glob("delta-spark_*.jar"), *home.glob("delta-storage-*.jar")]:
        old.unlink()
    for jar in jars.glob("*.jar"):
        if not (home / jar.name).exists():
            shutil.copy(jar, home / f".{jar.name}")
            (home / f".{jar.name}").replace(home / jar.name)
    run(PYTHON, ROOT / "conf" / "setup" / "delta_check.py")


def fetch_jars(package: str, jars: Path) -> None:
    """Let spark-submit resolve a Maven package, as a session would; keep all of its jars, or none."""
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as folder:
        fetched, nothing = Path(folder) / "fetched", Path(folder) / "nothing.py"
        fetched.mkdir()
        nothing.touch()
        ivy = f"spark.jars.ivy={folder}"
        run(PYTHON.parent / "spark-submit", "--master", "local[1]", "--packages", package, "--conf", ivy, nothing)
        for jar in Path(folder).glob("cache/*/*/jars/*.jar"):
            jar.replace(fetched / jar.name)
        if not any(fetched.glob("delta-spark_*.jar")):
            raise SetupError(f"{package}: Maven gave no jar; put Delta's jars into {jars} yourself")
        fetched.replace(jars)


def install_pma() -> None:
    """Install this folder as the package itself, so that a change of the code needs no new installation."""
    run(PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "-e", ROOT)


def compile_model() -> None:
    """Compile what fits are made of, once on this machine; a change of its code compiles it anew, when it is used."""
    run(PYTHON, "-c", "import pma.media.compiled")


def run(*command: str | Path) -> str:
    """Run a command with its output in the log, say now and then how far it is, and return the output.

    Raises SetupError with the end of the log when the command fails.
    """
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment |= {"VIRTUAL_ENV": str(VENV), "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"PYSPARK_PYTHON": str(PYTHON), "SPARK_LOCAL_IP": "127.0.0.1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    words = [str(word) for word in command]
    started = time.monotonic()
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(words)}\n")
        log.flush()
        begin = log.tell()
        process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, cwd=ROOT)
        while True:
            try:
                status = process.wait(HEARTBEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                said = tail(begin, 40)
                # A compilation counts in percent, between lines that tell nothing.
                progress = [line for line in said if "%]" in line] or said or [""]
                say(f"      {time.monotonic() - started:4.0f} s  {progress[-1].strip()[:90]}")
    if status:
        raise SetupError("\n".join([*tail(begin, 25), f"failed with exit status {status}: {' '.join(words)}"]))
    return output_from(begin)


def output_from(begin: int) -> str:
    """Return the log from a position on."""
    with LOG.open("rb") as log:
        log.seek(begin)
        return log.read().decode(errors="replace")


def tail(begin: int, count: int) -> list[str]:
    """Return the last lines of the log that say something, none of them from before a position."""
    return [line.rstrip() for line in output_from(begin).splitlines() if line.strip()][-count:]


@contextmanager
def locked(file: Path, holder: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for {holder}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def is_complete() -> bool:
    """Whether nothing is left to do, the noted Java included."""
    if not (JAVA_HOME.exists() and (Path(JAVA_HOME.read_text(encoding="utf-8").strip()) / "bin" / "java").exists()):
        return False
    return all(step.is_done for step in steps())


def main(arguments: Sequence[str]) -> int:
    """Do every step that is left, each with its seconds."""
    if "--check" in arguments:
        return 0 if is_complete() else 1
    try:
        with locked(ROOT / ".cache" / "setup.lock", "another set-up in this folder"):
            todo = steps()
            begun = time.monotonic()
            for number, step in enumerate(todo, 1):
                if step.is_done:
                    continue
                say(f"[{number}/{len(todo)}] {step.what} ...")
                started = time.monotonic()
                step.do()
                STEPS.mkdir(exist_ok=True)
                (STEPS / step.name).write_text(step.fingerprint, encoding="utf-8")
                say(f"[{number}/{len(todo)}] {step.name}: {time.monotonic() - started:.0f} s")
            JAVA_HOME.write_text(os.environ["JAVA_HOME"] + "\n", encoding="utf-8")
            say(f"pma is set up: {time.monotonic() - begun:.0f} s; Java {os.environ['JAVA_HOME']}")
    except SetupError as error:
        say(f"{error}\nThe whole log: {LOG}. Run the same command again: finished steps are not repeated.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
