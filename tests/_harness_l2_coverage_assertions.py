"""The five coverage assertions as an importable set: each takes a `Subject` and gives a `Result`."""

from seedbed.checks.coverage import (
    COVERAGE,
    caps_hold,
    chains_complete,
    fanouts_stand_out,
    rails_have_their_legs,
    templates_net,
)
from seedbed.checks.result import Result
from seedbed.checks.subject import Subject

__all__ = [
    "COVERAGE",
    "Result",
    "Subject",
    "caps_hold",
    "chains_complete",
    "fanouts_stand_out",
    "rails_have_their_legs",
    "templates_net",
]
