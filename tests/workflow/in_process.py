"""A study made in this process: what its jobs do one after the other, by the scripts' functions, on a data set that is there."""

import ast
import functools
import json
import runpy
import warnings

import matplotlib as mpl
import yaml

from running import ROOT
from sgdphysics.report import style
from sgdphysics.runs import run_id, settings_of
from sgdphysics.study import plans, studies

SCRIPTS = ROOT / "workflow" / "scripts"
CLAIMS = yaml.safe_load((ROOT / "config" / "claims.yaml").read_text(encoding="utf-8"))["claims"]
FIGURES = sorted(path.stem for path in (SCRIPTS / "figures").glob("*.py"))
PAPERS = ("feng2021", "yang2023", "feng2023")
MEASURED = {
    "feng2021": {
        "measure_fluctuations": ("fluctuations", "detrended", "spectra", "trajectory"),
        "measure_flatness": ("flatness", "slices", "minima"),
        "measure_noise": ("temperature", "checkpoints", "annealing", "homogeneity", "minibatches", "covariance"),
    }
}
SIMULATED = {
    "simulate_trajectories": {"trajectories": "yang2023_fig1", "landscape": "yang2023_fig1_landscape"},
    "solve_fokker_planck": {
        "densities": "yang2023_fig2_grid",
        "slopes": "yang2023_fig2_grid_slopes",
        "current": "yang2023_fig2_current",
        "two_valleys": "yang2023_fig2_two_valleys",
    },
    "simulate_langevin": {"densities": "yang2023_fig2", "slopes": "yang2023_fig2_slopes"},
    "simulate_phase_diagram": {"phases": "yang2023_fig3", "bounds": "yang2023_fig3_bounds"},
    "simulate_shaken_descent": {
        name: f"yang2023_fig3_{name}" for name in ("arrivals", "incidence", "survival", "drift", "stationary", "widths")
    },
    "simulate_toy_controls": {name: f"yang2023_fig3_{name}" for name in ("controls", "smoothing", "two_valleys")},
    "simulate_toy_edge": {name: f"yang2023_fig3_{name}" for name in ("order_parameter", "edge")},
}


@functools.cache
def script(path):
    """What a script defines, by name."""
    return runpy.run_path(str(SCRIPTS / f"{path}.py"), run_name="script")


def figure_tables(name):
    """Which tables a figure is drawn from, by the name that its script has for each, as its rule says."""
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow" / "rules").glob("figures_*.smk")))
    lines = rules.split(f"rule {name}:")[1].split("output:")[0].splitlines()
    pairs = [line.strip().rstrip(",").split("=") for line in lines if "/tables/" in line]
    return {key: value.strip('"').rsplit("/", 1)[1] for key, value in pairs}


