"""A disk that is full or read-only, and a store that is damaged: one clear line, nothing lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.support.waiting import PATIENCE, exhaust, join

from journeytrace.identity import trace_id

if TYPE_CHECKING:
    from tests.e2e.conftest import Launch, Process

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
NOON = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z: no test is ever past its retention."""
MIB = 1024 * 1024

Mount = Callable[..., Path]


def body(session_id: str, fill: int = 0) -> bytes:
    """Give a request with one event."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = trace_id(session_id), b"12345678", "STEP_VIEW"
    span.start_time_unix_nano = span.end_time_unix_nano = NOON
    values = {"session.id": session_id, "journey.event.name": "STEP_VIEW", "fill": "x" * fill}
    span.attributes.extend(
        KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()
    )
    return request.SerializeToString()


def send(process: Process, session_id: str, fill: int = 0) -> grpc.StatusCode:
    """Send one event and give the answer's code."""
    with grpc.insecure_channel(process.grpc) as channel:
        try:
            channel.unary_unary(EXPORT)(body(session_id, fill), timeout=30)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
    return grpc.StatusCode.OK


def listed(process: Process) -> set[str]:
    """Give the ids of all sessions."""
    sessions = process.get("/api/v1/sessions?limit=1000")["sessions"]
    return {one["session_id"] for one in sessions}


