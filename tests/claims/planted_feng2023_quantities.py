"""What is planted of feng2023, and where the sweeps are compared."""

from planted_tables import Quantity

EFFECT: dict[str, Quantity] = {
    "activity_error": (1e-15, 1e-16),  # the largest over pairs
    "logit_error": (1e-15, 1e-16),
    "other_solutions": (1.01, 0.001),  # the smallest norm over pairs, in parts of that of the dual weight
    "correlated_share": (0.98, 0.005),  # the same at every setting
    "correlation_variation": (0.1, 0.01),
    "path_averaged_variation": (0.4, 0.02),
    "other_errors_variation": (0.6, 0.02),
    "constant_spread": (
        0,
        0.01,
    ),  # of the doses of a sweep: gap over products is off by twice this at the weakest, by less this else
    "path_averaged_constant_spread": (0.2, 0.01),
    "shuffled_constant_spread": (0.2, 0.01),
    "gap_correlation": (0.98, 0.005),  # with the summed products, over settings
    "shuffled_gap_correlation": (0.98, 0.005),
    "gap_of_sharpness": (0, 0),  # share of the gap that is a number times s_g, and one that is a number times s_w
    "gap_of_size": (0, 0),
    "whole_gap": (1, 0.005),  # gap of the whole training set in parts of that over matched pairs
    "shuffled_share": (0.5, 0.02),  # at the reference, where that of the pairs' own losses is 0.98 and varies by 0.1
    "shuffled_variation": (1, 0.05),
    "slope_correlation": (0.97, 0.005),  # of ln sigma_g^2 and ln H
    "slope_exponent": (1, 0.05),
    "small_shift_exponent": (1, 0.05),
    "shuffled_slope_correlation": (0.3, 0.05),
    "gradient_exponent": (1.1, 0.02),
    "partial_correlation": (0.6, 0.05),  # of ln sigma_g^2 and ln H given ln sigma_w, with parallel slopes
    "path_averaged_partial_correlation": (-0.6, 0.05),
    "other_errors_partial_correlation": (-0.5, 0.05),
    "ratio_exponent": (0.3, 0.02),  # of sigma_g^2 / sigma_w^2 on H, with parallel slopes
    "path_averaged_ratio_exponent": (-0.3, 0.02),
    "other_errors_ratio_exponent": (-0.2, 0.02),
    "size_correlation": (0.97, 0.005),  # of ln s_w and ln activity-weighted norm, over all settings and in every sweep
    "size_exponent": (1, 0.05),  # at a correlation of 1
    "covariance_size_correlation": (-0.97, 0.005),
    "covariance_size_exponent": (2, 0.05),
    "plain_size_correlation": (-0.97, 0.005),
    "plain_size_exponent": (2, 0.05),
    "metric_error": (1e-15, 1e-16),
    "noise_sharpness": (-0.5, 0.02),  # changes of ln s_g, ln s_w and ln norm from the weakest to the strongest dose, at equal loss
    "noise_size": (0.05, 0.005),
    "noise_norm": (0.05, 0.005),
    "noise_sharp_less_flat": (-0.4, 0.02),  # of ln sigma_g,n
    "noise_gap_of_sharp": (0.2, 0.01),  # changes of parts of the gap
    "noise_gap_of_flat": (-0.1, 0.01),
    "noise_gap_of_sharp_of_shuffled_losses": (0.3, 0.01),
    "noise_change_over_ranks": (0, 0.05),  # of ln ratio of sigma_w,n, from the first rank to the last, in parts of its mean
    "decay_sharpness": (0.05, 0.005),
    "decay_size": (-0.5, 0.02),
    "scale_factor": (-0.5, 0.01),  # mean over ranks of ln ratio of sigma_w,n
    "scale_change_over_ranks": (0, 0.05),
    "scale_spread": (0.3, 0.01),  # over ranks; that between seeds is 0.2
    "dropout_sharpness": (-0.4, 0.02),
    "dropout_size": (0.3, 0.02),
    "dropout_sharpness_at_equal_epochs": (0.4, 0.02),
    "dropout_size_at_equal_epochs": (-0.3, 0.02),
    "dropout_sharpness_otherwise_measured": (0.4, 0.02),
    "dropout_size_otherwise_measured": (-0.3, 0.02),
    "dropout_gap": (0.1, 0.01),  # of no and of the strongest dropout, less that of the dose in between
    "dropout_gap_at_equal_epochs": (-0.1, 0.01),
    "dropout_error": (0.01, 0.001),
    "dropout_error_at_equal_epochs": (-0.01, 0.001),
    "logit_change": (1e-15, 1e-16),  # by rescaling
    "invariant_change": (1e-15, 1e-16),
    "power_error": (1e-15, 1e-16),
    "rescaling": (1, 0),  # power of p by which plain measures change, in parts of the predicted one
}

DOSES = {
    "learning_rate": (0.05, 0.1, 0.2),
    "batch_size": (10, 20, 40),
    "norm_penalty": (0, 1e-5, 1e-4),
    "squared_penalty": (0, 1e-5, 1e-4),
    "dropout": (0, 0.1, 0.2),
    "initial_scale": (1, 2, 4),
}
REFERENCE_DOSE = {"learning_rate": 0.1, "batch_size": 20, "norm_penalty": 0, "squared_penalty": 0, "dropout": 0, "initial_scale": 1}
# Points and their targets with the epoch at which they are reached; the last of either kind decides, the first says the opposite.
POINTS = (("equal_loss", 0.003, 40), ("equal_loss", 0.001, 80), ("equal_epochs", 60, 60), ("equal_epochs", 120, 120))
CONTROL_EPOCHS = (30, 50, 60, 120)
DECIDING = (0.001, 120)
MIDDLE_GAP = 0.5
