"""What is planted for a claim, and what must come of it; the claims of a paper are in a module of its own."""

from dataclasses import dataclass, field

from planted_tables import Quantity

HELD, FAILED, UNDECIDED = "held", "failed", "undecided"

Changes = dict[str, Quantity]


@dataclass(frozen=True)
class Cases:
    """Cases of a claim.

    Attributes:
        verdicts: By name of the case, what is planted, the outcomes of the deciding tests, and the verdict; "effect", "null",
            "opposite" and "noise" are always there.
        partly: What makes the primary test hold and another fail; None where only one test decides.
        numbers: A test, what is planted, and the value that its statistic then has.
        reported: What changes a test that is only reported, and so no verdict.
        every_setting: Whether the claim is about every setting of feng2021, and not the reference alone.
    """

    verdicts: dict[str, tuple[Changes, list[str], str]]
    partly: Changes | None = None
    numbers: list[tuple[str, Changes, float]] = field(default_factory=list)
    reported: list[Changes] = field(default_factory=list)
    every_setting: bool = False
