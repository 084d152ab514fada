"""The section ``exporters.screening``."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import ByteSize, Field, PlainValidator, SecretStr, model_validator
from yarl import URL

from journeytrace_collector.core.screening import Category
from journeytrace_exporters._settings import Section, Timeout
from journeytrace_exporters.webhook.addresses import is_public

__all__ = ["ListSettings", "LocalSettings", "ScreeningSettings", "YenteSettings"]

_COVERED: Final = {
    "default": frozenset(Category) - {Category.ADVERSE_MEDIA},
    "sanctions": frozenset({Category.SANCTIONS}),
    "peps": frozenset({Category.PEP}),
    "crime": frozenset({Category.CRIMINAL}),
}
"""What collections of OpenSanctions are about. None is about adverse media."""


def _url(value: object) -> URL:
    problem = "must be https://host, with a path if there is one"
    try:
        url = URL(str(value))
    except ValueError:
        raise ValueError(problem) from None
    if url.scheme not in {"http", "https"} or not url.host or url.fragment or url.query_string:
        raise ValueError(problem)
    if url.user is not None or url.password is not None:
        raise ValueError("must hold no user and no password; see api_key")
    return url


Covers = Annotated[frozenset[Category], Field(min_length=1)]
"""Categories of which it means something that somebody is not found."""
Score = Annotated[float, Field(gt=0, le=1)]


class YenteSettings(Section):
    """A server that runs yente, one's own or the hosted one."""

    allow_private_networks: bool = False
    """Let it be in a private network and without TLS, as one's own server often is."""
    url: Annotated[URL, PlainValidator(_url)]
    """Without ``/match``, such as ``https://api.opensanctions.org``."""
    dataset: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] = "default"
    """As yente's catalogue calls it."""
    covers: Covers | None = None
    """None: what is known of ``default``, ``sanctions``, ``peps`` and ``crime``; of another dataset
    it has to be said."""
    api_key: SecretStr | None = None
    """Of the hosted one; None: none is sent."""
    threshold: Score = 0.7
    """Score from which on an entry is a hit."""
    algorithm: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    """None: yente's default."""
    timeout: Timeout = timedelta(seconds=30)
    """How long one request may take."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.covers is None and self.dataset not in _COVERED:
            allowed = ", ".join(Category)
            problem = f"the dataset {self.dataset!r} is not known here: say what it covers"
            raise ValueError(f"{problem} (covers: {allowed})")
        if self.allow_private_networks:
            return self
        opt_in = "only with allow_private_networks: true"
        if self.url.scheme != "https":
            raise ValueError(f"url must be https; http is taken {opt_in}")
        try:
            address = ip_address(self.url.host or "")
        except ValueError:
            return self  # a name: what it means is looked at whenever we connect
        if not is_public(address):
            raise ValueError(f"url leads to {address}, which is taken {opt_in}")
        return self

    @property
    def covered(self) -> frozenset[Category]:
        """The categories of which its silence means something."""
        return self.covers if self.covers is not None else _COVERED[self.dataset]


class ListSettings(Section):
    """One list of one's own."""

    name: Annotated[str, Field(pattern=r"^[\w .()-]{1,64}$")]
    """As hits name it, where an entry does not say which list it is of."""
    path: Path
    """A file of FollowTheMoney entities, one JSON object a line."""
    covers: Covers
    """What it is a list of. Of what no list covers it is never said that it is clear."""


class LocalSettings(Section):
    """Lists that are compared on this machine."""

    lists: Annotated[tuple[ListSettings, ...], Field(min_length=1)]
    threshold: Score = 0.8
    """Score from which on an entry is a hit."""
    max_size: ByteSize = ByteSize(256 * 1024 * 1024)
    """Bytes of a list; one that has more is not searched, which is a failure."""
    max_entries: Annotated[int, Field(gt=0)] = 200_000
    """People on a list; the same."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [one.name for one in self.lists]
        if len(set(names)) < len(names):
            raise ValueError("two lists have one name")
        return self


class ScreeningSettings(Section):
    """Where people are looked up, and by what. Without `yente` and `local` nobody is."""

    yente: YenteSettings | None = None
    local: LocalSettings | None = None
    """One of the two, not both."""
    names: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = (
        ("extracted.full_name",),
        ("extracted.first_name", "extracted.last_name"),
        ("form.full_name",),
        ("form.first_name", "form.last_name"),
    )
    """Attributes that make up a name, with a space between two; every one that is whole is looked
    for. What begins with ``extracted.`` is read from services alone."""
    birth_date: tuple[str, ...] = ("extracted.birth_date", "form.birth_date")
    """Attributes that hold it as ISO 8601; the first that is there."""
    country: tuple[str, ...] = ("extracted.nationality", "form.nationality", "form.country")
    """The same for the country, an ISO 3166 code of two letters."""
    projects: frozenset[str] = frozenset()
    """Whose sessions are screened; empty: those of all."""
    give_up_after: Timeout = timedelta(minutes=15)
    """How long a screening that fails is tried again before it is told as failed and a task is
    opened."""
    look_for_changes: Timeout = timedelta(minutes=15)
    """How often it is looked whether lists have changed."""
    again_per_minute: Annotated[int, Field(gt=0, le=6_000)] = 60
    """How many undecided sessions are screened again in a minute when lists have changed."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.yente is not None and self.local is not None:
            raise ValueError("set yente or local, not both")
        return self
