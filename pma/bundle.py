"""The jobs as Databricks reads them from conf/bundle/*.job.yml: which scripts, with what, in which order."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BUNDLE = "databricks.yml"
REFERENCE = re.compile(r"\$\{([^}]*)\}")


class BundleError(ValueError):
    """A declaration that cannot be followed; the message names the file, the key and what is allowed."""


@dataclass(frozen=True)
class Task:
    """One script of a job, with its parameters resolved and the tasks it waits for."""

    key: str
    script: Path
    parameters: tuple[str, ...]
    after: tuple[str, ...]


def bundle_root(file: Path) -> Path:
    """Return the folder of the bundle's databricks.yml above a file; settings of that name in `conf` are none."""
    for folder in file.resolve().parents:
        if (folder / BUNDLE).exists() and "bundle" in _read(folder / BUNDLE):
            return folder
    raise BundleError(f"{file}: no {BUNDLE} with the key `bundle` in a folder above it")


def read_tasks(file: Path, given: Mapping[str, str]) -> list[Task]:
    """Return the tasks of the one job that a file declares, each after all that it waits for.

    `given` are values of the bundle's variables; those not given have the bundle's default. Where the declaration
    leaves the order open, it is that of the file. Raises BundleError.
    """
    root = bundle_root(file)
    values = {"workspace.file_path": str(root), "bundle.target": "local"} | _variables(root / BUNDLE, given)
    jobs = (_read(file).get("resources") or {}).get("jobs") or {}
    if len(jobs) != 1:
        raise BundleError(f"{file}: found {len(jobs)} jobs under resources.jobs; allowed: one to a file")
    (job,) = jobs.values()
    tasks = [_task(declared, file, values) for declared in job.get("tasks") or []]
    if not tasks:
        raise BundleError(f"{file}: the job has no tasks")
    return in_order(tasks, file)


def in_order(tasks: Sequence[Task], file: Path) -> list[Task]:
    """Sort tasks so that each comes after those it waits for, and otherwise as declared. Raises BundleError."""
    keys = [task.key for task in tasks]
    for task in tasks:
        if keys.count(task.key) > 1:
            raise BundleError(f"{file}: task {task.key} is declared twice")
        for key in task.after:
            if key not in keys:
                raise BundleError(f"{file}: task {task.key} depends on {_unknown(key, keys)}")
    ordered: list[Task] = []
    waiting = list(tasks)
    while waiting:
        done = {task.key for task in ordered}
        ready = next((task for task in waiting if done.issuperset(task.after)), None)
        if ready is None:
            circle = ", ".join(task.key for task in waiting)
            raise BundleError(f"{file}: tasks wait for each other in a circle: {circle}")
        ordered.append(ready)
        waiting.remove(ready)
    return ordered


def _task(declared: Mapping[str, Any], file: Path, values: Mapping[str, str]) -> Task:
    key = declared.get("task_key", "(no task_key)")
    script = declared.get("spark_python_task")
    if script is None:
        raise BundleError(f"{file}: task {key} has no spark_python_task, the one kind that runs on this machine")
    where = f"{file}: task {key}"
    return Task(
        key=key,
        script=(file.resolve().parent / resolve(script["python_file"], values, where)).resolve(),
        parameters=tuple(resolve(str(word), values, where) for word in script.get("parameters") or ()),
        after=tuple(task["task_key"] for task in declared.get("depends_on") or ()),
    )


def resolve(text: str, values: Mapping[str, str], where: str) -> str:
    """Put values in the place of `${...}`; a value may refer to others. Raises BundleError."""
    for _ in range(len(values) + 1):
        names = REFERENCE.findall(text)
        if not names:
            return text
        for name in names:
            if name not in values:
                raise BundleError(f"{where}: no value on this machine for {_unknown(name, values)}")
            text = text.replace("${" + name + "}", values[name])
    raise BundleError(f"{where}: variables refer to each other in a circle: {text}")


def _variables(file: Path, given: Mapping[str, str]) -> dict[str, str]:
    declared = _read(file).get("variables") or {}
    for name in given:
        if name not in declared:
            raise BundleError(f"--var {name}: {file} declares no variable {_unknown(name, declared)}")
    values = {name: given.get(name, (body or {}).get("default")) for name, body in declared.items()}
    # A variable without default has no value here until it is asked for: `resolve` names it then.
    return {f"var.{name}": str(value) for name, value in values.items() if value is not None}


def _unknown(name: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(allowed), n=1)
    return f"{name}{f' (did you mean {close[0]}?)' if close else ''}; allowed: {', '.join(sorted(allowed))}"


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        raise BundleError(f"{file}: no such file")
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BundleError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(tree, dict):
        raise BundleError(f"{file}: found {type(tree).__name__}; allowed: keys and values")
    return tree
