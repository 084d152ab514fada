"""Whom the desk can invite to what, and under which address their links lead in."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from journeytrace_collector.settings.access import Origin, SecureUrl
from journeytrace_collector.settings.durations import parse_duration
from journeytrace_collector.settings.types import Name

__all__ = ["LONGEST", "Invitations", "InvitedJourney"]

LONGEST: Final = timedelta(days=30)
"""No session is certain to be kept for longer."""


def _form(value: str) -> str:
    parts = urlsplit(value)
    if parts.fragment or "#" in value:
        raise ValueError("must have no fragment: that is where the session is handed over")
    if not value.isascii() or not value.isprintable() or set(value) & set(" \\<>\"'"):
        raise ValueError("must be an address as browsers send it, such as https://form.example.com")
    if ";" in parts.netloc or "," in parts.netloc:
        raise ValueError("must name one host")
    return value if parts.path else f"{value}/"


def _valid_for(value: object) -> timedelta:
    span = value if isinstance(value, timedelta) else parse_duration(str(value))
    if not timedelta(minutes=1) <= span <= LONGEST:
        raise ValueError(f"must be from 1m to {LONGEST.days}d")
    return span


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class InvitedJourney(_Part):
    """A journey that somebody can be invited to."""

    name: Name | None = Field(
        default=None, description="What people at the desk and invited ones read. None: its key."
    )
    project: Name = Field(description="The project of its sessions: whose analysts may invite.")
    form: Annotated[SecureUrl, AfterValidator(_form)] = Field(
        description="Where its form begins, such as https://form.example.com/start."
    )
    valid_for: Annotated[timedelta, PlainValidator(_valid_for)] = Field(
        default=timedelta(hours=24),
        description="How long a link can be opened, from 1m to 30d.",
    )


class Invitations(_Part):
    """What the desk can invite to. Without a journey nobody is invited to anything."""

    url: Origin | None = Field(
        default=None,
        description=(
            "How phones reach the public listener, such as https://verify.example.com: what links"
            " begin with."
        ),
    )
    journeys: dict[Name, InvitedJourney] = Field(
        default={}, description="The journeys, by a key that stays the same."
    )

    def called(self, key: str) -> str:
        """Give the name of a journey, also of one that is no more."""
        journey = self.journeys.get(key)
        return (journey.name if journey else None) or key

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.journeys and self.url is None:
            raise ValueError(
                "url: is missing: give the address under which phones reach the public listener,"
                " such as https://verify.example.com"
            )
        return self
