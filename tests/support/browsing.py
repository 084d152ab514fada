"""Debian's Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Playwright

__all__ = ["launched"]


@contextmanager
def launched(playwright: Playwright, *, keeps_pages: bool = False) -> Iterator[Browser]:
    """Run Chromium, for pages of our own alone.

    `keeps_pages`: it keeps pages whole for going back, as people's does. Playwright was not made
    for that: closing a context can take for ever then, closing the browser ends it in any case.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    browser = playwright.chromium.launch(
        executable_path=program,
        # Tests of a root have no sandbox.
        args=["--no-sandbox"],
        ignore_default_args=["--disable-back-forward-cache"] if keeps_pages else [],
    )
    try:
        yield browser
    finally:
        browser.close()
