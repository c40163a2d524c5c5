"""SHA-256 of files, bytes and text, and the canonical JSON form that is hashed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ledger.durable import write_durable

__all__ = ["canonical_json", "sha256_bytes", "sha256_file", "sha256_text", "short_sha", "write_durable"]


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits, as `sha256sum` prints it.

    Raises OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_text(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes as 64 hex digits."""
    return sha256_bytes(text.encode("utf-8"))


def canonical_json(value: object) -> str:
    """Return the one text that equal values share: sorted keys, no spaces, no ASCII escapes.

    Raises ValueError for NaN and infinities.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def short_sha(sha: str) -> str:
    """Return the first 8 hex digits, enough to tell generations apart on a screen."""
    return sha[:8]
