"""Whether the rule of a claim was written before the runs that decide it; that is said only where it is so.

As far as clocks tell: that of whoever committed the rule, and that of the machine on which the first of the runs started.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sgdphysics.provenance import chain, commits
from sgdphysics.provenance.places import NOT_KNOWN
from sgdphysics.provenance.record import Record
from sgdphysics.provenance.rule_dates import RuleDate

BEFORE, AFTER = "written before the runs", "changed after the runs had started"
NO_RUNS = "no run decides it"
UNDECIDED = NOT_KNOWN  # which of both came first
SILENT = RuleDate(f"{NOT_KNOWN}: the record does not say")


@dataclass(frozen=True)
class Order:
    """The rule of a claim beside the runs that decide it.

    Attributes:
        rule: When it was last changed.
        first_run: Start of the first of the runs, ISO 8601; empty where there are none, or that it is not known.
    """

    rule: RuleDate
    first_run: str

    @property
    def word(self) -> str:
        """Which of both came first, as far as that is known and there are both."""
        if not self.first_run:
            return NO_RUNS
        written, started = _time(self.rule.date), _time(self.first_run)
        if not commits.is_commit(self.rule.commit) or written is None or started is None:
            return UNDECIDED
        return BEFORE if written < started else AFTER

    @property
    def line(self) -> str:
        """Both times and their order in words."""
        rule = self.rule.commit
        if commits.is_commit(rule):
            rule = f"commit {commits.short(rule)}, {_in_words(self.rule.date)}"
        run = f"; first deciding run {_in_words(self.first_run)}" if self.first_run else ""
        order = "which came first is not known" if self.word == UNDECIDED else self.word
        return f"{rule}{run}; {order}"

    @property
    def content(self) -> dict[str, str]:
        """The same as JSON."""
        return {"commit": self.rule.commit, "date": self.rule.date, "first_run": self.first_run, "order": self.word}


def order_of(record: Record, claim: str, tables: Iterable[str]) -> Order:
    """Return the rule of a claim beside its runs.

    Args:
        record: The record of the study.
        claim: The claim.
        tables: Paths of the tables that its tests name.
    """
    return Order(record.rules.get(claim, SILENT), first_run(record, tables))


def first_run(record: Record, tables: Iterable[str]) -> str:
    """Return when the first job with seeds started that tables stand on, a training or a simulation.

    Returns:
        The time as the record has it; empty where no job has seeds; that it is not known where the record does not know a table.
    """
    paths = list(tables)
    if any(path not in record.maker for path in paths):
        return NOT_KNOWN
    return min((job.started for job in chain.jobs_behind(record, paths) if job.parameters.get("seeds")), default="")


def summary(orders: Mapping[str, Order]) -> str:
    """Return in a sentence how many rules were written before the runs that decide by them; empty where no run decides a claim."""
    words = [order.word for order in orders.values() if order.word != NO_RUNS]
    if not words:
        return ""
    before, after, unknown = (words.count(word) for word in (BEFORE, AFTER, UNDECIDED))
    if unknown == len(words):
        return "Whether the rules of the claims were written before the runs that decide them is not known."
    parts = [f"{before} of {len(words)} claims that runs decide had their rules written before these runs"]
    parts += [f"of {after} the rule was changed after the runs had started"] if after else []
    parts += [f"of {unknown} this is not known"] if unknown else []
    return f"{'; '.join(parts)}."


def _time(text: str) -> datetime | None:
    """A time; None where the text is none, or does not say of which zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None


def _in_words(text: str) -> str:
    time = _time(text)
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if time else text
