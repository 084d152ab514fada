"""What is asked of verdicts, by project."""

from __future__ import annotations

from pathlib import Path

import pytest

from journeytrace_collector.core.review import Rules
from journeytrace_collector.errors import ConfigError
from journeytrace_collector.settings import load_settings
from journeytrace_collector.settings.model import Project
from journeytrace_collector.settings.review import DeskReview

FILE = """
desk_review: {two_people: true, reasons: "FORGED, Known to us"}
projects:
  loose: {two_people: false, approve_with_open_hits: true}
  other: {retention_days: 90}
"""


def test_a_project_has_rules_of_its_own(tmp_path: Path) -> None:
    """What it does not say is as for all; sessions without a project are under what is for all."""
    file = tmp_path / "collector.yaml"
    file.write_text(FILE)
    found = load_settings(file, {})
    assert found.verdict_rules("loose") == Rules(approve_with_open_hits=True)
    for project in ("other", "unheard of", None):
        assert found.verdict_rules(project) == Rules(two_people=True)
    assert found.asks_for_two
    assert found.desk_review.reasons == ("FORGED", "Known to us")
    assert found.fixed_retention == {"other": 90}


def test_nothing_is_asked_by_default() -> None:
    """One person decides, with the reasons of the catalogue; nobody is approved with open hits."""
    found = load_settings(None, {})
    assert found.verdict_rules("acme") == Rules()
    assert not found.asks_for_two
    assert found.desk_review.reasons is None


def test_a_reason_is_a_name(tmp_path: Path) -> None:
    """What cannot be recorded as one is refused at the start."""
    file = tmp_path / "collector.yaml"
    file.write_text('desk_review: {reasons: ["a\\nb"]}')
    with pytest.raises(ConfigError, match=r"desk_review\.reasons.*printable"):
        load_settings(file, {})


def test_every_setting_is_described() -> None:
    """At every depth."""
    fields = [*DeskReview.model_fields.values(), *Project.model_fields.values()]
    assert all(field.description for field in fields)
