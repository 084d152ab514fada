"""``journeytrace report`` and ``verify``, against a real collector that has a key."""

from __future__ import annotations

import io
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from pypdf import PdfReader
from rich.console import Console
from tests.support.events import MINUTE
from tests.support.reported import reviewed
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE
from typer.testing import CliRunner, Result

from journeytrace.catalogue import builtin_catalogue
from journeytrace_collector.cli import app, terminal
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.process import Collector
from journeytrace_collector.settings.report import Report
from journeytrace_collector.store.opening import open_store

Run = Callable[..., Result]
SESSION = "018f3b5e-0000-7000-8000-000000000001"
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = serialization.Encoding.PEM


def run(*words: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Files with the private and the public key."""
    folder = tmp_path_factory.mktemp("keys")
    none = serialization.NoEncryption()
    private, public = folder / "key.pem", folder / "public.pem"
    private.touch(0o600)
    private.write_bytes(KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, none))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(KEY.public_key().public_bytes(PEM, form))
    return private, public


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, Path]) -> Iterator[str]:
    """Address of a collector that signs, and has one session that was reviewed."""
    data = tmp_path_factory.mktemp("store") / "data"
    settings = free_settings(data, report=Report(key_file=keys[0]))
    now = time.time_ns() - 60 * MINUTE
    with closing(open_store(settings, builtin_catalogue())) as store:
        store.write(reviewed(now, session_id=SESSION))
    with enter_in_background() as enter:
        yield f"http://{enter(Collector(settings)).admin}"


@pytest.fixture(scope="module")
def report(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that the command has written."""
    file = tmp_path_factory.mktemp("written") / "report.pdf"
    written = run("report", SESSION[:8], "-o", file, "--url", url)
    assert written.exit_code == 0, written.output
    assert re.search(r"bytes, signed by the key [0-9a-f]{16}, SHA-256 [0-9a-f]{64}", written.stdout)
    return file


def told(url: str, path: str) -> Any:
    """Ask the API."""
    with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=PATIENCE) as answer:  # noqa: S310
        return json.load(answer)


def test_what_is_written_verifies(report: Path, keys: tuple[Path, Path]) -> None:
    """The report verifies with the public key and without, and what was not checked is told."""
    signed = run("verify", report, "--key", keys[1])
    assert signed.exit_code == 0
    assert "is as it was sealed." in signed.stdout
    assert "the one given, over every byte of the file" in signed.stdout
    unasked = run("verify", report)
    assert unasked.exit_code == 0
    assert "not checked: name the public key with --key" in unasked.stdout


def test_a_changed_byte_is_told(report: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    """It ends with 1, and says so in plain words."""
    file = bytearray(report.read_bytes())
    file[len(file) // 2] ^= 1
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(file)
    for words in ((), ("--key", keys[1])):
        answer = run("verify", changed, *words)
        assert answer.exit_code == 1
        assert "is NOT as it was sealed." in answer.stdout
        assert "at least one byte was changed" in answer.stdout


def test_what_cannot_be_checked_ends_with_2(report: Path, tmp_path: Path) -> None:
    """A file that is missing, or a key that is none, is named."""
    missing = run("verify", tmp_path / "none.pdf")
    assert (missing.exit_code, "cannot be read: No such file" in missing.stderr) == (2, True)
    no_key = run("verify", report, "--key", report)
    assert (no_key.exit_code, "no public Ed25519 key" in no_key.stderr) == (2, True)


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(
    report: Path, keys: tuple[Path, Path], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is longer than a terminal is wide, and nothing is cut."""
    out = io.StringIO()
    wide = Console(file=out, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(terminal, "console", lambda: wide)
    short = report.with_name("r.pdf")
    short.write_bytes(report.read_bytes())
    monkeypatch.chdir(report.parent)
    assert run("verify", short.name, "--key", keys[1]).exit_code == 0
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    digest = json.dumps("".join("".join(lines).split()))
    assert re.search(r"SHA-256[0-9a-f]{64}", digest)


def test_the_attachment_is_what_the_api_tells(url: str, report: Path) -> None:
    """But for the report itself, and which order is certain, byte by byte the same JSON values."""
    [body] = PdfReader(report).attachments["events.json"]
    events = told(url, f"sessions/{SESSION}/events")["events"]
    for one in events:
        del one["order_certain"]
    assert json.loads(body)["events"] == [one for one in events if one["name"] != "REPORT_ISSUED"]


def test_the_same_report_is_issued_once(url: str, report: Path, tmp_path: Path) -> None:
    """Asking again gives the same bytes, and the session has one event with hash and key."""
    again = tmp_path / "again.pdf"
    assert run("report", SESSION, "-o", again, "--url", url).exit_code == 0
    assert again.read_bytes() == report.read_bytes()
    events = told(url, f"sessions/{SESSION}/events?source=OP")["events"]
    [issued] = [one for one in events if one["name"] == "REPORT_ISSUED"]
    assert issued["actor"] == "admin"
    assert set(issued["attributes"]) >= {"journey.report.sha256", "journey.report.key"}


def test_what_is_wrong_is_told(url: str, tmp_path: Path) -> None:
    """A session that is unknown, or a file that cannot be written, ends with 1."""
    unknown = run("report", "nobody", "-o", tmp_path / "x.pdf", "--url", url)
    assert (unknown.exit_code, "no session has the id" in unknown.stderr) == (1, True)
    unwritable = run("report", SESSION, "-o", tmp_path / "no" / "x.pdf", "--url", url)
    assert (unwritable.exit_code, "cannot be written" in unwritable.stderr) == (1, True)


def test_a_key_for_everybody_is_refused(keys: tuple[Path, Path], tmp_path: Path) -> None:
    """As other secrets are, and the key is read when the collector starts."""
    file = tmp_path / "key.pem"
    file.write_bytes(keys[0].read_bytes())
    file.chmod(0o604)
    with pytest.raises(ValueError, match="can be read or replaced by everybody"):
        Report(key_file=file)
    file.chmod(0o600)
    file.write_text("no key")
    settings = free_settings(tmp_path / "data", report=Report(key_file=file))
    with enter_in_background() as enter, pytest.raises(ConfigError, match=r"report\.key_file"):
        enter(Collector(settings))
