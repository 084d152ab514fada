"""What the documentation tells people to write."""

from __future__ import annotations

import re
from pathlib import Path

from journeytrace_collector.settings import load_settings
from journeytrace_collector.settings.access import (
    DeskAccess,
    OpenIdConnect,
    ProxyHeader,
    ProxyToken,
)

PAGE = (Path(__file__).parents[3] / "docs" / "desk.md").read_text("utf-8")


def test_the_examples_are_settings(tmp_path: Path) -> None:
    """Each of the three ways is shown by a file that a collector takes."""
    ways = []
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        access = load_settings(file, {}).desk_access
        ways += [name for name in ("oidc", "proxy_header", "proxy_token") if getattr(access, name)]
    assert ways == ["oidc", "proxy_header", "proxy_token"]


def test_every_key_is_on_the_page() -> None:
    """Those of the three ways as well."""
    kinds = (DeskAccess, OpenIdConnect, ProxyHeader, ProxyToken)
    keys = {name for kind in kinds for name in kind.model_fields}
    assert {name for name in keys if f"`{name}`" not in PAGE} == set()
