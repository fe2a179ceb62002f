# After all rules of tables and figures, of which claims speak.
try:
    ledger.check(CLAIMS, TABLES, FIGURES)
except InputError as error:
    sys.exit(f"config/claims.yaml: {error}")

# Published studies that have every table that a claim needs.
DECIDED_ANEW = "|".join(LAYOUT.with_tables(ledger.tables_of_all(CLAIMS))) or "none"


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
    # Not those of a first edition, which lacks tables that today's claims need: its ledger stays as it was published.
    input:
        tables=lambda w: LAYOUT.tables_of(w.study),
        # Snakemake has no note of the margins by which the published ledger was decided, so it goes by the time of the file.
        rules="config/claims.yaml",
    output:
        claims=update(f"results/{{study,{DECIDED_ANEW}}}/claims.csv"),
        tests=update(f"results/{{study,{DECIDED_ANEW}}}/claim_tests.csv"),
        summary=update(f"results/{{study,{DECIDED_ANEW}}}/claims.txt"),
