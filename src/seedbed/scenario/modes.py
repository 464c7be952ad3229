"""Scenario modes: the groups of plant kinds in each mode."""

from collections.abc import Mapping
from typing import Literal

__all__ = ["MODES", "Group"]

Group = Literal["l1", "broad", "rest"]

MODES: Mapping[str, tuple[Group, ...]] = {
    "l1_invariants": ("l1",),
    "broad": ("broad",),
    "l1_plus_broad": ("l1", "broad"),
    "every_view": ("l1", "broad", "rest"),
}
