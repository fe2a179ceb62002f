# What the end of the Snakefile calls, and its handlers before the first job and after the last. No rules here.


def check_wanted():
    """Stop with one line where a file is asked for that a published study lacks the tables for."""
    try:
        LAYOUT.check_wanted(sys.argv)
    except InputError as error:
        sys.exit(str(error))


def check_data_to_make():
    """Stop with one line where the files of a data set that is to be made are not as they must be."""
    names = {"fetch_idx": set(), "prepare_dataset": set()}
    for job in workflow.dag.needrun_jobs():
        if job.rule.name in names:
            names[job.rule.name].add(job.wildcards.dataset)
    try:
        check_own(names["prepare_dataset"], DATASETS)
        if CONFIGURATION.mirror is not None:
            check_mirror(names["fetch_idx"], DATASETS, CONFIGURATION.mirror)
    except InputError as error:
        sys.exit(str(error))


def check_modules():
    """Stop with one line where what plans the jobs is in part a module that no record would name."""
    try:
        modules.check(modules.files_of(sys.modules))
    except InputError as error:
        sys.exit(str(error))


def published_sums():
    """Sums of what was kept of the results of studies whose tables are taken, by their records."""
    recorded = [name for name in LAYOUT.taken if published.has_record(Path(), name)]
    return {
        path: total
        for record in (reading.load(Path(), name) for name in recorded)
        for path, total in record.sums.items()
        if path.startswith(("results/", "figures/")) and not record.leaves_out(path)
    }


def tell_expected_seconds(study):
    """Tell whoever shows progress how long a job of each rule takes, by the plan of the study."""
    try:
        jobs = plans.jobs_of(STUDIES, study, DATASETS, COSTS)
    except InputError:  # nothing is known of the data
        return
    other = COSTS["start_seconds"] + COSTS["other_jobs"]["seconds"]
    planned = {"all": 0.0, **plans.seconds_by_rule(jobs, COSTS)}
    names = [declared.name for declared in workflow.rules]
    expected = {name: planned.get(name, other) for name in names}
    logger.info("", extra={"expected_seconds": expected})


def print_summary(study):
    """The anchor of the study, the verdicts and where to look, if this invocation made the report."""
    page, record = (
        Path(f"results/{study}/{name}")
        for name in ("report/index.html", "provenance/ro-crate-metadata.json")
    )
    if page.is_file() and page.stat().st_mtime >= START:
        manifest = record.with_name("manifest.txt")
        anchor = confirmation.line(study, files.sha256_of(manifest))
        lines = [
            f"Record: {record}, confirmed by the {anchor}\n",
            Path(f"results/{study}/claims.txt").read_text(encoding="utf-8"),
        ]
        logger.info("\n".join(lines), extra={"comes_last": True})
