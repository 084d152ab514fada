"""The section ``invitations``: what is taken, and what a mistake says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import Settings, load_settings

KEYS = {"2026a": {"key": "0123456789abcdef0123456789abcdef"}}
PUBLIC = {"listen": "127.0.0.1:0", "keys": KEYS}
JOURNEY = {"project": "acme", "form": "https://form.example.com"}


def load(folder: Path, journey: dict[str, Any] | None = None, **settings: Any) -> Settings:
    """Load settings with one journey."""
    file = folder / "c.yaml"
    known = {"url": "https://verify.example.com", "journeys": {"onboarding": journey or JOURNEY}}
    file.write_text(yaml.safe_dump({"public": PUBLIC, "invitations": known} | settings))
    return load_settings(file, {})


def test_a_journey_needs_little(tmp_path: Path) -> None:
    """A project and a form: it is called by its key, for a day, and its project is known."""
    settings = load(tmp_path)
    journey = settings.invitations.journeys["onboarding"]
    assert (journey.form, journey.valid_for) == ("https://form.example.com/", timedelta(hours=24))
    assert settings.invitations.called("onboarding") == "onboarding"
    assert settings.invitations.called("gone") == "gone"
    assert settings.named_projects == {"acme"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"form": "http://form.example.com"}, "must begin with https://"),
        ({"form": "https://form.example.com/#start"}, "must have no fragment"),
        ({"form": "https://form.example.com/#"}, "must have no fragment"),
        ({"form": "https://ann:pw@form.example.com"}, "must begin with https://"),
        ({"form": "https://form.example.com/\r\nX: y"}, "as browsers send it"),
        ({"form": "https://form.example.com;script-src"}, "must"),
        ({"form": "javascript:alert(1)"}, "must begin with https://"),
        ({"valid_for": "31d"}, "from 1m to 30d"),
        ({"valid_for": "1s"}, "from 1m to 30d"),
        ({"project": ""}, "project: must be 1 to 128"),
        ({"formular": "x"}, "did you mean invitations.journeys.onboarding.form?"),
    ],
)
def test_what_is_wrong_with_a_journey_is_told(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """The message names the key, and what is allowed."""
    with pytest.raises(ConfigError, match=r"invitations\.journeys\.onboarding") as caught:
        load(tmp_path, JOURNEY | change)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"public": {}}, "invitations: links lead to the public listener, and there is none"),
        ({"invitations": {"journeys": {"a": JOURNEY}}}, "url: is missing"),
        ({"invitations": {"url": "https://x.example.com/path"}}, "a scheme and a host alone"),
        ({"invitations": {"url": "http://x.example.com"}}, "must begin with https://"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    """Links need an address, and somebody who listens there."""
    with pytest.raises(ConfigError, match="invitations") as caught:
        load(tmp_path, **settings)
    assert said in str(caught.value)
