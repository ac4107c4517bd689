"""The base of every group of settings."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidatorFunctionWrapHandler, field_validator, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A frozen group of settings; an unknown key or a wrong type is an error (`pma.settings` words it).

    Lists stand for tuples and whole numbers for floats, as YAML writes them; a boolean stands for nothing else. A group
    of which a part is given keeps the rest of its default, where it stands: two groups of one class may differ there.
    A class that is `given_whole` keeps nothing: its fields only mean something together.
    """

    given_whole: ClassVar[bool] = False

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _keep_the_rest(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {name: _laid_over(defaults.get(name), value) for name, value in given.items()}

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_booleans(cls, given: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        """Python takes `true` for 1: refuse it where it became a number."""
        taken = handler(given)
        if _lost_boolean(given, taken):
            raise PydanticCustomError("boolean", "input should not be true or false")
        return taken


S = TypeVar("S", bound=Section)


def changed(section: S, given: Mapping[str, Any]) -> S:
    """Return the section with what is given laid over it, held to the same checks as what a file gives.

    Raises pydantic's ValidationError naming the key.
    """
    return type(section).model_validate(_laid_over(section, given))


def _laid_over(default: Any, given: Any) -> Any:
    """Lay what is given of a group over what its default says beyond the defaults of its class."""
    if not isinstance(default, Section) or default.given_whole or not isinstance(given, Mapping):
        return given
    said = {name: getattr(default, name) for name in default.model_fields_set}
    return {**said, **{name: _laid_over(said.get(name), value) for name, value in given.items()}}


def _lost_boolean(given: Any, taken: Any) -> bool:
    if isinstance(given, bool):
        return not isinstance(taken, bool)
    if isinstance(given, dict) and isinstance(taken, dict):
        return any(_lost_boolean(value, taken[key]) for key, value in given.items())
    if isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        return any(map(_lost_boolean, given, taken))
    return False
