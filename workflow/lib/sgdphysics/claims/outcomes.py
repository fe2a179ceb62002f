"""What claims, their two questions and their tests come out as; what reads the ledger needs no code that decides it."""

FEWEST_SEEDS = 5  # fewer decide nothing

# Of a test. Over several settings: held or failed at all of them; at some; both, each at some (mixed); or none of these.
HELD, FAILED, UNDECIDED, REPORTED = "held", "failed", "undecided", "reported"
HELD_AT_SOME, FAILED_AT_SOME, MIXED = "held at some", "failed at some", "mixed"

# What a test asks: does it come out as it was published; does what lacks the cause that is claimed fail to give it; or neither.
AS_PUBLISHED, SPECIFIC, CONTEXT = "as_published", "specific", "context"
# Of a question, from good to bad: whatever the parts that are open come to, it is yes or partly, or it is partly or no.
YES, AT_LEAST_PARTLY, PARTLY, OPEN, AT_MOST_PARTLY, NO = "yes", "at least partly", "partly", "open", "at most partly", "no"
NOT_ASKED = "-"

HOLDS, CHECKED = "holds", "checked"
IN_PART = {answer: f"{answer} reproduced" for answer in (AT_LEAST_PARTLY, PARTLY, AT_MOST_PARTLY)}
# Of a claim, from good to bad: the order in which they are shown. An identity is checked, and stands apart.
WORDS = (
    HOLDS,
    "reproduced",
    "reproduced, not specific",
    IN_PART[AT_LEAST_PARTLY],
    IN_PART[PARTLY],
    OPEN,
    IN_PART[AT_MOST_PARTLY],
    "not reproduced",
)
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

NETWORK, TOY_MODEL = "network", "toy model"  # what a claim is about, and is tested on

# Of the first edition, whose ledger has one answer for each claim, by rules of then.
FIRST_EDITION = ("replicated", "partly", "inconclusive", "not replicated")
