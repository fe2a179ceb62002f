# Data sets, kept in data/ so that cleaning results/ does not fetch them again.
from sgdphysics import idx_folders

IDX_FILES = list(idx_folders.IDX_FILES.values())
DOWNLOADED = [n for n, entry in DATASETS.items() if entry["kind"] == "idx_download"]
OWN = {n: e["directory"] for n, e in DATASETS.items() if e["kind"] == "idx_directory"}
# The user's own files are inputs as far as they are there; the script names a missing one.
IDX_INPUTS = {
    **{name: [] for name in DATASETS},
    **{
        name: expand(f"data/{name}/{{file}}", file=[*IDX_FILES, "sources.json"])
        for name in DOWNLOADED
    },
    **{name: idx_folders.files_in(folder) for name, folder in OWN.items()},
}
# The code that makes one data set is that of its own source: a further data set makes no other again.
SOURCES = {
    name: f"lib/sgdphysics/sources/{entry.get('loader', 'idx')}.py"
    for name, entry in DATASETS.items()
}


rule fetch_idx:
    """Fetch the four files of a data set from a local folder or the network; nothing is kept that has another checksum."""
    output:
        files=expand("data/{{dataset}}/{file}", file=IDX_FILES),
        sources="data/{dataset}/sources.json",
    log:
        "data/logs/fetch_idx/{dataset}.log",
    wildcard_constraints:
        dataset="|".join(DOWNLOADED) or "none",
    # The script itself tries each mirror again; a folder does not get better by waiting.
    retries: 0 if config["mirror"] else 1
    localrule: True
    params:
        files=lambda wildcards: DATASETS[wildcards.dataset]["files"],
        # Where to look must be no reason to fetch again: the checksums decide what is good. Snakemake does not compare
        # params that derive from the threads.
        mirror=lambda wildcards, threads: config["mirror"],
        urls=lambda wildcards, threads: DATASETS[wildcards.dataset]["mirrors"],
    script:
        "../scripts/fetch_idx.py"


rule prepare_dataset:
    """Make one checked file of a data set, from a package or from IDX files."""
    input:
        files=lambda wildcards: IDX_INPUTS[wildcards.dataset],
        code=lambda wildcards: CODE.behind(
            "scripts/prepare_dataset.py", SOURCES[wildcards.dataset]
        ),
    output:
        dataset="data/{dataset}.safetensors",
    log:
        "data/logs/prepare_dataset/{dataset}.log",
    params:
        entry=lambda wildcards: {
            key: value
            for key, value in DATASETS[wildcards.dataset].items()
            if key != "mirrors"
        },
        directory=lambda wildcards: OWN.get(
            wildcards.dataset, f"data/{wildcards.dataset}"
        ),
        code=lambda wildcards, input: CODE.digest(*input.code),
    script:
        "../scripts/prepare_dataset.py"
