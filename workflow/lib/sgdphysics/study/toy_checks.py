"""Checks of the settings of the toy landscape: valleys that hold walkers, steps that are stable, lists that fit together."""

from collections.abc import Mapping
from typing import Any

from sgdphysics import toy
from sgdphysics.errors import InputError

Settings = Mapping[str, Any]


def toy_faults(settings: Settings) -> list[str]:
    """Return the faults of a study's settings ``yang2023.toy`` that a schema cannot say, a line each."""
    try:
        landscape = toy.landscapes(**settings["landscapes"])["single_valley"]
    except InputError as error:
        return [f"landscapes: {error}"]
    bound = toy.largest_time_step(landscape)
    of_landscape = [*_valley_faults(settings, landscape), *_step_faults(settings, bound)]
    return [*of_landscape, *_order_faults(settings), *_choice_faults(settings)]


def _valley_faults(settings: Settings, landscape: toy.Landscape) -> list[str]:
    """The single valley must be flattest at x = 0, where walkers are then to arrive, and be stable there without noise."""
    lines = []
    if settings["landscapes"]["growth"] <= 0:
        lines.append(f"landscapes.growth: found {settings['landscapes']['growth']:g}, expected a number above 0")
    limit = 2 / landscape.smallest_curvature
    return lines + [
        f"{key}: found {rate:g}, expected below {limit:g} = 2 / smallest curvature"
        for key in ("survival_learning_rates", "edge_learning_rates")
        for rate in settings[key]
        if rate >= limit
    ]


def _step_faults(settings: Settings, bound: float) -> list[str]:
    """The time step, and the learning rate, which is the time step of the thermal control, must be stable."""
    return [
        f"{key}: found {settings[key]:g}, expected at most {bound:g} = 1 / largest curvature"
        for key in ("time_step", "learning_rate")
        if settings[key] > bound
    ]


def _order_faults(settings: Settings) -> list[str]:
    lines = []
    for key in ("phase_learning_rates", "phase_shifts", "linear_shifts", "edge_shifts"):
        low, high = settings[key]
        if low >= high:
            lines.append(f"{key}: found {low:g} and {high:g}, expected the second above the first")
    if settings["long_phase_points"] >= settings["phase_points"]:
        points = settings["phase_points"]
        lines.append(f"long_phase_points: found {settings['long_phase_points']}, expected below {points}, the phase_points")
    return lines


def _choice_faults(settings: Settings) -> list[str]:
    """Numbers that must be among those of another list."""
    lines = []
    current = settings["current_noise_strength"]
    if current not in {*settings["noise_strengths"], *settings["grid_noise_strengths"]}:
        lines.append(f"current_noise_strength: found {current:g}, expected one of noise_strengths or grid_noise_strengths")
    for key in ("incidence_shifts", "local_thermal_shifts"):
        if unknown := sorted(set(settings[key]) - set(settings["arrival_shifts"])):
            lines.append(f"{key}: found {unknown}, expected some of arrival_shifts")
    low, high = settings["linear_shifts"]
    count = sum(low <= shift <= high for shift in settings["arrival_shifts"])
    if count < 2:
        lines.append(f"linear_shifts: found {count} of arrival_shifts between them, expected at least 2")
    return lines
