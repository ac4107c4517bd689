"""The base of every group of settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen group of settings; an unknown key or a wrong type is an error (`pma.settings` words it)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
