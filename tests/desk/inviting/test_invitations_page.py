"""What the documentation tells people to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from tests.support.inviting import SECRET

from journeytrace_collector.settings import load_settings
from journeytrace_collector.settings.invitations import Invitations, InvitedJourney
from journeytrace_exporters._settings import read_section
from journeytrace_exporters.mail import MailSettings
from journeytrace_exporters.sms import SmsSettings

PAGE = (Path(__file__).parents[3] / "docs" / "invitations.md").read_text("utf-8")


def examples() -> Iterator[str]:
    """Give the files on the page, without the files that they name."""
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        yield re.sub(r"(password|key)_file: [^}\s]+", rf"\1: {SECRET}", text)


def test_the_examples_are_settings(tmp_path: Path) -> None:
    """A collector takes each, and so do the exporters that it is about."""
    sent = []
    for number, text in enumerate(examples()):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        for name, section in load_settings(file, {}).exporters.items():
            if name == "mail":
                read_section(name, MailSettings, section)
            else:
                read_section(name, SmsSettings, section)
            sent.append(name)
    assert sent == ["mail", "sms", "sms"]
    assert "onboarding" in yaml.safe_load(next(examples()))["invitations"]["journeys"]


def test_every_key_is_on_the_page() -> None:
    """Those of the journeys, of mail and of SMS."""
    kinds = (Invitations, InvitedJourney, MailSettings, SmsSettings)
    keys = {name for kind in kinds for name in kind.model_fields}
    assert {name for name in keys if not re.search(rf"[`\s]{name}[`:]", PAGE)} == set()
