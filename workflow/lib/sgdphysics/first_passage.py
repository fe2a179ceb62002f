"""When walkers arrive: first passages, with the loss of a walker as a competing event and what never happened in time as censored.

A walker is lost when it has left so far that it never comes back (`toy.has_diverged`): the event `DIVERGED`.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from sgdphysics.arguments import (
    finite_array,
    require,
    require_kind,
    require_not_negative,
    require_one_of,
    require_positive,
    require_random,
    require_whole,
)
from sgdphysics.errors import InputError
from sgdphysics.toy_controls import heated_descent, smoothed_descent
from sgdphysics.toy_landscapes import Landscape
from sgdphysics.toy_walkers import has_diverged, langevin, shaken_descent

CENSORED, ARRIVED, DIVERGED = 0, 1, 2
DYNAMICS = ("shaken", "thermal", "thermal_local", "thermal_across", "smoothed")

# Moves walkers (x, y) by a number of steps and calls an observer (step, x, y) after each; returns the new (x, y).
Move = Callable[..., tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class FirstPassages:
    """What happened first to each walker.

    Attributes:
        times: int64 (walkers,), steps until it happened; the horizon for the censored.
        events: int64 (walkers,), `CENSORED`, `ARRIVED` or `DIVERGED`.

    Raises:
        InputError: If there is no walker, not a time from 0 and an event for each, or an event is none of these.
    """

    times: np.ndarray
    events: np.ndarray

    def __post_init__(self) -> None:
        times, events = finite_array("times", self.times, 1), finite_array("events", self.events, 1)
        if len(times) != len(events):
            raise InputError(f"events: found {len(events)}, expected {len(times)}, one for each of times")
        if times.min() < 0:
            raise InputError(f"times: found {times.min():g}, expected numbers from 0")
        for event in np.unique(events):
            _check_event(int(event) if event == int(event) else float(event), "events")

    def share(self, event: int) -> float:
        """Share of all walkers with this event; raises InputError if it is none."""
        _check_event(event)
        return float((self.events == event).mean())

    @classmethod
    def pooled(cls, parts: Sequence["FirstPassages"]) -> "FirstPassages":
        """Return the passages of the walkers of all parts together; raises InputError if there is no part."""
        require(len(parts) > 0, "parts", parts, "at least one")
        return cls(np.concatenate([part.times for part in parts]), np.concatenate([part.events for part in parts]))


def moves(landscape: Landscape, dynamics: str, *, learning_rate: float, shift: float, random: np.random.Generator) -> Move:
    """Return what moves walkers: shaken descent, or one of its controls.

    Args:
        landscape: Where.
        dynamics: "shaken" for `toy.shaken_descent`; "thermal" for a heat bath (`toy.langevin`) that everywhere has the strength
            that the noise of shaken descent has in y where the valley is flattest, in x and y alike; "thermal_local" for one of the
            strength that shaken descent has at the same place (`toy_controls.heated_descent`); "thermal_across" for the same with
            noise in y only; "smoothed" for descent without noise on the mean landscape (`toy_controls.smoothed_descent`).
        learning_rate: eta > 0; the time step of the heat baths.
        shift: s of shaken descent, from 0; of a heat bath above 0.
        random: Source of the normal numbers, of which smoothed descent needs none.

    Raises:
        InputError: If an argument is none of these.
    """
    require_kind("landscape", landscape, Landscape)
    require_one_of("dynamics", dynamics, DYNAMICS)
    require_positive("learning_rate", learning_rate)
    (require_not_negative if dynamics in ("shaken", "smoothed") else require_positive)("shift", shift)
    require_random(random)
    if dynamics == "smoothed":
        return functools.partial(smoothed_descent, landscape, learning_rate=learning_rate, shift=shift)
    if dynamics in ("thermal_local", "thermal_across"):
        heated = functools.partial(heated_descent, landscape, learning_rate=learning_rate, shift=shift, random=random)
        return functools.partial(heated, across_only=dynamics == "thermal_across")
    if dynamics == "shaken":
        return functools.partial(shaken_descent, landscape, learning_rate=learning_rate, shift=shift, random=random)
    strength = learning_rate * (shift * landscape.smallest_curvature) ** 2 / 2
    return functools.partial(langevin, landscape, diffusion=strength, kappa=1.0, time_step=learning_rate, random=random)


def arrivals(move: Move, landscape: Landscape, *, walkers: int, relative_flatness: float, horizon: int) -> FirstPassages:
    """Follow walkers from a sharp end of the valley, x = half_width and y = 0, until each has come to a flat place.

    Args:
        move: As for `first_passages`.
        landscape: Where.
        walkers: How many, at least 1.
        relative_flatness: Of a flat place, in parts of the largest flatness, above 0.
        horizon: Steps, at least 1.

    Raises:
        InputError: If an argument is none of these.
    """
    require_kind("landscape", landscape, Landscape)
    require_whole("walkers", walkers, 1)
    require_positive("relative_flatness", relative_flatness)
    x = np.full(walkers, landscape.half_width)
    flatness = relative_flatness * landscape.smallest_curvature**-0.5
    return first_passages(move, landscape, x, np.zeros_like(x), flatness=flatness, horizon=horizon)


def first_passages(
    move: Move, landscape: Landscape, x: np.ndarray, y: np.ndarray, *, flatness: float, horizon: int, block: int = 500
) -> FirstPassages:
    """Follow walkers until each has come to a place of at least this flatness, is lost, or the horizon is reached.

    Args:
        move: ``move(x, y, steps=..., observer=...)``, such as a partial of `toy.shaken_descent`.
        landscape: Where.
        x, y: Start, float64 (walkers,), finite.
        flatness: F to arrive at, above 0.
        horizon: Steps, at least 1.
        block: Walkers that are done are dropped every so many steps; only the speed, and which random number goes to which
            walker, depend on it; at least 1.

    Raises:
        InputError: If an argument is none of these.
    """
    require(callable(move), "move", move, "a function that moves walkers")
    require_kind("landscape", landscape, Landscape)
    x, y = finite_array("x", x, 1), finite_array("y", y, 1)
    if len(x) != len(y):
        raise InputError(f"y: found {len(y)}, expected {len(x)}, one for each of x")
    require_positive("flatness", flatness)
    require_whole("horizon", horizon, 1)
    require_whole("block", block, 1)
    times, events = np.full(len(x), horizon, dtype=np.int64), np.full(len(x), CENSORED, dtype=np.int64)
    waiting = np.arange(len(x))
    for start in range(0, horizon, block):
        waiting_times, waiting_events = times[waiting], events[waiting]

        def record(
            step: int,
            x: np.ndarray,
            y: np.ndarray,
            start: int = start,
            times: np.ndarray = waiting_times,
            events: np.ndarray = waiting_events,
        ) -> None:
            undecided = events == CENSORED
            diverged = has_diverged(x, y) & undecided
            # Where the polynomial overflows, the walker is lost.
            arrived = (landscape.curvature(x) <= flatness**-2) & undecided & ~diverged
            events[diverged], events[arrived] = DIVERGED, ARRIVED
            times[diverged | arrived] = start + step

        with np.errstate(over="ignore", invalid="ignore"):
            x, y = move(x, y, steps=min(block, horizon - start), observer=record)
        times[waiting], events[waiting] = waiting_times, waiting_events
        going = waiting_events == CENSORED
        waiting, x, y = waiting[going], x[going], y[going]
        if not len(waiting):
            break
    return FirstPassages(times, events)


def survival(passages: FirstPassages, event: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times and the Kaplan-Meier estimate of the share for which ``event`` has not happened, all others censored.

    Raises:
        InputError: If there are no passages, or no such event.
    """
    _check_passages(passages, event)
    estimate = SurvfuncRight(passages.times, passages.events == event)
    return estimate.surv_times, estimate.surv_prob


