"""Every way by which appointments come in: a kind that is added is named here."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.remote.cliniko import ClinikoHarness
from tests.contract.remote.database import DatabaseHarness
from tests.contract.remote.fhir import FhirHarness
from tests.contract.remote.folder import FileHarness, FolderHarness
from tests.contract.remote.harness import Harness, RemoteHarness
from tests.contract.remote.link import LinkHarness
from tests.contract.remote.nookal import NookalHarness

REMOTE: Mapping[str, type[RemoteHarness]] = {
    each.kind: each
    for each in (
        LinkHarness,
        ClinikoHarness,
        DatabaseHarness,
        FhirHarness,
        NookalHarness,
    )
}
EVERY: Mapping[str, type[Harness]] = {
    **{each.kind: each for each in (FileHarness, FolderHarness)},
    **REMOTE,
}
