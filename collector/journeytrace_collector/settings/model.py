"""All that a collector can be told, with what each setting means (DESIGN section 9)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from journeytrace_collector.core.review import Rules
from journeytrace_collector.settings.access import DeskAccess
from journeytrace_collector.settings.invitations import Invitations
from journeytrace_collector.settings.kafka import ForwardToKafka, Sources
from journeytrace_collector.settings.public import Public
from journeytrace_collector.settings.report import Report
from journeytrace_collector.settings.review import DeskReview
from journeytrace_collector.settings.types import (
    Address,
    AddressValue,
    DeskAddress,
    FilePath,
    HostNames,
    Kept,
    LogLevel,
    Name,
    SecretPath,
    Size,
    Span,
    StoreUrl,
    Token,
    TraceUrl,
)

__all__ = ["BROKERS", "LISTEN", "NESTED", "PREFIX", "Project", "Sender", "Settings", "own_key"]

PREFIX: Final = "JOURNEYTRACE_"
"""What the names of variables begin with."""

NESTED: Final = "__"
"""What separates the keys in the name of a variable."""

LISTEN: Final = "listen"
"""The key of an address among the settings of what listens there; it alone has a flag."""

BROKERS: Final = "brokers"
"""Likewise, of what is connected to."""

_MIB: Final = 1024 * 1024


class Project(BaseModel):
    """What holds for one project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retention_days: Literal[30, 90, 180, 365] = Field(
        default=30,
        description=(
            "Days a session created from now on is kept, unless it says otherwise itself. Left out:"
            " what was chosen at the desk, else 30."
        ),
    )
    two_people: bool | None = Field(
        default=None,
        description=(
            "One person proposes a verdict, and another one decides. None: as desk_review says."
        ),
    )
    approve_with_open_hits: bool | None = Field(
        default=None,
        description=(
            "A session can be approved although hits of its screening are open. None: as"
            " desk_review says."
        ),
    )