def refused_start(process: Process) -> str:
    """Give the one line of a collector that did not start."""
    assert process.child.wait(PATIENCE) == 2
    told = process.log()
    assert told.count("\n") == 1, told
    return told


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount small file systems in memory, where the machine allows it."""
    mounted: list[Path] = []

    def begin(size: int) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        options = f"size={size},mode=777"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        with suppress(OSError):
            if (
                subprocess.run(
                    command, capture_output=True, check=False, timeout=PATIENCE
                ).returncode
                == 0
            ):
                mounted.append(folder)
                return folder
        pytest.skip("this machine lets us mount nothing")

    yield begin
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=PATIENCE)


def test_a_disk_that_is_full(launch: Launch, mount: Mount) -> None:
    """While it is full senders are told to come back; with room again all goes on by itself."""
    disk = mount(8 * MIB)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(4 * MIB))
    process = launch(data=disk / "data")
    stored: set[str] = set()

    def stored_one_more() -> bool:
        session_id = f"session-{len(stored)}"
        taken = send(process, session_id, 20_000) is grpc.StatusCode.OK
        stored.update([session_id] * taken)
        return taken

    exhaust("filling the disk", stored_one_more, most=1_000)
    assert len(stored) > 10
    refused = f"session-{len(stored)}"
    for _ in range(20):
        assert send(process, refused, 20_000) is grpc.StatusCode.UNAVAILABLE
    assert listed(process) == stored
    ballast.unlink()
    assert send(process, refused, 20_000) is grpc.StatusCode.OK
    assert listed(process) == stored | {refused}
    assert process.stop() == 0
    told = [line for line in process.log().splitlines() if "the store" in line]
    assert [line.split(": ", 1)[1] for line in told if ".ingest:" in line] == [
        "the store takes no data, senders are told to come back: database or disk is full",
        "the store takes data again",
    ]
    assert "Traceback" not in process.log()
    assert listed(launch(data=disk / "data")) == stored | {refused}


def test_a_start_on_a_full_disk(launch: Launch, mount: Mount) -> None:
    """Without room for a store the collector says so in one line and exits with 2."""
    disk = mount(1 * MIB)
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    told = refused_start(launch(data=disk / "data"))
    assert str(disk / "data") in told
    assert "full" in told or "No space" in told
    ballast.unlink()
    assert send(launch(data=disk / "data"), "session-1") is grpc.StatusCode.OK


def test_a_disk_that_is_read_only(launch: Launch, mount: Mount) -> None:
    """It is one line that names the folder; what was stored is there once it can be written."""
    disk = mount(8 * MIB)
    first = launch(data=disk / "data")
    assert send(first, "session-1") is grpc.StatusCode.OK
    assert first.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True, timeout=PATIENCE)
    told = refused_start(launch(data=disk / "data"))
    assert told == f"{disk / 'data'}: cannot be used as data folder: Read-only file system\n"
    assert "Read-only file system" in refused_start(launch(data=disk / "other"))
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True, timeout=PATIENCE)
    assert listed(launch(data=disk / "data")) == {"session-1"}


@pytest.mark.parametrize("which", ["folder", "lock", "journeys.sqlite"])
def test_what_may_not_be_written(launch: Launch, tmp_path: Path, which: str) -> None:
    """A folder or file without permission is one line that names it."""
    data = tmp_path / "data"
    first = launch()
    assert send(first, "session-1") is grpc.StatusCode.OK
    assert first.stop() == 0
    target = data if which == "folder" else data / which
    target.chmod(0o500 if which == "folder" else 0o400)
    # Only without this capability does root keep to permissions.
    capability = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    if capability and shutil.which("setpriv") is None:
        pytest.skip("root may write everything here")
    main = "from journeytrace_collector.cli import main; main()"
    addresses = [f"--{name}=127.0.0.1:0" for name in ("otlp-grpc", "otlp-http", "admin")]
    addresses.append("--desk=off")
    command = [*capability, sys.executable, "-c", main, "collector", "--data", str(data)]
    done = subprocess.run(
        [*command, *addresses], capture_output=True, check=False, text=True, timeout=PATIENCE
    )
    target.chmod(0o700)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(str(data))
    assert "denied" in done.stderr or "readonly" in done.stderr or "unable to open" in done.stderr
    assert listed(launch()) == {"session-1"}


@pytest.fixture
def store(launch: Launch, tmp_path: Path) -> Path:
    """The file of a store with sessions in it, at rest."""
    process = launch()
    for n in range(40):
        assert send(process, f"session-{n}", 3_000) is grpc.StatusCode.OK
    assert process.stop() == 0
    return tmp_path / "data" / "journeys.sqlite"


def test_a_file_that_is_no_store(launch: Launch, store: Path) -> None:
    """Another file in its place is one line that names it, and stays as it is."""
    store.write_bytes(b"not a database, but somebody's notes" * 1_000)
    before = store.read_bytes()
    told = refused_start(launch())
    assert told == f"{store}: cannot be used as a store: file is not a database\n"
    assert store.read_bytes() == before


def test_a_store_that_is_cut_off(launch: Launch, store: Path) -> None:
    """A store whose end is missing is one line, and not an empty store."""
    os.truncate(store, store.stat().st_size // 2)
    told = refused_start(launch())
    assert str(store.parent) in told
    assert "cannot be used as a store: database disk image is malformed" in told


@pytest.mark.parametrize("seed", range(3))
def test_a_store_that_is_damaged_inside(launch: Launch, store: Path, seed: int) -> None:
    """With pages overwritten it starts or refuses in one line; what it answers is never a 500."""
    random_ = random.Random(seed)
    with store.open("r+b") as file:
        for page in random_.sample(range(1, store.stat().st_size // 4096), 10):
            file.seek(page * 4096)
            file.write(random_.randbytes(4096))
    process = launch()
    if not process.admin:
        assert "malformed" in refused_start(process)
        return
    codes = {send(process, f"session-{n}") for n in range(60)}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    process.child.terminate()
    assert process.child.wait(PATIENCE) == 0
    assert "Traceback" not in process.log()


def test_a_store_that_is_damaged_while_running(launch: Launch, store: Path) -> None:
    """Senders are told to come back and readers get a 503, each with the reason; it lives on."""
    process = launch()
    with store.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(store.stat().st_size - 4096))
    assert send(process, "session-0") is grpc.StatusCode.UNAVAILABLE
    assert send(process, "new") is grpc.StatusCode.UNAVAILABLE
    status, told = process.ask("/api/v1/sessions")
    assert (status, "malformed" in told["error"]["message"]) == (503, True)
    process.child.terminate()
    assert process.child.wait(PATIENCE) == 0
    log = process.log()
    assert "Traceback" not in log
    assert log.count("takes no data, senders are told to come back: database disk image") == 1


def test_senders_side_by_side_on_a_full_disk(launch: Launch, mount: Mount) -> None:
    """What is acknowledged to many senders at once while the disk fills is there after a kill."""
    disk = mount(8 * MIB)
    process = launch(data=disk / "data")
    acknowledged: list[str] = []

    def fill(number: int) -> None:
        for n in range(200):
            session_id = f"session-{number}-{n}"
            if send(process, session_id, 20_000) is not grpc.StatusCode.OK:
                return
            acknowledged.append(session_id)

    threads = [threading.Thread(target=fill, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    join(*threads)
    process.kill()
    assert len(acknowledged) > 20
    subprocess.run(["mount", "-o", f"remount,size={16 * MIB}", disk], check=True, timeout=PATIENCE)
    assert set(acknowledged) <= listed(launch(data=disk / "data"))
