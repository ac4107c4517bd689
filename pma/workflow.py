"""Run Databricks jobs of this bundle on this machine: the same scripts, in the same order, one after the other.

All run in this one process, because a Spark session that is warm saves each of them half a minute.

python -m pma.workflow run conf/bundle/embeddings.job.yml --var conf=conf/local.yml [--set a.b=value] [--only TASK]
python -m pma.workflow show conf/bundle/embeddings.job.yml conf/bundle/marketing.job.yml
"""

from __future__ import annotations

import argparse
import os
import runpy
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from pma.bundle import BundleError, Task, bundle_root, read_tasks
from pma.memory import TreeMemory
from pma.runs import new_run_id

HEARTBEAT_SECONDS = 30.0


class Terminated(KeyboardInterrupt):
    """The run was asked to stop by SIGTERM; scripts see what they see at Ctrl-C."""


@dataclass(frozen=True)
class Result:
    """How one task went: its exit status, its seconds, and the peak of this process and all it started."""

    task: Task
    status: int
    seconds: float
    peak_bytes: int


def run_tasks(tasks: Sequence[Task], root: Path) -> list[Result]:
    """Run tasks in the given order from `root`, all under one run id, up to the first that fails."""
    run_id = new_run_id()
    _say(f"run {run_id}: {', '.join(task.key for task in tasks)}")
    results: list[Result] = []
    for number, task in enumerate(tasks, 1):
        which = f"{run_id} [{number}/{len(tasks)}] {task.key}"
        _say(f"{which} ...")
        with _heartbeat(which):
            result = run_task(task, root, run_id)
        results.append(result)
        outcome = "" if result.status == 0 else f", FAILED with exit status {result.status}"
        _say(f"{which}  {result.seconds:.0f} s, {_gigabytes(result)} GB{outcome}")
        if result.status:
            break
    return results


def run_task(task: Task, root: Path, run_id: str) -> Result:
    """Run one task's script to its end, as `python script parameters` in `root` would; its error is printed."""
    started, status = time.monotonic(), 0
    # What Databricks puts there as a task starts.
    parameters = [word.replace("{{job.run_id}}", run_id) for word in task.parameters]
    with TreeMemory(os.getpid()) as memory, _as_command([str(task.script), *parameters], root):
        try:
            runpy.run_path(str(task.script), run_name="__main__")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            status = 1
    _let_go()
    return Result(task, status, time.monotonic() - started, memory.peak_bytes)


def _let_go() -> None:
    """The next script shares the session, not the frames that this one held."""
    from pyspark.sql import SparkSession

    if session := SparkSession.getActiveSession():
        session.catalog.clearCache()


@contextmanager
def _heartbeat(what: str) -> Iterator[None]:
    """Say every half minute how long it has taken so far: some steps compute for minutes without a word."""
    started, ended = time.monotonic(), threading.Event()

    def beat() -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            _say(f"{what} ... {time.monotonic() - started:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _as_command(words: list[str], folder: Path) -> Iterator[None]:
    """Give a script its own command line and folder, and put ours back."""
    ours, here = sys.argv, Path.cwd()
    sys.argv = words
    os.chdir(folder)
    try:
        yield
    finally:
        sys.argv = ours
        os.chdir(here)


def table(results: Sequence[Result]) -> str:
    """Return what each task took, as text with one line per task and one for all."""
    width = max(len("task"), *(len(result.task.key) for result in results))
    lines = [f"{'task':<{width}}  {'seconds':>8}  {'peak GB':>8}"]
    lines += [f"{r.task.key:<{width}}  {r.seconds:>8.1f}  {_gigabytes(r):>8}" for r in results]
    highest = max(results, key=lambda result: result.peak_bytes)
    lines.append(f"{'all':<{width}}  {sum(r.seconds for r in results):>8.1f}  {_gigabytes(highest):>8}")
    return "\n".join(lines)


def select(tasks: Sequence[Task], only: str | None, start: str | None) -> list[Task]:
    """Return one task, or those from one on. Raises BundleError for a task that is not there."""
    wanted = only or start
    keys = [task.key for task in tasks]
    if wanted is None:
        return list(tasks)
    if wanted not in keys:
        raise BundleError(f"no task {wanted}; allowed: {', '.join(keys)}")
    first = keys.index(wanted)
    return list(tasks[first : first + 1] if only else tasks[first:])


def read_jobs(files: Sequence[Path], given: Mapping[str, str]) -> list[Task]:
    """Return the tasks of several jobs, one job after the other.

    Raises BundleError for a script that is not there and for a name that two jobs give to a task.
    """
    tasks: list[Task] = []
    for file in files:
        for task in read_tasks(file, given):
            if task.key in [other.key for other in tasks]:
                raise BundleError(f"{file}: task {task.key} is declared by another job of this run too")
            if not task.script.exists():
                raise BundleError(f"{file}: task {task.key} names {task.script}, which does not exist")
            tasks.append(task)
    return tasks


def main(argv: Sequence[str] | None = None) -> int:
    """Run or show jobs; the exit status is that of the task that failed, 2 for a wrong declaration."""
    args = _arguments(argv)
    try:
        given = dict(_variable(text) for text in args.var)
        more = [word for setting in args.set for word in ("--set", setting)]
        every = [replace(task, parameters=(*task.parameters, *more)) for task in read_jobs(args.files, given)]
        tasks = select(every, args.only, args.start)
    except BundleError as error:
        _say(str(error))
        return 2
    if args.command == "show":
        sys.stdout.writelines(f"{task.key}: {shlex.join([str(task.script), *task.parameters])}\n" for task in tasks)
        return 0
    try:
        results = run_tasks(tasks, bundle_root(args.files[0]))
    except KeyboardInterrupt as end:
        _say("interrupted; run the same command again to complete it: a task that has finished changes nothing")
        return 128 + (signal.SIGTERM if isinstance(end, Terminated) else signal.SIGINT)
    sys.stdout.write(table(results) + "\n")
    sys.stdout.flush()
    last = results[-1]
    if last.status:
        _say(
            f"{last.task.key} failed; its error stands above. When it is mended, run the same command again "
            f"(a task that has finished changes nothing) or begin at this task: --from {last.task.key}"
        )
    return last.status


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pma.workflow", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["run", "show"])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="*.job.yml of conf/bundle/, in their order")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable of databricks.yml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, for every task")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--only", metavar="TASK", help="run this task alone")
    part.add_argument("--from", dest="start", metavar="TASK", help="run this task and all after it")
    return parser.parse_args(argv)


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise BundleError(f"--var {text}: found no `=`; allowed: --var name=value")
    return name, value


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _gigabytes(result: Result) -> str:
    return f"{result.peak_bytes / 1e9:.2f}"


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())
