"""Per-group work on one machine or many: a plain pandas function, a key, a schema, and the engine as a setting."""

from pma.parallel.mapping import GroupsFailedError, Mapped, check_threshold, joined, map_groups
from pma.parallel.seed import group_seed
from pma.parallel.settings import ENGINES, Engine, ParallelSettings

__all__ = [
    "ENGINES",
    "Engine",
    "GroupsFailedError",
    "Mapped",
    "ParallelSettings",
    "check_threshold",
    "group_seed",
    "joined",
    "map_groups",
]
