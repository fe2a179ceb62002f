"""Statistics of the claims of Feng and Tu 2021: the variance against flatness, of SGD and of what lacks a part of it.

SGD and every rung of the ladder below it are treated alike: the straight drift is taken out, and the same ranks are fitted.
"""

import pandas as pd

from sgdphysics.claims.feng2021_runs import of_draws_without_replacement, per_run
from sgdphysics.claims.registry import MISSING, Tables, statistic, table_of
from sgdphysics.fluctuation_dissipation import DECIDING_ORDER


def _ladder(
    tables: Tables, rung: str, basis: str, number: str = "exponent", ranks: str = "all", order: int = DECIDING_ORDER
) -> pd.DataFrame:
    """A number of the fit of ln variance on ln F on a rung, along the directions of a basis, less a polynomial of some order."""
    rows = table_of(tables, "feng2021_ladder")
    fits = (rows["rung"] == rung) & (rows["basis"] == basis) & (rows["ranks"] == ranks)
    rows = rows[fits & (rows["detrending_order"] == order)]
    return per_run(tables, rows.assign(value=rows[number]))


def _less(values: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The difference, run by run; why there is none is said by those of the others that lack a value."""
    lacking = others["value"].isna()
    return values.assign(value=values["value"] - others["value"], **{MISSING: others[MISSING].where(lacking, values[MISSING])})


def _less_noise(tables: Tables, rung: str, basis: str, order: int = DECIDING_ORDER) -> pd.DataFrame:
    """Exponent psi on a rung, less that of frozen noise along the directions of the same basis."""
    return _less(_ladder(tables, rung, basis, order=order), _ladder(tables, "frozen_noise", basis, order=order))


def _by_protocol(tables: Tables, protocol: str) -> pd.DataFrame:
    rows = table_of(tables, "feng2021_published")
    rows = rows[(rows["protocol"] == protocol) & (rows["source"] == "sgd")]
    return per_run(tables, rows.assign(value=rows["exponent"]))


def _exponent(tables: Tables, kind: str) -> pd.DataFrame:
    """Exponent psi by its kind: of SGD it is that of the ladder, which its own drift is taken out of."""
    return per_run(tables, _of_kind(tables, kind))


def _of_kind(tables: Tables, kind: str) -> pd.DataFrame:
    rows = table_of(tables, "feng2021_fig2_exponents")
    rows = rows[rows["kind"] == kind]
    return rows.assign(value=rows["exponent"])


def _theory_without_replacement(tables: Tables) -> pd.DataFrame:
    """Exponent psi of linear SGD over the same window; theory has the run's own draws, and none of runs drawn with replacement."""
    rows = of_draws_without_replacement(tables, _of_kind(tables, "linear_theory"))
    return per_run(tables, rows, "drew with replacement, or could not be measured")


@statistic
def exponent_by_published_protocol(tables: Tables) -> pd.DataFrame:
    """Exponent psi in variance ~ F^-psi with window, centre and ranks of the authors' scripts."""
    return _by_protocol(tables, "published")


@statistic
def exponent_with_published_ranks(tables: Tables) -> pd.DataFrame:
    """Exponent psi in our window and around its mean, with the ranks of the authors' scripts."""
    return _by_protocol(tables, "ranks")


@statistic("correlation")
def variance_flatness_correlation(tables: Tables) -> pd.DataFrame:
    """Pearson correlation of ln variance and ln F along the principal directions of the same window."""
    return _ladder(tables, "sgd", "principal", "r")


@statistic("correlation")
def variance_flatness_correlation_of_isotropic_noise(tables: Tables) -> pd.DataFrame:
    """The same of a walk with steps alike in all directions."""
    return _ladder(tables, "isotropic", "principal", "r")


@statistic("correlation")
def variance_flatness_correlation_of_rotated_noise(tables: Tables) -> pd.DataFrame:
    """The same of a walk of frozen noise turned by a random rotation: as strong, along other directions than the landscape's."""
    return _ladder(tables, "rotated_noise", "principal", "r")


@statistic
def in_sample_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent psi along the principal directions of the same window, as published."""
    return _exponent(tables, "in_sample")


@statistic
def held_out_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent psi of the variances in the window after the one that gave the directions."""
    return _exponent(tables, "held_out")


@statistic
def hessian_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent psi along the eigenvectors of the Hessian."""
    return _exponent(tables, "hessian")


@statistic
def in_sample_exponent_of_sharp_directions(tables: Tables) -> pd.DataFrame:
    """Exponent psi along the principal directions of the same window, of ranks 2 to 50."""
    return _ladder(tables, "sgd", "principal", ranks="2-50")


@statistic
def in_sample_exponent_of_flat_directions(tables: Tables) -> pd.DataFrame:
    """Exponent psi along the principal directions of the same window, of ranks above 50."""
    return _ladder(tables, "sgd", "principal", ranks="above 50")


@statistic
def in_sample_exponent_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of SGD less that of frozen noise, each along its own principal directions."""
    return _less_noise(tables, "sgd", "principal")


@statistic
def held_out_exponent_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of SGD less that of frozen noise, of the variances in the window after the one that gave the directions."""
    return _less_noise(tables, "sgd", "held_out")


@statistic
def hessian_exponent_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of SGD less that of frozen noise, along the eigenvectors of the Hessian."""
    return _less_noise(tables, "sgd", "hessian")


@statistic
def hessian_exponent_less_that_of_noise_without_parabola(tables: Tables) -> pd.DataFrame:
    """The same, both less the parabola in time that fits the window best."""
    return _less_noise(tables, "sgd", "hessian", 2)


@statistic
def hessian_exponent_less_that_of_noise_without_fourth_order(tables: Tables) -> pd.DataFrame:
    """The same, both less the polynomial of fourth order in time that fits the window best."""
    return _less_noise(tables, "sgd", "hessian", 4)


@statistic
def held_out_exponent_of_linear_sgd_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of linear SGD with frozen noise less that of the noise, of the variances in the second window."""
    return _less_noise(tables, "linear_sgd", "held_out")


@statistic
def hessian_exponent_of_linear_sgd_less_that_of_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of linear SGD with frozen noise less that of the noise, along the eigenvectors of the Hessian."""
    return _less_noise(tables, "linear_sgd", "hessian")


@statistic
def hessian_exponent_of_isotropic_noise(tables: Tables) -> pd.DataFrame:
    """Exponent psi of a walk with steps alike in all directions, along the eigenvectors of the Hessian."""
    return _ladder(tables, "isotropic", "hessian")


@statistic
def hessian_minus_stationary_exponent(tables: Tables) -> pd.DataFrame:
    """Exponent psi along the eigenvectors of the Hessian, less that of linear SGD with independent draws once it is stationary."""
    return _less(_exponent(tables, "hessian"), _exponent(tables, "linear_theory_stationary"))


@statistic
def hessian_minus_theory_exponent(tables: Tables) -> pd.DataFrame:
    """The same, less that of linear SGD over the same window without replacement."""
    return _less(_exponent(tables, "hessian"), _theory_without_replacement(tables))


@statistic
def noise_exponent_minus_theory_exponent(tables: Tables) -> pd.DataFrame:
    """That of frozen noise, less that of linear SGD over the same window without replacement."""
    return _less(_ladder(tables, "frozen_noise", "hessian"), _theory_without_replacement(tables))
