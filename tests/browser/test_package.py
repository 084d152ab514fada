from __future__ import annotations

import re
from pathlib import Path

from tests.browser.conftest import PACKAGE, Node

import journeytrace_collector


def test_the_script_file_is_as_built(node: Node) -> None:
    """What the collector serves is what the sources make; else it is time for `make browser`."""
    served = Path(journeytrace_collector.__file__).parent / "public" / "journeytrace.js"
    assert node("node", "build.mjs", "--script") == served.read_text("utf-8")


def test_the_form_is_as_built(node: Node) -> None:
    """What the form to try serves is what its source makes, and its types hold."""
    form = PACKAGE.parents[1] / "examples" / "form"
    assert node("node", "build.mjs", "--form") == (form / "static" / "form.js").read_text("utf-8")
    node("node", "node_modules/typescript/bin/tsc", "-p", str(form))


def test_types_and_exports_hold(node: Node) -> None:
    """The compiler at its strictest, publint and attw find nothing to complain of."""
    assert "All good!" in node("npm", "run", "check")


def test_it_does_in_a_browser_what_it_says(node: Node) -> None:
    """The package's own tests pass in Chromium and in Node; they print its sizes."""
    told = node("npx", "vitest", "run")
    sizes = re.search(r"core (\d+) bytes, all (\d+) bytes", told)
    assert sizes, told
    print(sizes[0])  # noqa: T201


def test_the_lock_file_says_not_where_from() -> None:
    """Every package has a hash and no address."""
    for name in ("package-lock.json", "bench/package-lock.json"):
        text = (PACKAGE / name).read_text("utf-8")
        assert "://" not in text
        assert text.count('"integrity"') == text.count('"node_modules/')
