"""Validating crates without a network: the two contexts that a crate names, as far as ours use them, and the validator.

The published contexts, https://w3id.org/ro/crate/1.1/context and https://w3id.org/ro/terms/workflow-run/context, are CC0. Those
here hold only the terms of our crates, each mapped as there; a term that is missing in a context is dropped without a word, so
`terms_without_meaning` has to be empty before a validation says anything.
"""

import io
import json

import requests
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from urllib3 import HTTPResponse

SCHEMA_TYPES = (
    "ComputerLanguage",
    "ControlAction",
    "CreateAction",
    "CreativeWork",
    "Dataset",
    "DefinedTerm",
    "HowTo",
    "HowToStep",
    "Organization",
    "OrganizeAction",
    "Person",
    "PropertyValue",
    "SoftwareApplication",
    "SoftwareSourceCode",
)
SCHEMA_PROPERTIES = (
    "about",
    "actionStatus",
    "additionalProperty",
    "agent",
    "author",
    "contentSize",
    "dateModified",
    "datePublished",
    "description",
    "encodingFormat",
    "endTime",
    "hasPart",
    "identifier",
    "instrument",
    "license",
    "mainEntity",
    "mentions",
    "name",
    "object",
    "position",
    "programmingLanguage",
    "propertyID",
    "publisher",
    "result",
    "softwareRequirements",
    "startTime",
    "step",
    "unitCode",
    "unitText",
    "url",
    "value",
    "variableMeasured",
    "version",
    "workExample",
)
RO_CRATE = {term: f"http://schema.org/{term}" for term in (*SCHEMA_TYPES, *SCHEMA_PROPERTIES)} | {
    "File": "http://schema.org/MediaObject",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}
WORKFLOW_RUN = {term: f"https://w3id.org/ro/terms/workflow-run#{term}" for term in ("environment", "resourceUsage", "sha256")}
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": RO_CRATE,
    "https://w3id.org/ro/terms/workflow-run/context": WORKFLOW_RUN,
}
# Recommended, and not so in our crates: scripts are files of the project and have no absolute URI; developers have no web site.
EXCEPTIONS = {"process-run-crate-0.5_5.1", "ro-crate-1.1_31.2"}


class _Answers(requests.adapters.HTTPAdapter):
    """Answers every request with the same JSON-LD."""

    def __init__(self, context):
        super().__init__()
        self.body = json.dumps({"@context": context}).encode()

    def send(self, request, **_):
        headers = {"Content-Type": "application/ld+json"}
        return self.build_response(
            request, HTTPResponse(body=io.BytesIO(self.body), status=200, headers=headers, preload_content=False)
        )


def terms_of(crate):
    """Names of the types and properties in a crate."""
    found = set()
    for entity in crate["@graph"]:
        kinds = entity["@type"]
        found |= entity.keys() | set([kinds] if isinstance(kinds, str) else kinds)
    return {term for term in found if not term.startswith("@")}


def terms_without_meaning(crate):
    """Those terms of a crate that no context maps."""
    return terms_of(crate) - set().union(*CONTEXTS.values())


def failed_checks(folder, cache, severity="RECOMMENDED"):
    """What a crate does not fulfil of Provenance Run Crate 0.5: identifiers of checks with their severities.

    Args:
        folder: Of the crate.
        cache: Path of a file for the validator's copy of the contexts.
        severity: The least severity to check.
    """
    with CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1) as session:
        for url, context in CONTEXTS.items():
            session.mount(url, _Answers(context))
            # The headers with which rdflib and the validator ask: they are part of the key.
            for accept in ({"Accept": "application/ld+json, application/json, */*;q=0.1"}, {"Accept": "application/ld+json"}, {}):
                session.get(url, headers=accept)
    result = services.validate(
        ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="provenance-run-crate-0.5",
            offline=True,
            cache_path=cache,
            requirement_severity=Severity[severity],
        )
    )
    return {issue.check.identifier: issue.severity.name for issue in result.get_issues()}