class StudyInProcess:
    """A complete study in a folder.

    Args:
        folder: Where to make it.
        study: Its settings, complete.
        entry: Of its data set.
        dataset: File of the data set.
    """

    def __init__(self, folder, study, entry, dataset):
        self.folder, self.study, self.entry, self.dataset = folder, study, entry, dataset
        self.chunks = studies.chunks_of(study)
        for name in ("tables", "figures"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def make(self):
        """Do what every job does."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # jobs log them
            self.train()
            self.measure_feng2021()
            self.measure_others()
            self.simulate()
            self.tabulate()
            self.measure_controls()
            self.decide()
            for figure in FIGURES:
                self.draw(figure)
            for paper in PAPERS:
                self.narrate(paper)

    def table(self, name):
        return self.folder / "tables" / f"{name}.csv"

    def edge_tables(self, names):
        return {key: self.table(f"yang2023_fig4_{name}") for key, name in names.items()}

    def of_chunk(self, chunk, name):
        return self.folder / f"{chunk.ensemble}-{chunk.name}-{name}"

    def networks(self, section):
        return [self.of_chunk(chunk, "runs.safetensors") for chunk in studies.chunks_of(self.study, section)]

    def measured(self, section, name):
        return [self.of_chunk(chunk, f"{name}.csv") for chunk in studies.chunks_of(self.study, section)]

    def train(self):
        for chunk in self.chunks:
            script("train_ensemble")["train"](
                self.dataset,
                chunk.dataset,
                [settings_of(run) for run in chunk.runs],
                chunk.checkpoints["per_decade"],
                chunk.checkpoints["losses"],
                chunk.checkpoints["epochs"],
                self.of_chunk(chunk, "runs.safetensors"),
            )

    def measure_feng2021(self):
        settings, reference = self.study["feng2021"], studies.reference_runs(self.study)
        for chunk in studies.chunks_of(self.study, "feng2021"):
            members = {run_id(run, chunk.dataset) for run in chunk.runs}
            among = {
                "reference_runs": [name for name in reference if name in members],
                "drawn_runs": [name for name in reference[:1] if name in members],
            }
            for rule, names in MEASURED["feng2021"].items():
                further = among if rule != "measure_flatness" else {"reference_runs": among["reference_runs"]}
                if rule == "measure_noise":
                    further = {**further, "flatness_path": self.of_chunk(chunk, "flatness.csv")}
                script(rule)["measure"](
                    runs_path=self.of_chunk(chunk, "runs.safetensors"),
                    windows_path=self.of_chunk(chunk, "windows.safetensors"),
                    dataset_path=self.dataset,
                    settings=settings,
                    tables={name: self.of_chunk(chunk, f"{name}.csv") for name in names},
                    **further,
                )

    def measure_others(self):
        reference, networks = studies.reference_runs(self.study), self.networks("feng2021")
        table = self.table("feng2021_published")
        script("measure_published")["measure"](networks, self.dataset, reference, self.study["feng2021"], table)
        edge, sweeps = self.study["yang2023"]["edge"], self.study["feng2023"]
        for chunk in studies.chunks_of(self.study, "yang2023"):
            runs, table = (self.of_chunk(chunk, name) for name in ("runs.safetensors", "generalization.csv"))
            script("measure_generalization")["measure"](runs, self.dataset, edge["layer"], edge["sharpest_directions"], table)
        parts = {"talk_example": studies.talk_runs(self.study), **studies.followed_runs(self.study)}
        networks = sorted({*self.networks("yang2023"), *self.networks(studies.FOLLOWED)})
        names = {"outcomes": "outcomes", "sharpness": "batch_sharpness", "followed": "followed"}
        script("measure_edge")["measure"](networks, self.dataset, parts, edge, self.edge_tables(names))
        for chunk in studies.chunks_of(self.study, "feng2023"):
            names = ("points", "spectra", "gauges", "published")
            tables = {name: self.of_chunk(chunk, f"duality_{name}.csv") for name in names}
            script("measure_duality")["measure"](self.of_chunk(chunk, "runs.safetensors"), self.dataset, sweeps, tables)
        networks, reference = self.networks("feng2023"), studies.reference_runs_of_sweeps(self.study)
        names = {
            "pairs": "fig1",
            "matching": "fig1_matching",
            "directions": "fig2_directions",
            "shifts": "fig2_shifts",
            "metric": "fig2_metric",
            "gauges": "fig2_gauges",
            "gauge_numbers": "fig2_gauge_numbers",
        }
        tables = {key: self.table(f"feng2023_{name}") for key, name in names.items()}
        script("measure_pairs")["measure"](networks, self.dataset, reference, sweeps, tables)
        dropout = studies.dropout_runs(self.study)
        script("measure_dropout")["measure"](networks, self.dataset, dropout, sweeps, self.folder / "dropout.csv")
        script("rescale_networks")["rescale"](networks, self.dataset, reference, sweeps, self.table("feng2023_fig6"))

    def simulate(self):
        toy, seeds = self.study["yang2023"]["toy"], self.study["yang2023"]["seeds"]
        for rule, names in SIMULATED.items():
            tables = {name: self.table(table) for name, table in names.items()}
            if rule == "solve_fokker_planck":
                script(rule)["solve"](toy, tables)
                continue
            one = rule in ("simulate_trajectories", "simulate_phase_diagram")
            script(rule)["simulate"](toy, seeds[0] if one else seeds, tables)

    def tabulate(self):
        settings = self.study["feng2021"]
        runs = self.table("feng2021_runs")
        script("tabulate_feng2021_runs")["tabulate"](self.networks("feng2021"), studies.reference_runs(self.study), runs)
        measured = {name: self.measured("feng2021", name) for names in MEASURED["feng2021"].values() for name in names}

        def tables(figure, first, *others):
            names = {first: figure} | {other: f"{figure}_{other}" for other in others}
            return {key: self.table(f"feng2021_{name}") for key, name in names.items()}

        outputs = tables("fig1", "spectra", "dimension", "trajectory")
        script("tabulate_feng2021_fig1")["tabulate"](runs, measured["spectra"], measured["trajectory"], outputs)
        outputs = tables("fig2", "directions", "exponents", "longer_exponents", "slices", "minima")
        weights = plans.studied_weights(settings, self.entry)
        script("tabulate_feng2021_fig2")["tabulate"](runs, measured, settings["directions"], weights, outputs)
        table = self.table("feng2021_ladder")
        script("tabulate_feng2021_ladder")["tabulate"](runs, measured, settings["directions"], weights, table)
        outputs = tables("fig3", "directions", "correlation_times", "minibatches", "covariance", "homogeneity")
        chosen = {name: measured[name] for name in script("tabulate_feng2021_fig3")["MEASURED"]}
        script("tabulate_feng2021_fig3")["tabulate"](self.table("feng2021_fig2"), runs, chosen, outputs)
        outputs = tables("fig4", "annealing", "checkpoints", "temperature_fits", "equal_loss")
        losses = settings["equal_losses"]
        script("tabulate_feng2021_fig4")["tabulate"](self.table("feng2021_fig2"), runs, measured, losses, outputs)
        outputs = {"runs": "yang2023_fig4", "settings": "yang2023_fig4_settings", "lines": "yang2023_fig4_lines"}
        outputs = {key: self.table(name) for key, name in outputs.items()}
        talk_runs = studies.talk_runs(self.study)
        script("tabulate_yang2023_fig4")["tabulate"](self.measured("yang2023", "generalization"), talk_runs, outputs)
        measured = self.edge_tables({name: name for name in ("outcomes", "followed")})
        names = ("setting_outcomes", "bends", "asymmetry", "flatness", "flatness_lines", "scales", "scale_lines")
        controls = self.edge_tables({name: name for name in names})
        weak_noise = self.study["yang2023"]["edge"]["weak_noise"]
        script("tabulate_yang2023_fig4_controls")["tabulate"](outputs["runs"], measured, weak_noise, controls)
        of_sweeps = {name: self.measured("feng2023", f"duality_{name}") for name in ("points", "spectra", "gauges")}
        of_sweeps["dropout"] = [self.folder / "dropout.csv"]
        outputs = {name: self.table(f"feng2023_{name}") for name in ("points", "spectra", "gauges", "settings", "effects")}
        outputs["dropout"] = self.table("feng2023_fig5_dropout")
        script("tabulate_feng2023")["tabulate"](studies.swept_runs(self.study), of_sweeps, outputs)
        published = {"points": "published", "spectra": "published_spectra", "factors": "published_factors"}
        published = {name: self.table(f"feng2023_{table}") for name, table in published.items()}
        measured = self.measured("feng2023", "duality_published")
        script("tabulate_feng2023_published")["tabulate"](outputs["points"], measured, published)

    def measure_controls(self):
        """What is set beside the reference setting of feng2021, whose tables are there."""
        settings, reference = self.study["feng2021"], studies.reference_runs(self.study)
        controls, others = settings["controls"], self.networks("feng2021_controls")
        inputs = {"runs_table": "feng2021_runs", "directions": "feng2021_fig2", "exponents": "feng2021_fig2_exponents"}
        inputs = {key: self.table(name) for key, name in inputs.items()}
        outputs = {
            "windows": "windows",
            "growth": "windows_growth",
            "crossovers": "windows_crossovers",
            "frozen_layers": "frozen_layers",
        }
        outputs = {key: self.table(f"feng2021_{name}") for key, name in outputs.items()}
        windows = [self.of_chunk(chunk, "windows.safetensors") for chunk in studies.chunks_of(self.study, "feng2021")]
        lengths, networks = controls["nested_window_epochs"], self.networks("feng2021")
        script("measure_nested_windows")["measure"](networks, windows, self.dataset, inputs, settings, lengths, reference, outputs)
        paired = self.table("feng2021_paired_runs")
        script("measure_paired_runs")["measure"]([*networks, *others], self.dataset, settings, reference, paired)
        label_noise, exponents = self.table("feng2021_fig4_label_noise"), self.table("feng2021_fig4_local_exponents")
        script("measure_label_noise")["measure"](others, self.dataset, settings, label_noise)
        widths = self.table("feng2021_fig1_width")
        script("measure_widths")["measure"]([*networks, *others], self.dataset, settings, reference, widths)
        annealing, decades = self.table("feng2021_fig4"), controls["exponent_decades"]
        script("tabulate_local_exponents")["tabulate"](annealing, label_noise, decades, exponents)
        inputs = [self.table(f"feng2021_{name}") for name in ("runs", "fig2", "windows")]
        outputs = {"ratios": self.table("beyond_fig6"), "medians": self.table("beyond_fig6_medians")}
        script("tabulate_beyond_fig6")["tabulate"](*inputs, self.measured("feng2021", "detrended"), outputs)

    def decide(self):
        outputs = {"claims": "claims.csv", "tests": "claim_tests.csv", "summary": "claims.txt"}
        outputs = {key: self.folder / name for key, name in outputs.items()}
        tables = sorted((self.folder / "tables").glob("*.csv"))
        script("decide_claims")["decide"](CLAIMS, tables, self.study["scale"], "random", outputs)

    def draw(self, name):
        """One of the figures."""
        figure = script(f"figures/{name}")
        inputs = {key: self.folder / "tables" / table for key, table in figure_tables(name).items()}
        draw = figure["draw"]
        if name == "feng2023_fig5_supplement":
            draw = functools.partial(draw, studied=self.study["feng2023"]["layer"])
        with mpl.rc_context({"savefig.dpi": 30}):
            style.make_figure(draw, figure["TABLES"], inputs, [self.folder / "figures" / f"{name}.png"])

    def narrate(self, paper):
        """The cells of a paper's notebook, and what each shows."""
        cells = json.loads((ROOT / "workflow" / "notebooks" / f"{paper}.ipynb").read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        names = {"study": "random", "stated": {}, "compared": [], "settings": {**self.study[paper], "data": "random images"}}
        folders = {"tables": "tables", "ledger": ".", "figures": "figures"}
        names |= {key: str(self.folder / name) for key, name in folders.items()}
        names["captions"] = str(ROOT / "workflow" / "report")
        for source in sources[1:]:
            show(source, names)


def show(source, names):
    """Execute a cell, and make what it shows."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    if last is not None:
        shown = eval(compile(last, "cell", "eval"), names)
        if hasattr(shown, "_repr_mimebundle_"):
            shown._repr_mimebundle_()
