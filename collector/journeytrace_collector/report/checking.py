"""What can be said of a file that is said to be a report: pure."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from journeytrace_collector.report.seal import NotSealedError, read

if TYPE_CHECKING:
    from journeytrace_collector.report.key import PublicKey

__all__ = ["LARGEST", "Checked", "Line", "check"]

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file that is looked at."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    what: str
    found: str
    """In plain words."""
    good: bool | None
    """None: it was not checked, or is no more than told."""


@dataclass(frozen=True, slots=True)
class Checked:
    """All of it."""

    lines: list[Line] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        """Whether nothing was found to be wrong, and the file is sealed."""
        return bool(self.lines) and all(line.good is not False for line in self.lines)


def check(file: bytes, key: PublicKey | None) -> Checked:
    """Check a file by its seal; `key`: with which it has to be signed, None: nobody said."""
    told = Line("File", f"{len(file):,} bytes, SHA-256 {sha256(file).hexdigest()}", None)
    try:
        seal = read(file)
    except NotSealedError as error:
        wrong = f"None that can be read, for {error}: no report, or one that was changed or cut."
        return Checked([told, Line("Seal", wrong, False)])
    lines = [told, _hash(whole=seal.is_whole)]
    if key is None:
        lines.append(_unchecked(seal.key_id))
    elif seal.key_id is None:
        lines.append(Line("Signature", "Missing: nobody signed this file.", False))
    elif seal.key_id != key.key_id:
        other = f"By the key {seal.key_id}, and not by the one given, {key.key_id}."
        lines.append(Line("Signature", other, False))
    elif not key.has_signed(seal.signed, seal.signature):
        wrong = f"Not one of the key {key.key_id} over this file: it was changed, or forged."
        lines.append(Line("Signature", wrong, False))
    else:
        right = f"By the key {key.key_id}, the one given, over every byte of the file."
        lines.append(Line("Signature", right, True))
    # What is not as it was sealed is not read any further.
    if all(line.good is not False for line in lines):
        lines.append(_events(file))
    return Checked(lines)


def _hash(*, whole: bool) -> Line:
    if whole:
        return Line("Seal", "Every byte is as it was sealed.", True)
    return Line("Seal", "Not as it was sealed: at least one byte was changed.", False)


def _unchecked(key_id: str | None) -> Line:
    if key_id is None:
        said = (
            "None. The seal tells a file that was damaged or changed by accident, but not one that"
            " was made anew by somebody who wants to deceive."
        )
    else:
        said = f"By the key {key_id}, not checked: name the public key with --key."
    return Line("Signature", said, None)


def _events(file: bytes) -> Line:
    try:
        from pypdf import PdfReader  # noqa: PLC0415
    except ImportError:
        said = "Not looked at, for pypdf is not installed: pip install 'journeytrace[report]'"
        return Line("Events", said, None)
    try:
        [body] = PdfReader(io.BytesIO(file)).attachments["events.json"]
        number = len(json.loads(body)["events"])
    except Exception as error:
        return Line("Events", f"Cannot be read out of the file: {error}", False)
    return Line("Events", f"{number:,} attached, SHA-256 {sha256(body).hexdigest()}", None)
