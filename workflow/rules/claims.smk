rule decide_claims:
    """Verdict of every claim, by the rules of config/claims.yaml."""
    input:
        tables=lambda w: [f"results/{w.study}/tables/{table}.csv" for table in TABLES],
        code=code("scripts/decide_claims.py"),
    output:
        claims=report(
            "results/{study}/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "verdicts"},
        ),
        tests=report(
            "results/{study}/claim_tests.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "tests"},
        ),
        summary="results/{study}/claims.txt",
    log:
        "results/{study}/logs/decide_claims.log",
    benchmark:
        "results/{study}/benchmarks/decide_claims.tsv"
    conda:
        "../../envs/compute.yaml"
    threads: 1
    params:
        claims=CLAIMS,
        scale=lambda w: STUDIES[w.study]["scale"],
        code=digest("scripts/decide_claims.py"),
    script:
        "../scripts/decide_claims.py"
