# After all rules of tables and figures, of which claims speak.
try:
    ledger.check(CLAIMS, TABLES, FIGURES)
except InputError as error:
    sys.exit(f"config/claims.yaml: {error}")


rule decide_claims:
    """Verdict of every claim, by the rules of config/claims.yaml."""
    input:
        tables=lambda w: LAYOUT.tables_of(w.study),
    output:
        claims=report(
            f"results/{{study,{MADE}}}/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "verdicts"},
        ),
        tests=report(
            f"results/{{study,{MADE}}}/claim_tests.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "tests"},
        ),
        summary=f"results/{{study,{MADE}}}/claims.txt",
    localrule: True
    params:
        claims=CLAIMS,
        scale=lambda w: STUDIES[w.study]["scale"],
    script:
        "../scripts/decide_claims.py"


use rule decide_claims as decide_claims_on_published_tables with:
    # A claim one of whose tables is not kept is left as it was decided: the old ledger is read before the new one is written.
    input:
        tables=lambda w: LAYOUT.tables_of(w.study),
        # Snakemake has no note of the margins by which the published ledger was decided, so it goes by the time of the file.
        rules="config/claims.yaml",
    output:
        claims=update(f"results/{{study,{PUBLISHED}}}/claims.csv"),
        tests=update(f"results/{{study,{PUBLISHED}}}/claim_tests.csv"),
        summary=update(f"results/{{study,{PUBLISHED}}}/claims.txt"),
