"""What claims, their two questions and their tests come out as; what reads the ledger needs no code that decides it."""

FEWEST_SEEDS = 5  # fewer decide nothing

HELD, FAILED, MIXED, UNDECIDED, REPORTED = "held", "failed", "mixed", "undecided", "reported"  # of a test

# What a test asks: does it come out as it was published; does what lacks the cause that is claimed fail to give it; or neither.
AS_PUBLISHED, SPECIFIC, CONTEXT = "as_published", "specific", "context"
YES, PARTLY, NO, OPEN, NOT_ASKED = "yes", "partly", "no", "open", "-"  # of a question

HOLDS, CHECKED, PARTLY_REPRODUCED = "holds", "checked", "partly reproduced"
# Of a claim, from good to bad: the order in which they are shown. An identity is checked, and stands apart.
WORDS = (HOLDS, "reproduced", "reproduced, not specific", PARTLY_REPRODUCED, OPEN, "not reproduced")
VERDICTS = (*WORDS, CHECKED)

# Where a claim is stated, from the paper itself to us. A claim that only the talk makes is not counted against a paper.
SOURCES = {
    "abstract": "the paper's abstract",
    "code": "the authors' scripts",
    "secondary": "a summary by others",
    "talk": "the talk only",
    "criticism": "somebody else's answer",
    "ours": "this project",
}

# Of the first edition, whose ledger has one answer for each claim, by rules of then.
FIRST_EDITION = ("replicated", "partly", "inconclusive", "not replicated")
