"""What each variable of the model is: role, unit and how it is added up, read from conf/rules/mmm_variables.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from pma.mmm.input.tables import MMM_INPUT
from pma.section import Section
from pma.tables import TableError

Role = Literal["target", "paid", "organic", "context"]
# What the conversions count.
TARGETS = ("uploads", "gmv")
# The variable of a calendar that counts days off.
HOLIDAYS = "public_holidays"


class Variable(Section):
    """One variable: what it is to the model, and how days and countries of it are added up."""

    name: str = Field(min_length=1)
    role: Role
    unit: str
    over_days: Literal["sum", "mean"] = "sum"
    of_region: Literal["sum", "weighted", "mean"] = "sum"
    owner: str = "the data engineers"


class VariableRules(Section):
    """All variables that have a rule, the weight of a country in its region, and the platforms that are sheets."""

    version: int
    weight: str
    hand_kept: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _agrees(self) -> VariableRules:
        names = [variable.name for variable in self.variables]
        if len(set(names)) < len(names):
            raise ValueError("a variable stands there twice")
        if self.weight not in names:
            raise ValueError(f"weight {self.weight} is none of the variables")
        if set(TARGETS) != set(self.named("target")):
            raise ValueError(f"the targets are {TARGETS}")
        return self

    def named(self, *roles: Role) -> tuple[str, ...]:
        """Names of the variables of these roles, in the order of the file."""
        return tuple(variable.name for variable in self.variables if variable.role in roles)

    def of(self, name: str) -> Variable | None:
        """The rule of a variable; None where there is none."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def owner(self, name: str) -> str:
        """Who can deliver a variable."""
        rule = self.of(name)
        return rule.owner if rule else "the data engineers"


def read_variables(rules: str | Path) -> VariableRules:
    """Read `mmm_variables.yml` in the folder of rules. Raises TableError with the file and the fault."""
    path = Path(rules) / "mmm_variables.yml"
    if not path.exists():
        raise TableError(
            f"{MMM_INPUT.name}: no {path}, which says what each variable is. Fix: set `rules` in the settings"
        )
    try:
        return VariableRules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as fault:
        raise TableError(
            f"{MMM_INPUT.name}: {path} is not a list of variables. "
            f"Fix: give version, weight, hand_kept and variables (name, role, unit, ...): {fault}"
        ) from fault
