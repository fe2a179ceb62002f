"""What is planted for a claim, and what must come of it; the claims of a paper are in a module of its own."""

from dataclasses import dataclass, field

from planted_tables import Quantity

YES, AT_LEAST_PARTLY, PARTLY, OPEN, AT_MOST_PARTLY, NO = "yes", "at least partly", "partly", "open", "at most partly", "no"
NOT_ASKED = "-"

Changes = dict[str, Quantity]
Answers = tuple[str, str]  # as published, specific


@dataclass(frozen=True)
class Cases:
    """Cases of a claim.

    Attributes:
        answers: By name of the case, what is planted, and both answers. Always there: "effect" (as published), "null" (what is
            measured has nothing to do with the cause), "opposite", and "noise" (too much to tell). Where the claim is asked to be
            specific also "control too": the effect is there, and a control has it too.
        numbers: A test, what is planted, and the value that its statistic then has; every test of the claim at least once.
        bad_setting: What one setting of several shows, of a test that is asked at every setting, for the claim to be "partly";
            None where no test of the claim is.
        context: What changes only tests that decide nothing.
    """

    answers: dict[str, tuple[Changes, Answers]]
    numbers: list[tuple[str, Changes, float]] = field(default_factory=list)
    bad_setting: Changes | None = None
    context: list[Changes] = field(default_factory=list)
