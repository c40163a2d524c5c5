"""`luna-tui verify`: the ledger's own verification, and the base's files checked against every manifest."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.errors import Damaged
from engine.workspace.base_record import BASE_FACTS, read_base_record, render_record
from engine.workspace.layout import Workspace
from ledger.durable import read_bytes
from ledger.errors import LedgerError
from ledger.head import scan_log
from ledger.manifest import manifest_path, manifest_sha, read_manifest
from ledger.verify import Problem, VerifyReport, verify
from probes.base import ProgressCallback

_RECORD = "models/base/base.json"
_GGUF = "models/base/base.gguf"


def verify_workspace(workspace: Workspace, *, progress: ProgressCallback | None = None) -> VerifyReport:
    """Recompute every hash and every chain of the workspace and return the problems found.

    Changes nothing and never raises for a problem.
    """
    claims = _bases_in_manifests(workspace)
    problems = _check_record(workspace, claims)
    sha = next((facts["gguf_sha"] for facts in claims.values()), None) or _recorded_sha(workspace)
    base_files = {} if sha is None else {_GGUF: (workspace.base_dir / "base.gguf", sha)}
    report = verify(workspace.models, base_files=base_files, progress=progress)
    found = [*report.problems, *problems]
    checked = report.checked + (workspace.base_dir / "base.json").is_file()
    return VerifyReport(not found, checked, found, report.notes)


def _check_record(workspace: Workspace, claims: Mapping[int, Mapping[str, str]]) -> list[Problem]:
    """Compare base.json byte for byte with the manifests, which are hash-chained and so the better witness."""
    path = workspace.base_dir / "base.json"
    first: Mapping[str, str] | None = next(iter(claims.values()), None)
    problems = [
        Problem(gen, f"models/generations/{gen}/manifest.json", "names another base than the first generation does")
        for gen, facts in claims.items()
        if facts != first
    ]
    try:
        data = path.read_bytes()
        recorded = first if first is not None else read_base_record(workspace)
    except FileNotFoundError:
        return [*problems, Problem("base", _RECORD, "is missing")] if claims else problems
    except (OSError, Damaged) as error:
        return [*problems, Problem("base", _RECORD, f"cannot be read: {getattr(error, 'title', error)}")]
    if recorded is not None and data != render_record(recorded):
        source = "the manifests say of the base" if claims else "luna writes"
        problems.append(Problem("base", _RECORD, f"is not what {source}"))
    return problems


def _bases_in_manifests(workspace: Workspace) -> dict[int, dict[str, str]]:
    """Return what each manifest that head.log vouches for records of the base; the ledger reports the others."""
    claims: dict[int, dict[str, str]] = {}
    try:
        entries = scan_log(read_bytes(workspace.models / "head.log")).entries
    except LedgerError:
        return claims
    for entry in entries:
        if entry.action != "record" or entry.gen is None:
            continue
        path = manifest_path(workspace.models, entry.gen)
        try:
            if manifest_sha(path) == entry.manifest_sha:
                base = read_manifest(path).base
                claims[entry.gen] = {key: str(base.get(key)) for key in BASE_FACTS}
        except LedgerError:
            continue
    return claims


def _recorded_sha(workspace: Workspace) -> str | None:
    try:
        record = read_base_record(workspace)
    except Damaged:
        return None
    return None if record is None else record["gguf_sha"]
