"""Settings: YAML files and the command line, checked into one frozen tree."""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import re
import types
import typing
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError

from pma.embeddings.settings import EmbeddingSettings
from pma.marketing.settings import MarketingSettings
from pma.mmm.settings import MmmSettings
from pma.parallel import ParallelSettings
from pma.planning.settings import PlanningSettings
from pma.report.settings import ReportSettings
from pma.section import Section
from pma.simulation.settings import SimulationSettings
from pma.sources.settings import FeedSettings, SourceSettings
from pma.spark import SparkSettings
from pma.tables import WarehouseSettings

# A key of such a name, wherever it stands, hides its value; a JDBC url carries a password as well.
SECRET = re.compile("passw|passphrase|pwd|secret|token|key|url|credential", re.IGNORECASE)
# Under any other key a text is hidden that has a password inside: `-DtrustStorePassword=...`, `//user:password@host`.
CARRIED = re.compile(r"(passw\w*|passphrase|pwd|secret\w*|token)=|://[^/\s]*:[^/\s]*@", re.IGNORECASE)
NOT_SHOWN = "(not shown)"


class SettingsError(ValueError):
    """A setting that is unknown, of the wrong type or impossible; the message names the key and what is allowed."""


class Settings(Section):
    """Every setting of every job; `conf/base.yml` lists them with their defaults, and is not read."""

    as_of: tuple[date, ...] = Field((), description="dates to compute for; empty: those after the last purchases")
    rules: str = Field("conf/rules", description="folder of the rules; with --conf FILE: `rules` beside the file")
    artifacts: str = Field("artifacts", description="folder of model files; on a cluster one that every worker reads")
    spark: SparkSettings = SparkSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    sources: SourceSettings = SourceSettings()
    parallel: ParallelSettings = ParallelSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    simulation: SimulationSettings = SimulationSettings()
    feeds: FeedSettings = FeedSettings()
    marketing: MarketingSettings = MarketingSettings()
    mmm: MmmSettings = MmmSettings()
    planning: PlanningSettings = PlanningSettings()
    report: ReportSettings = ReportSettings()

    def digest(self) -> str:
        """Return twelve hex digits that change when any setting changes."""
        return digest(self)


def digest(settings: BaseModel, include: Any = None, exclude: Any = None) -> str:
    """Return twelve hex digits of a settings tree, or of the parts that pydantic's include and exclude name.

    Equal for equal values on every machine.
    """
    text = json.dumps(settings.model_dump(mode="json", include=include, exclude=exclude), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def masked(tree: Any, key: str = "") -> Any:
    """Return a part of the settings, found under `key`, as it may be shown: without what is secret in it."""
    if SECRET.search(key) or (isinstance(tree, str) and CARRIED.search(tree)):
        return NOT_SHOWN
    if isinstance(tree, dict):
        return {name: masked(value, str(name)) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(masked(value, key) for value in tree)
    return tree


def parse(argv: Sequence[str] | None, job: str) -> tuple[Settings, str | None]:
    """Read the command line of every job: `--conf FILE`, `--set a.b=value`, `--as-of DATE`, each repeatable.

    An empty value, `--set a.b=`, leaves the setting as it is; `null` takes away what a file says.
    Returns the settings, and the id of the workflow's run where `--run-id` gives one.
    Raises SettingsError naming file or key.
    """
    parser = argparse.ArgumentParser(prog=job)
    parser.add_argument(
        "--conf", action="append", default=[], metavar="FILE", help="YAML with differences from the defaults"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting by its dotted key; an empty value leaves it as it is",
    )
    parser.add_argument("--as-of", action="append", default=[], metavar="YYYY-MM-DD", help="date, or several by comma")
    parser.add_argument("--run-id", metavar="ID", help="id of the workflow's run, which all its jobs share")
    args = parser.parse_args(argv)
    overrides = list(args.set)
    dates = [day.strip() for given in args.as_of for day in given.split(",") if day.strip()]
    if dates:
        overrides.append(f"as_of=[{', '.join(dates)}]")
    return load(args.conf, overrides), args.run_id


def load(files: Sequence[str | Path] = (), overrides: Sequence[str] = ()) -> Settings:
    """Lay files and `key=value` overrides over the defaults, later ones first in rank.

    A mapping of names (columns of a source, weights of blocks) takes the place of the default one, whole; an override
    of one name in it leaves the others. An override with an empty value changes nothing: the bundle hands its variables
    over whether they are set or not. Raises SettingsError naming file or key.
    """
    paths = [Path(file) for file in files]
    tree: dict[str, Any] = {}
    for path in paths:
        _overlay(tree, _read(path))
    for text in overrides:
        _override(tree, text)
    if paths and tree.get("rules") in (None, Settings.model_fields["rules"].default):
        tree["rules"] = str(paths[0].parent / "rules")
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(item) for item in error.errors())) from None


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but a date that no calendar has stays text: the settings then say which key holds it."""


def _date(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError:
        return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise SettingsError(f"{path}: no such settings file")
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML: {_where(error)}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path}: found {type(tree).__name__}, allowed: keys and values")
    return tree


def _where(error: yaml.YAMLError) -> str:
    """Say where YAML breaks off, and show the lines unless they may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    lines = f"{getattr(error, 'context_mark', None)} {mark}"
    if mark is None or masked(lines, lines) != NOT_SHOWN:
        return str(error)
    return f"line {mark.line + 1}, column {mark.column + 1} {NOT_SHOWN}"


