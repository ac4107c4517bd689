"""The page of all settings, `conf/base.yml`: written from the models, so that it cannot say anything else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from pma.settings import Settings

HEAD = (
    "# Every setting with its default. Written by `make docs`, read by nobody but you: put differences into a file\n"
    "# of your own beside it. A mapping there (columns, weights) takes the place of the one here, whole.\n"
)


def base_text() -> str:
    """Return conf/base.yml: each setting under its description."""
    return HEAD + "\n".join(_lines(Settings(), 0)) + "\n"


def _lines(model: BaseModel, depth: int) -> list[str]:
    lines: list[str] = []
    indent = "  " * depth
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            words = (type(value).__doc__ or "").strip().splitlines()[0]
            lines += [f"{indent}# {words}", f"{indent}{name}:", *_lines(value, depth + 1)]
            continue
        if field.description:
            lines.append(f"{indent}# {field.description}")
        lines += [f"{indent}{line}" for line in _value(name, model.model_dump(mode="json")[name])]
    return lines


def _value(name: str, value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return yaml.safe_dump({name: value}, sort_keys=False, width=200).rstrip().splitlines()
    text = yaml.safe_dump(value, default_flow_style=True, width=200).removesuffix("...\n").strip()
    return [f"{name}: {text}"]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(base_text(), encoding="utf-8")
