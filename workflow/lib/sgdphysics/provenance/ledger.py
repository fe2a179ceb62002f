"""What the ledger of a study says of one claim, and whether what decided it still is what it was."""

import csv
import io
from collections.abc import Iterable, Mapping, Set

from sgdphysics.errors import InputError
from sgdphysics.provenance.on_disk import Found, content_of
from sgdphysics.provenance.record import Record
from sgdphysics.provenance.states import (
    INTACT,
    NO_RECORD,
    TAMPERED,
    UNKNOWN,
    Cause,
    Verdict,
    changed_upstream,
    is_from_upstream,
    unknown_upstream,
    worst,
)

SETTINGS_CAUSES = {Cause.OTHER_PARAMETERS, Cause.OTHER_SETTINGS, Cause.UNREADABLE_SETTINGS, Cause.SETTINGS_NOT_AT_HAND}
ROW = {"verdict", "statistic", "value", "ci_low", "ci_high", "n_seeds"}


class UnknownClaimError(InputError):
    """The ledger of a study has no such claim."""


def path_of_ledger(record: Record) -> str:
    """Return the path of the table with a row for each claim."""
    return f"results/{record.study}/claims.csv"


def tables_of_claim(record: Record, claim: str) -> list[str]:
    """Return the paths of the tables from which a claim was decided, as the study's ``claim_tests.csv`` has it.

    Raises:
        InputError: If there is no such claim or no such file.
    """
    return _tables_of(record, claim)


def row_of_claim(record: Record, claim: str) -> dict[str, str]:
    """Return a claim's row of the ledger as it stands there; raises `InputError` where there is none."""
    return _rows(record, path_of_ledger(record), claim, ROW)[0]


def verdict_of_claim(record: Record, claim: str, states: Mapping[str, Verdict]) -> Verdict:
    """Return the state of one claim's row: that of the ledger's bytes, of the tables that decided it, and of the code that did."""
    ledger, tests = path_of_ledger(record), _path_of_tests(record)
    verdict, job = states.get(ledger, NO_RECORD), record.maker.get(ledger)
    if _is_doubtful(verdict) or job is None:
        return verdict
    if _is_doubtful(states.get(tests, NO_RECORD)):
        return Verdict(Cause.DOUBTFUL_TABLES, (tests,))
    if absent := tables_not_kept(record, states, tables_of_claim(record, claim)):
        return Verdict(Cause.DECIDED_BY_LEFT_OUT, (absent[0],))
    if verdict.state == INTACT:
        return verdict
    sources = [*record.names_of_code(job), *tables_of_claim(record, claim)]
    upstream = {name: states.get(name, NO_RECORD) for name in sources}
    by_settings = verdict if verdict.cause in SETTINGS_CAUSES else None
    return worst(changed_upstream(upstream), by_settings, unknown_upstream(upstream)) or Verdict()


def tables_not_kept(record: Record, states: Mapping[str, Verdict], tables: Iterable[str] | None = None) -> list[str]:
    """Return those of some tables, or of all that decided any claim, that are not here, whether the record tells of them or not."""
    if tables is None:
        try:
            tables = _tables_of(record, None)
        except InputError:  # which an audit tells of the file itself
            return []
    return [
        path
        for path in tables
        if states.get(path, NO_RECORD).cause in (Cause.EVIDENCE_LEFT_OUT, Cause.NO_RECORD) and record.found(path) == Found()
    ]


def tables_in(texts: Iterable[str], study: str) -> list[str]:
    """Return the paths of the tables that tests name, each once, from their column "tables"."""
    names = {name for text in texts for name in text.split("; ") if name}
    return [f"results/{study}/tables/{name}.csv" for name in sorted(names)]


def _tables_of(record: Record, claim: str | None) -> list[str]:
    """Those of a claim, or of all claims."""
    return tables_in((row["tables"] for row in _rows(record, _path_of_tests(record), claim, {"tables"})), record.study)


def _is_doubtful(verdict: Verdict) -> bool:
    """Whether a file's own bytes are not those of the record, or not known to be."""
    return verdict.state in (TAMPERED, UNKNOWN) and not is_from_upstream(verdict)


def _path_of_tests(record: Record) -> str:
    return f"results/{record.study}/claim_tests.csv"


def _rows(record: Record, path: str, claim: str | None, columns: Set[str]) -> list[dict[str, str]]:
    """Rows of a claim, or of all claims."""
    try:
        content = content_of(record.root / path)
        if content is None:
            raise KeyError
        rows = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
        rows_of_claim = [row for row in rows if claim in (None, row["claim"])]
        if any(row.get(column) is None for row in rows_of_claim for column in columns):
            raise KeyError
    except (KeyError, csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable table of claims ({type(error).__name__})") from None
    if not rows_of_claim:
        known = sorted({str(row["claim"]) for row in rows})
        raise UnknownClaimError(f"--claim: found {claim!r}, expected one of {', '.join(known)}")
    return rows_of_claim