def _override(tree: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError(f"--set {text}: found no `=`, allowed: --set section.key=value")
    if not value.strip():
        return
    try:
        parsed: Any = yaml.load(value, Loader=_Loader)
    except yaml.YAMLError:
        parsed = value
    path = key.split(".")
    for part in reversed(path):
        parsed = {part: parsed}
    _fill_mapping(tree, path)
    _overlay(tree, parsed)


def _fill_mapping(tree: dict[str, Any], path: list[str]) -> None:
    """Put the default mapping in place, where a path names one entry of a mapping that no file gives."""
    default: Any = Settings()
    for part in path[:-1]:
        default = getattr(default, part, None)
        if isinstance(default, dict):
            tree.setdefault(part, dict(default))
            return
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            return


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _overlay(below[key], value)
        else:
            below[key] = value


def _explain(item: Any) -> str:
    """Word one pydantic error as: key, what was found, what is allowed."""
    # Of a wrong key inside a mapping pydantic says `[key]` behind it.
    path = [str(part) for part in item["loc"] if part != "[key]"]
    key = ".".join(path)
    if item["type"] == "extra_forbidden":
        allowed = _keys_at(path[:-1])
        close = difflib.get_close_matches(path[-1], allowed, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"{key}: unknown key{hint}; allowed: {', '.join(allowed)}"
    shown = masked(item["input"], key)
    found = shown if shown == NOT_SHOWN else repr(shown)
    if item["type"] == "tuple_type":
        return f"{key}: found {found}; allowed: a list, [one, another]"
    allowed_text = item["msg"][0].lower() + item["msg"][1:]
    return f"{key}: found {found}; allowed: {allowed_text}"


def _keys_at(path: Sequence[str]) -> list[str]:
    model: type[BaseModel] = Settings
    names_between = 0
    for part in path:
        if names_between:
            names_between -= 1
            continue
        field = model.model_fields.get(part)
        inner = _model_in(field.annotation) if field is not None else None
        if field is None or inner is None:
            return []
        model, names_between = inner, _depth(field.annotation)
    return sorted(model.model_fields)


def _depth(annotation: Any) -> int:
    """How many names or places stand between a setting and the groups in it: one per mapping or list."""
    if typing.get_origin(annotation) in (dict, tuple, list):
        return 1 + max(_depth(inner) for inner in typing.get_args(annotation))
    return 0


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, dict, tuple, list):
        for inner in typing.get_args(annotation):
            if found := _model_in(inner):
                return found
    return None