class Sender(BaseModel):
    """Somebody who sends events, and for what it may speak."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: Token | None = Field(default=None, description="The bearer token that it shows.")
    token_file: SecretPath | None = Field(
        default=None, description="File with its tokens, one a line; instead of token."
    )
    sources: tuple[Literal["FE", "BE", "OP"], ...] = Field(
        default=("FE", "BE"),
        min_length=1,
        description="Whose events it may send: FE, BE, or what a person does at the desk, OP.",
    )
    projects: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Projects that it may speak for. None: all of them.",
    )


class Settings(BaseSettings):
    """All a collector can be told. Built by `load_settings`; alone it holds the defaults."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        env_nested_delimiter=NESTED,
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data: FilePath = Field(
        default=Path("journeytrace-data"),
        description="Folder of the store, made if missing; relative to the working directory.",
    )
    store: StoreUrl | None = Field(
        default=None,
        description=(
            "Address of a PostgreSQL database that collectors share, postgresql://…; the password"
            " is better left to the variable PGPASSWORD. None: SQLite in the data folder."
        ),
    )
    collector_id: Name | None = Field(
        default=None,
        description="Name of this collector among those that share a store. None: the host's.",
    )
    otlp_grpc: AddressValue = Field(
        default=Address("127.0.0.1", 4317),
        description="Listen here for OTLP over gRPC. Port 0: any free port.",
    )
    otlp_http: AddressValue = Field(
        default=Address("127.0.0.1", 4318),
        description="Listen here for OTLP over HTTP. Port 0: any free port.",
    )
    admin: AddressValue = Field(
        default=Address("127.0.0.1", 9464),
        description="Listen here for metrics, health and the session API. Port 0: any free port.",
    )
    desk: DeskAddress = Field(
        default=Address("127.0.0.1", 9465),
        description=(
            "Serve the desk here, the pages for people: an address of the loopback, unless"
            " desk_access says how people are known. Port 0: any free port. off: no desk."
        ),
    )
    desk_access: DeskAccess = Field(
        default=DeskAccess(),
        description=(
            "Who may open the desk, and do what there. Left out: whoever sits at the machine, and"
            " everything."
        ),
    )
    desk_trace_url: TraceUrl | None = Field(
        default=None,
        description=(
            "Where a session's trace is seen, with {trace_id} in it, for the desk to link to."
            " None: no link."
        ),
    )
    public: Public = Field(
        default=Public(),
        description=(
            "Listen here for the events of browsers, which show a token of one session each; needs"
            " public.keys. Port 0: any free port. off: browsers send nothing."
        ),
    )
    sources: Sources = Field(
        default=Sources(),
        description="Where events come from, beside the addresses: sources.kafka is a log.",
    )
    forward_to_kafka: ForwardToKafka = Field(
        default=ForwardToKafka(),
        description=(
            "Write what comes over OTLP and from browsers to a topic of these brokers, HOST:PORT"
            " with commas between them, once it is checked, instead of the store; collectors with"
            " sources.kafka read it there. off: it is stored."
        ),
    )
    report: Report = Field(
        default=Report(),
        description="How a session's report is made: a PDF that can be checked.",
    )
    invitations: Invitations = Field(
        default=Invitations(),
        description=(
            "The journeys that people are invited to from the desk; their links lead to the public"
            " listener, so public.listen is needed."
        ),
    )
    desk_reveal: Literal["viewers", "nobody"] = Field(
        default="viewers",
        description=(
            "Who may have a masked e-mail address and user id shown, for a purpose that they say"
            " and that is recorded: viewers, or nobody. Analysts see them anyway."
        ),
    )
    desk_review: DeskReview = Field(
        default=DeskReview(),
        description="What is asked of verdicts, unless a project says otherwise.",
    )
    token: Token | None = Field(
        default=None,
        description="OTLP senders must show this bearer token. None: they show none.",
    )
    token_file: SecretPath | None = Field(
        default=None,
        description="File with tokens of OTLP senders, one a line; instead of token.",
    )
    admin_token: Token | None = Field(
        default=None,
        description="Users of the admin address must show this bearer token. None: they show none.",
    )
    admin_token_file: SecretPath | None = Field(
        default=None,
        description="File with tokens for the admin address, one a line; instead of admin_token.",
    )
    senders: dict[Name, Sender] = Field(
        default={},
        description="OTLP senders with tokens and rights of their own, by name; beside token.",
    )
    hosts: HostNames = Field(
        default=(),
        description=(
            "Names, with commas between them, under which addresses that ask for no token are"
            " reached, beside those of the loopback. Others are refused: a web page invents them."
        ),
    )
    tls_cert: FilePath | None = Field(
        default=None,
        description="Certificate chain (PEM) of all addresses. None: no TLS.",
    )
    tls_key: SecretPath | None = Field(
        default=None,
        description=(
            "Private key (PEM) to tls_cert, without a password, and not for everybody to read."
        ),
    )
    tls_client_ca: FilePath | None = Field(
        default=None,
        description="OTLP senders must show a certificate that this authority (PEM) has signed.",
    )
    insecure: bool = Field(
        default=False,
        description="Allow addresses that other machines can reach without any token.",
    )
    idle_timeout: Span = Field(
        default=timedelta(minutes=20),
        description=(
            "A session without events for so long is dropped, at most 366d. Zero is refused."
        ),
    )
    catalogue: FilePath | None = Field(
        default=None,
        description=(
            "TOML file with your own stages, events, reasons and error codes. None: the built-in"
            " ones. `journeytrace catalogue check FILE` reads it."
        ),
    )
    conformance: FilePath | None = Field(
        default=None,
        description=(
            "TOML file with your own rules for sessions, laid over the built-in ones. None: those"
            " alone. `journeytrace conformance --rules FILE` reads it."
        ),
    )
    # OTLP suggests 64 MiB. But a hostile body of empty records takes a hundred times its size in
    # memory once parsed, and no sender's batches come near this.
    max_request_bytes: Size = Field(
        default=ByteSize(16 * _MIB),
        description="Largest request taken, in bytes after decompression. Zero is refused.",
    )
    max_queued_bytes: Size = Field(
        default=ByteSize(64 * _MIB),
        description=(
            "Bytes of requests that may wait for the store; beyond it senders are told to come "
            "back. Zero is refused."
        ),
    )
    max_event_bytes: Size = Field(
        default=ByteSize(64 * 1024),
        description="Most metadata taken on one event, in bytes as JSON. Zero is refused.",
    )
    max_event_attributes: int = Field(
        default=256,
        gt=0,
        description="Most attributes taken on one event, all of them counted. Zero is refused.",
    )
    max_session_events: int = Field(
        default=10_000, ge=1, description="Most events taken of one session. Zero is refused."
    )
    max_session_bytes: Size = Field(
        default=ByteSize(16 * _MIB),
        description="Most metadata taken of one session, in bytes. Zero is refused.",
    )
    max_projects: int = Field(
        default=100,
        ge=0,
        description=(
            "Projects with counters of their own; further ones are counted together. Zero: only"
            " those named under projects or by a sender."
        ),
    )
    projects: dict[str, Project] = Field(
        default={},
        description=(
            "Settings of single projects, by project id. Their counters are there at 0 before the"
            " first event."
        ),
    )
    exporters: dict[str, dict[str, Any]] = Field(
        default={},
        repr=False,  # not checked yet, and some are secrets
        description="Settings of each exporter, by its name.",
    )
    outbox_retention: Kept = Field(
        default=timedelta(days=30),
        description=(
            "What nobody took for so long is erased from the outbox, waiting or parked; a session's"
            " goes with the session. Zero is refused."
        ),
    )
    log_level: LogLevel = Field(
        default="INFO",
        description="Least urgent log lines to write: DEBUG, INFO, WARNING or ERROR.",
    )
    log_format: Literal["plain", "json"] = Field(
        default="plain",
        description="How to write them to stderr: plain, or json, one object a line.",
    )

    @property
    def named_projects(self) -> frozenset[str]:
        """The projects that are known beforehand: they have settings, or a sender of their own."""
        of_senders = (sender.projects or () for sender in self.senders.values())
        invited = (journey.project for journey in self.invitations.journeys.values())
        return frozenset(self.projects).union(*of_senders, invited)

    @property
    def fixed_retention(self) -> dict[str, int]:
        """Days of the projects whose period is said here, so that nobody chooses it elsewhere."""
        return {
            name: project.retention_days
            for name, project in self.projects.items()
            if "retention_days" in project.model_fields_set
        }

    def verdict_rules(self, project: str | None) -> Rules:
        """Give what a project asks of verdicts; None: what is asked where there is no project."""
        said, own = self.desk_review, self.projects.get(project or "")
        two, hits = (None, None) if own is None else (own.two_people, own.approve_with_open_hits)
        return Rules(
            two_people=said.two_people if two is None else two,
            approve_with_open_hits=said.approve_with_open_hits if hits is None else hits,
        )

    @property
    def asks_for_two(self) -> bool:
        """Whether there are sessions of which two people decide."""
        return self.desk_review.two_people or any(
            project.two_people for project in self.projects.values()
        )

    @field_validator("invitations")
    @classmethod
    def _links_lead_somewhere(cls, value: Invitations, info: ValidationInfo) -> Invitations:
        public = info.data.get("public")
        if value.journeys and public is not None and public.listen is None:
            raise ValueError(
                "links lead to the public listener, and there is none: give public.listen, such as"
                " 0.0.0.0:9466, and public.keys"
            )
        return value

    @field_validator("invitations")
    @classmethod
    def _invites_where_it_stores(cls, value: Invitations, info: ValidationInfo) -> Invitations:
        forward, sources = info.data.get("forward_to_kafka"), info.data.get("sources")
        stores = info.data.get("store") is not None or (sources and sources.kafka.brokers)
        if value.journeys and forward and forward.brokers and not stores:
            raise ValueError(
                "whom a link invites is looked up in the store, and this collector only forwards:"
                " give it the store that the others share, or sources.kafka"
            )
        return value

    @field_validator("max_queued_bytes")
    @classmethod
    def _queue_holds_a_request(cls, value: ByteSize, info: ValidationInfo) -> ByteSize:
        request = info.data.get("max_request_bytes", 0)
        if value < request:
            raise ValueError(
                f"must be at least max_request_bytes ({request}), "
                "or the largest request could never be taken"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class names it
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing behind the caller's back: `load_settings` alone merges the layers."""
        return (init_settings,)


def own_key(name: str) -> str | None:
    """Give the key that stands for all of a setting which holds others: its flag sets that.

    None: it has no such key, or holds no others.
    """
    field = Settings.model_fields.get(name)
    default = None if field is None else field.default
    return next((key for key in (LISTEN, BROKERS) if hasattr(default, key)), None)
