"""One task done both ways, the plain one and ours: what is told of it, as text and as JSON."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import machine
import torch

SAME_MACHINE = 1.3  # a ratio is void if the reference takes more or less, by this factor, than the papers' own scripts took


@dataclass
class Pair:
    """One task done both ways; times in seconds.

    Attributes:
        task, size: What was done.
        reference, ours: Time of one unit of work.
        goal: Smallest ratio wanted, None for a pair that is only shown.
        published: Time that the papers' own scripts took, and ``comparable`` the reference's time for the same.
        difference: Between the results, at most ``tolerance``.
        work: Operations, or bytes, that one unit of work needs at least, and ``peak``, the rate that they are compared with.
    """

    task: str
    size: str
    reference: float
    ours: float
    goal: float | None
    published: float | None
    comparable: float
    difference: float
    tolerance: float
    notes: list[str] = field(default_factory=list)
    work: float = 0.0
    peak: str = machine.FLOAT64

    @property
    def ratio(self) -> float:
        return self.reference / self.ours

    @property
    def published_share(self) -> float | None:
        return None if self.published is None else self.comparable / self.published

    @property
    def agrees(self) -> bool:
        return self.difference <= self.tolerance  # False also for nan

    def verdict(self) -> str:
        if self.goal is None:
            return "-"
        if self.published_share is not None and not 1 / SAME_MACHINE <= self.published_share <= SAME_MACHINE:
            return "void"
        return "reached" if self.ratio >= self.goal else "missed"


def table(pairs: list[Pair], peaks: Mapping[str, float], quick: bool) -> str:
    """The pairs as plain text; at quick sizes nothing is compared with the goals or the papers' times."""
    head = [
        "task",
        "size",
        "reference",
        "ours",
        "ratio",
        "goal",
        "verdict",
        "papers",
        "ref/papers",
        "difference",
        "allowed",
        "of the peak",
    ]
    rows = []
    for pair in pairs:
        judged = pair.goal is not None and not quick
        goal = [f"{pair.goal:g}x", pair.verdict()] if judged else ["-"] * 2
        published = judged and pair.published is not None
        goal += [_time(pair.published), f"{pair.published_share:.2f}"] if published else ["-"] * 2
        ratio = f"{pair.ratio:.1f}x" + (" (void)" if judged and pair.verdict() == "void" else "")
        agreement = [f"{pair.difference:.1e}", f"{pair.tolerance:.1e}" + ("" if pair.agrees else " FAILED")]
        share = f"{pair.work / pair.ours / peaks[pair.peak]:.0%} of {pair.peak}"
        rows.append([pair.task, pair.size, _time(pair.reference), _time(pair.ours), ratio, *goal, *agreement, share])
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]]
    notes = [f"{pair.task}: {note}" for pair in pairs for note in pair.notes]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", *notes])


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms" if seconds >= 1e-6 else f"{seconds * 1e9:.3g} ns"


def as_json(pairs: list[Pair], peaks: Mapping[str, float], threads: int, quick: bool) -> str:
    """The pairs, the machine's kind and its peaks in operations or bytes a second, times in seconds."""
    rows = []
    for pair in pairs:
        judged = {"verdict": pair.verdict(), "reference_to_published": pair.published_share} if not quick else {}
        rows.append({**asdict(pair), "ratio": pair.ratio, "agrees": pair.agrees, **judged})
    return json.dumps({"quick": quick, **machine_facts(threads), "peaks": dict(peaks), "pairs": rows}, indent=2) + "\n"


def machine_facts(threads: int) -> dict[str, object]:
    """Return what a time depends on: the kind of processor, threads, versions."""
    return {"processor": platform.machine(), "threads": threads, "torch": torch.__version__, "python": platform.python_version()}