def cumulative_incidence(passages: FirstPassages, event: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times and the share of walkers to which ``event`` has happened by then (Aalen and Johansen), others competing.

    Raises:
        InputError: If there are no passages, or no such event.
    """
    _check_passages(passages, event)
    if not (passages.events == event).any():
        return np.array([0.0]), np.array([0.0])
    with np.errstate(divide="ignore", invalid="ignore"):  # of the standard error when the last walker is done
        estimate = CumIncidenceRight(passages.times, passages.events)
    return estimate.times, estimate.cinc[event - 1]


def median_time(passages: FirstPassages, event: int, *, competing: bool = True) -> float:
    """Return the time by which ``event`` has happened to half of the walkers, inf if it has not by the horizon.

    With ``competing`` the half is of all walkers (cumulative incidence), so a walker that is lost never arrives. Without it the
    others count as censored when they are lost (Kaplan and Meier's median, as if they could still have arrived).

    Raises:
        InputError: If there are no passages, or no such event.
    """
    _check_passages(passages, event)
    if competing:
        times, share = cumulative_incidence(passages, event)
    else:
        times, left = survival(passages, event)
        share = 1 - left
    reached = np.flatnonzero(np.asarray(share) >= 0.5 - 1e-12)
    return float(times[reached[0]]) if len(reached) else float("inf")


def _check_passages(passages: FirstPassages, event: int) -> None:
    require_kind("passages", passages, FirstPassages)
    require(event in (ARRIVED, DIVERGED), "event", event, f"{ARRIVED} (arrived) or {DIVERGED} (diverged)")


def _check_event(event: float, name: str = "event") -> None:
    events = {CENSORED: "censored", ARRIVED: "arrived", DIVERGED: "diverged"}
    require(event in events, name, event, ", ".join(f"{number} ({word})" for number, word in events.items()))
