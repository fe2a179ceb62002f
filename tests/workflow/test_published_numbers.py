"""Every number that README.md has of the published study is that of its tables, or a setting of it: no other stands there."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from running import ROOT
from sgdphysics.provenance import audit

STUDY = "mnist"
MINUS = "\N{MINUS SIGN}"
# Rows of the table of exponents: the words before them, and the kind in the study's table.
EXPONENTS = {
    "(a) in sample, as published": "in_sample",
    "(b) held out: directions from one window, variances from the next": "held_out",
    "(c) along the Hessian's eigenvectors": "hessian",
    "(d) in sample, frozen noise": "noise_without_landscape",
    "beside (b): frozen noise, held out": "noise_held_out",
    "beside (c): frozen noise, along the Hessian's eigenvectors": "noise_hessian",
    "(e) linear theory, same window, draws without replacement": "linear_theory",
    "(e) linear theory, stationary": "linear_theory_stationary",
}

pytestmark = pytest.mark.skipif(not (ROOT / "results" / STUDY).is_dir(), reason="this copy has no published results")


@pytest.fixture(scope="module")
def section():
    """What README.md says of the study, without its figures, in one line."""
    text = (ROOT / "README.md").read_text().split("### The papers' scale")[1].split("\n## ")[0]
    return " ".join(re.sub(r"^!\[.*$", "", text, flags=re.MULTILINE).split())


@pytest.fixture(scope="module")
def settings():
    return yaml.safe_load((ROOT / "results" / STUDY / "provenance" / "settings.yaml").read_text())


def table(name, study=STUDY):
    return pd.read_csv(ROOT / "results" / study / "tables" / f"{name}.csv")


def exponents(study=STUDY):
    """Exponents at the reference setting, kinds by seeds."""
    rows = table("feng2021_fig2_exponents", study).query("reference and window == 'main'")
    return rows.pivot(index="seed", columns="kind", values="exponent")


def told(values):
    """Mean and 95 % interval over seeds, with two decimals."""
    values = np.asarray(values)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.2f} [{values.mean() - half:.2f}, {values.mean() + half:.2f}]"


def of_test(claim, test):
    tests = pd.read_csv(ROOT / "results" / STUDY / "claim_tests.csv").set_index(["claim", "test"])
    return tests.loc[(claim, test), "value"]


def sentences(settings):
    """What README.md says, with numbers of results from the tables, and those of settings from the settings."""
    feng2021, reference, repeats = settings["feng2021"], settings["feng2021"]["reference"], len(settings["feng2023"]["seeds"])
    edge, windows, widths = settings["yang2023"]["edge"], feng2021["window_epochs"], feng2021["hidden_widths"]
    count = len(feng2021["learning_rates"]) * len(feng2021["batch_sizes"])
    steps = 60_000 // reference["batch_size"] * windows
    jobs = audit.load(ROOT, STUDY).jobs
    hours = sum(float(job.usage["wallTime"]) for job in jobs) / 3600
    gigabytes = np.ceil(max(float(job.usage["peakMemory"]) for job in jobs) / 1e8) / 10
    here, stop, window = exponents(), exponents("mnist_published_stop"), exponents("mnist_published_window")
    rows = table("feng2021_fig2_exponents").query("window == 'main'")
    by_setting = rows.pivot_table(index=["learning_rate", "batch_size"], columns="kind", values="exponent")
    in_sample, noise = by_setting["in_sample"], by_setting["noise_without_landscape"]
    weakest, strongest = in_sample[(0.05, 200)], in_sample[(0.2, 50)]
    assert list(in_sample[(in_sample < 3) | (in_sample > 5)].index) == [(0.2, 50)]
    components = of_test("early_freezing", "99_percent_count")
    return [
        "all 60,000 images of MNIST",
        f"Networks 784-{widths[0]}-{widths[1]}-10 at {count} settings",
        f"trained to a loss of {short(feng2021['stop_loss'])}, with windows of {windows} epochs "
        f"({steps:,} steps at a batch size of {reference['batch_size']})",
        f"also to the published {short(stop_loss_of('mnist_published_stop'))} (",
        f"{len(edge['learning_rates'])} x {len(edge['batch_sizes'])} settings on {10 * edge['images_per_class']:,} images",
        f"The published sweeps of `feng2023`, with {repeats} repeats. It took 4 hours on two cores, in three runs: "
        f"{hours:.1f} core-hours, no job above {gigabytes:.1f} GB.",
        f"In sample the exponent is near the published 4, and grows with the noise: from {weakest:.1f} at the weakest setting to "
        f"{strongest:.1f} at the strongest, which is the one of nine outside 3 to 5",
        f"At every setting frozen noise has the same exponent to {abs(in_sample - noise).max():.2f}.",
        f"the exponent lies {told(here['linear_theory'] - here['hessian'])} below that of linear theory",
        f"at the published loss of 5e-5 it is {stop['hessian'].mean():.2f}, {told(stop['linear_theory'] - stop['hessian'])} below, "
        f"within the margin of 0.3. In sample the exponent is {stop['in_sample'].mean():.2f} there, that of frozen noise "
        f"{stop['noise_without_landscape'].mean():.2f}. All signs are those at 5e-4.",
        f"{window['in_sample'].mean():.2f} in sample, {window['noise_without_landscape'].mean():.2f} for frozen noise, "
        f"{window['held_out'].mean():.2f} held out, {window['hessian'].mean():.2f} along the Hessian's eigenvectors.",
        f"In the early epoch that is least in favour {components:.0f} components carry 99 % of the variance (`early_freezing`).",
        f"size follows the norm of the weights at r = {of_test('spread_is_size', 'correlation'):.2f};",
        f"With {repeats} repeats it is clear",
    ]


def short(number):
    """As 5e-4."""
    return f"{number:.0e}".replace("e-0", "e-")


def stop_loss_of(study):
    return yaml.safe_load((ROOT / "config" / f"{STUDY}.yaml").read_text())["studies"][study]["feng2021"]["stop_loss"]


def test_every_number_is_that_of_the_tables_or_of_the_settings(section, settings):
    rest = section
    for sentence in sentences(settings):
        assert sentence in section, sentence
        rest = rest.replace(sentence, "")
    rest = re.sub(r"\| claim \|.*?(?=The exponents)|\| exponent \|.*?(?=What else it shows)", "", rest)  # whose tests are others
    rest = re.sub(r"`[^`]*`|feng20\d\d|yang20\d\d", "", rest)
    assert re.findall(r"\S*\d\S*", rest) == []


def test_the_table_of_exponents_is_that_of_the_study(section):
    block = section.split(f"<!-- exponents of {STUDY} -->")[1].split("What else it shows")[0]
    rows = [row.strip() for row in block.split("|") if row.strip() and not set(row.strip()) <= {"-"}]
    assert rows[:3] == ["exponent", "mean", "95 % interval, 5 seeds"]
    found = exponents()
    assert len(found) == 5
    expected = []
    for words, kind in EXPONENTS.items():
        mean, interval = told(found[kind]).split(" ", 1)
        expected += [words, mean, interval]
    assert rows[3:] == expected


def test_what_the_erratum_withdraws_was_as_it_says(section):
    ledger = pd.read_csv(ROOT / "results" / STUDY / "claims.csv").set_index("claim")["verdict"]
    tests = pd.read_csv(ROOT / "results" / STUDY / "claim_tests.csv").set_index(["claim", "test"])
    said = section.split("**Erratum.**")[1].split("<!-- verdicts")[0]
    for claim, verdict in {
        "inverse_variance_flatness": "not replicated",
        "gap_decomposed": "replicated",
        "edge_is_best": "not replicated",
        "noise_correlation_time": "not replicated",
    }.items():
        assert ledger[claim] == verdict
        assert f"`{claim}` is *{verdict}*" in said
    assert tests.loc[("inverse_variance_flatness", "in_sample"), "settings_held"] == 8
    null = tests.loc["gap_decomposed"]  # the same margins, with losses dealt to other pairs
    assert null.loc["products_of_shuffled_losses", "ci_low"] > 0.95
    assert null.loc["correlation_of_shuffled_losses", "ci_high"] < 0.25
    times = tests.loc["noise_correlation_time"]  # in the published basis
    ends = times.loc[["relaxation_time_in_sample", "relaxation_time_of_noise_without_landscape"], ["ci_low", "ci_high"]]
    assert (ends["ci_high"] < 0).all()
    assert ends["ci_low"].max() < ends["ci_high"].min()  # the same within their intervals


def test_signs_are_what_readme_says_of_them():
    """Of the other two studies: as at the study's own stop."""
    for study in (STUDY, "mnist_published_stop", "mnist_published_window"):
        found = exponents(study)
        assert (found[["in_sample", "held_out", "hessian"]] > 0).all().all()
