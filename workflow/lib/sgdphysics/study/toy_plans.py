"""What simulating the toy model takes, as far as its settings tell before it runs."""

from collections.abc import Mapping
from typing import Any


def work(toy: Mapping[str, Any], seeds: int) -> dict[str, dict[str, float]]:
    """Return the amounts of work of the rules that take long, by rule and kind.

    Args:
        toy: Settings of the toy landscape.
        seeds: How many.
    """
    return {
        "simulate_langevin": {"walks": seeds * len(toy["kappas"]) * _langevin_steps(toy)},
        "simulate_phase_diagram": {"walks": seeds * _phase_steps(toy)},
        "simulate_shaken_descent": {"walks": seeds * _arrival_steps(toy)},
        "simulate_toy_controls": {"walks": seeds * _control_steps(toy)},
        "simulate_toy_edge": {"walks": seeds * _edge_steps(toy)},
        "solve_fokker_planck": {
            "cells": len(toy["kappas"])
            * (len(toy["noise_strengths"]) + len(toy["grid_noise_strengths"]))
            * toy["grid_cells"][0]
            * toy["grid_cells"][1]
        },
    }


def _langevin_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed and one kappa."""
    half_width, strengths = toy["landscapes"]["half_width"], toy["noise_strengths"]
    walkers = [toy["walkers"], *[toy["further_walkers"]] * (len(strengths) - 1)]
    times = [(toy["relaxation"] + toy["sampling"]) * half_width**2 / strength for strength in strengths]
    return sum(number * time / toy["time_step"] for number, time in zip(walkers, times, strict=True))


def _phase_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if none were lost: from two places, and up to 16 times the horizon on a coarser diagram."""
    points = 2 * toy["phase_points"] ** 2 + 16 * toy["long_phase_points"] ** 2
    return points * toy["phase_walkers"] * toy["phase_steps"]


def _arrival_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if each took the whole horizon."""
    shifts = len(toy["arrival_shifts"]) + len(toy["thermal_shifts"])
    drifts = len(toy["drift_learning_rates"]) * len(toy["drift_places"])
    return shifts * toy["arrival_walkers"] * toy["arrival_horizon"] + drifts * toy["drift_walkers"] * toy["drift_steps"]


def _control_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if each took the whole horizon."""
    arrivals = (len(toy["local_thermal_shifts"]) + len(toy["thermal_shifts"])) * toy["arrival_walkers"] * toy["arrival_horizon"]
    each = toy["valley_walkers"] * (toy["valley_relaxation"] + toy["valley_sampling"])
    return arrivals + 2 * len(toy["valley_ratios"]) * len(toy["valley_shifts"]) * each


def _edge_steps(toy: Mapping[str, Any]) -> float:
    """Steps of all walkers of one seed, if none were lost: up to 16 times the horizon, in the valley and without one."""
    return 2 * 16 * len(toy["edge_learning_rates"]) * toy["edge_points"] * toy["edge_walkers"] * toy["edge_steps"]
