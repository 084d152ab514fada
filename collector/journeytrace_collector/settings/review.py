"""What is asked of the verdicts of people."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from journeytrace.conventions import MAX_NAME_LENGTH, is_name

__all__ = ["DeskReview"]


def _split(value: object) -> object:
    """Split a text at commas: a reason can be two words."""
    if not isinstance(value, str):
        return value
    return [reason.strip() for reason in value.split(",") if reason.strip()]


def _reason(value: str) -> str:
    if not is_name(value):
        raise ValueError(f"must be 1 to {MAX_NAME_LENGTH} printable characters")
    return value


_Reason = Annotated[str, AfterValidator(_reason)]


class DeskReview(BaseModel):
    """What holds for verdicts, unless a project says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reasons: Annotated[tuple[_Reason, ...], NoDecode, BeforeValidator(_split)] | None = Field(
        default=None,
        description=(
            "Reasons that a rejection can be given at the desk. None: those that the catalogue has"
            " for REJECTED. Empty: one's own words alone."
        ),
    )
    two_people: bool = Field(
        default=False, description="One person proposes, and another one decides."
    )
    approve_with_open_hits: bool = Field(
        default=False,
        description="A session can be approved although hits of its screening are open.",
    )
