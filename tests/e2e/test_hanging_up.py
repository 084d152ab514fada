"""Whoever leaves amid a request has made no fault of ours."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.support.running import enter_in_background, free_settings
from tests.support.waiting import PATIENCE

from journeytrace_collector.process import Collector
from journeytrace_collector.settings import Address

HALF = (
    "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nSec-Fetch-Site: same-origin\r\n"
    "Content-Length: 9000\r\n\r\n[1"
)
FORM = "application/x-www-form-urlencoded"


def alive(collector: Collector) -> None:
    """Ask for something else: what came before it has been looked at then."""
    with urlopen(f"http://{collector.admin}/healthz", timeout=PATIENCE) as answer:
        assert answer.status == 200


def test_half_a_request_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On the admin port and at the desk, who hangs up amid a body fills no log."""
    caplog.set_level(logging.ERROR)
    with enter_in_background() as enter:
        collector = enter(Collector(free_settings(tmp_path, desk=Address("127.0.0.1", 0))))
        assert collector.desk is not None
        for address, path, kind in (
            (collector.admin, "/api/v1/outbox/requeue", "application/json"),
            (collector.desk, "/projects", FORM),
        ):
            for read_already in (False, True):
                with socket.create_connection((address.host, address.port), 5) as connection:
                    connection.sendall(HALF.format(path, address, kind).encode())
                    if read_already:
                        alive(collector)
                alive(collector)
    assert [record.getMessage() for record in caplog.records] == []
