"""Kafka: where events are read from, and where they are written to before they are stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_settings import NoDecode

from journeytrace_collector.settings.types import (
    Address,
    FilePath,
    Name,
    SecretPath,
    Size,
    Span,
    words,
)

__all__ = ["ForwardToKafka", "KafkaConnection", "KafkaSource", "Sources"]

_MOST_NAME: Final = 249
"""Characters of a topic's name."""


def _broker(value: str) -> str:
    if Address.parse(value).port == 0:
        raise ValueError(f"is {value!r}, must be host:port such as kafka-1.example.com:9092")
    return value


def _brokers(value: object) -> object:
    # YAML reads a bare `off` as false.
    if value is None or value is False or (isinstance(value, str) and value.lower() == "off"):
        return ()
    return words(value)


def _topic(value: str) -> str:
    known = set("._-")
    fits = 0 < len(value) <= _MOST_NAME and value not in {".", ".."}
    if not fits or not all((c.isascii() and c.isalnum()) or c in known for c in value):
        raise ValueError("must be 1 to 249 of A-Z, a-z, 0-9, '.', '_' and '-'")
    return value


def _seconds(value: timedelta) -> timedelta:
    if not timedelta(seconds=1) <= value <= timedelta(minutes=30):
        raise ValueError("must be from 1s to 30m, and within what the brokers allow")
    return value


Brokers = Annotated[
    tuple[Annotated[str, AfterValidator(_broker)], ...], NoDecode, BeforeValidator(_brokers)
]
Topic = Annotated[str, AfterValidator(_topic)]
Topics = Annotated[tuple[Topic, ...], NoDecode, BeforeValidator(words)]
Sasl = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KafkaConnection(_Part):
    """How brokers are reached."""

    brokers: Brokers = Field(
        default=(),
        description="Some of the brokers, HOST:PORT, with commas between them. off: none.",
    )
    tls: bool = Field(default=False, description="Whether the connection is encrypted.")
    tls_ca: FilePath | None = Field(
        default=None,
        description="Authority (PEM) that has signed the brokers' certificates. None: the usual.",
    )
    tls_cert: FilePath | None = Field(
        default=None, description="Certificate (PEM) to show to brokers. None: none is shown."
    )
    tls_key: SecretPath | None = Field(default=None, description="Private key (PEM) to tls_cert.")
    sasl_mechanism: Sasl | None = Field(
        default=None,
        description="How to sign in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. None: not at all.",
    )
    sasl_username: str | None = Field(default=None, description="Whom to sign in as.")
    sasl_password: SecretStr | None = Field(default=None, description="The password to that.")
    sasl_password_file: SecretPath | None = Field(
        default=None, description="File with the password; instead of sasl_password."
    )

    @model_validator(mode="after")
    def _connects(self) -> Self:
        if not self.tls and (self.tls_ca or self.tls_cert or self.tls_key):
            raise ValueError("tls: must be true where tls_ca, tls_cert or tls_key is given")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert: needs tls_key beside it, and the other way round")
        given = [self.sasl_password is not None, self.sasl_password_file is not None]
        if self.sasl_mechanism is None:
            if self.sasl_username is not None or any(given):
                raise ValueError(
                    "sasl_mechanism: is missing: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, as the"
                    " brokers have it"
                )
        elif self.sasl_username is None or sum(given) != 1:
            raise ValueError(
                "sasl_mechanism: needs sasl_username, and either sasl_password or"
                " sasl_password_file"
            )
        if self.sasl_mechanism == "PLAIN" and not self.tls:
            raise ValueError("sasl_mechanism: PLAIN sends the password as it is: set tls to true")
        return self


class KafkaSource(KafkaConnection):
    """Where events are read from."""

    traces: Topics = Field(
        default=("otlp_spans",),
        description="Topics of OTLP traces as protobuf, with commas between them.",
    )
    logs: Topics = Field(
        default=("otlp_logs",), description="Topics of OTLP logs, likewise. Empty: none."
    )
    group: Name = Field(
        default="journeytrace",
        description="The consumer group, the same for all collectors that share a store.",
    )
    instance: Name | None = Field(
        default=None,
        description=(
            "Name of this collector in the group, the same after a restart, so that it gets its"
            " partitions back without a rebalance. None: collector_id, else the host's name."
        ),
    )
    session_timeout: Annotated[Span, AfterValidator(_seconds)] = Field(
        default=timedelta(seconds=45),
        description="After so long without a sign of a collector others take over its partitions.",
    )
    sources: tuple[Literal["FE", "BE", "OP"], ...] = Field(
        default=("FE", "BE"),
        min_length=1,
        description=(
            "Whose events may come this way. Whoever may write to the topics can send them."
        ),
    )
    projects: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Projects that may come this way. None: all."
    )
    retired: Topics = Field(
        default=(),
        description="Topics that nobody reads any more: what lay unread there is waited for no"
        " longer.",
    )

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if self.brokers and not self.topics:
            raise ValueError("traces: names no topic, and logs neither: give one, as otlp_spans")
        if both := set(self.traces) & set(self.logs):
            raise ValueError(f"logs: {min(both)} is among traces, too: a topic holds one signal")
        if still := set(self.topics) & set(self.retired) if self.brokers else set():
            raise ValueError(f"retired: {min(still)} is among the topics that are read")
        return self

    @property
    def topics(self) -> tuple[str, ...]:
        """All that are read."""
        return (*self.traces, *self.logs)


class ForwardToKafka(KafkaConnection):
    """Where events are written to."""

    topic: Topic = Field(
        default="otlp_spans", description="The topic; its messages are OTLP traces, one of each."
    )
    max_message_bytes: Size = Field(
        default=ByteSize(1_000_000),
        description="Largest message that the topic takes (its max.message.bytes).",
    )


class Sources(_Part):
    """Where events come from, beside the addresses that are listened on."""

    kafka: KafkaSource = Field(default=KafkaSource(), description="A log that they are read from.")
