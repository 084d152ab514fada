"""Reports: what they are signed with, and the fonts that they are set in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from journeytrace_collector.settings.types import FilePath, SecretPath

__all__ = ["FONTS", "Report"]

FONTS: Final = (
    Path("/usr/share/fonts/truetype/noto"),
    Path("/usr/share/fonts/truetype/nanum"),
    Path("/usr/share/fonts/opentype/noto"),
)
"""Where Debian's fonts-noto-core, fonts-nanum and fonts-noto-cjk are."""


def _paths(value: object) -> object:
    return [path.strip() for path in value.split(",")] if isinstance(value, str) else value


class Report(BaseModel):
    """How a session's report is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key_file: SecretPath | None = Field(
        default=None,
        description=(
            "Private Ed25519 key (PEM) that reports are signed with, without a password, and not"
            " for everybody to read. None: they are not signed."
        ),
    )
    fonts: Annotated[tuple[FilePath, ...], NoDecode, BeforeValidator(_paths)] = Field(
        default=FONTS,
        description=(
            "Folders of the fonts that reports are set in, with commas between them; what is"
            " installed elsewhere is not looked at. Collectors with the same fonts make the same"
            " bytes."
        ),
    )
