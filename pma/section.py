"""The base of every group of settings."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A frozen group of settings; an unknown key or a wrong type is an error (`pma.settings` words it).

    Lists stand for tuples and whole numbers for floats, as YAML writes them; a boolean stands for nothing else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_booleans(cls, given: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        """Python takes `true` for 1: refuse it where it became a number."""
        taken = handler(given)
        if _lost_boolean(given, taken):
            raise PydanticCustomError("boolean", "input should not be true or false")
        return taken


def _lost_boolean(given: Any, taken: Any) -> bool:
    if isinstance(given, bool):
        return not isinstance(taken, bool)
    if isinstance(given, dict) and isinstance(taken, dict):
        return any(_lost_boolean(value, taken[key]) for key, value in given.items())
    if isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        return any(map(_lost_boolean, given, taken))
    return False
