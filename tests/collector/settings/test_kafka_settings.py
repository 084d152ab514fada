"""Kafka in the settings: what is read, what is written, and what is said of mistakes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.kafka.connection import connection
from journeytrace_collector.settings import load_settings
from journeytrace_collector.settings.kafka import ForwardToKafka, KafkaSource

READS = "sources: {kafka: {brokers: 'a:9092, b:9092'"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test puts its configuration."""
    return tmp_path / "journeytrace.yaml"


def test_nothing_has_to_do_with_kafka_by_default() -> None:
    """Events are stored where they come in, and come from nowhere else."""
    found = load_settings(None, {})
    assert (found.sources.kafka.brokers, found.forward_to_kafka.brokers) == ((), ())


def test_brokers_alone_are_enough(file: Path) -> None:
    """The topics are those of the OpenTelemetry Collector's exporter; OP does not come this way."""
    file.write_text(READS + "}}")
    found = load_settings(file, {}).sources.kafka
    assert found.brokers == ("a:9092", "b:9092")
    assert found.topics == ("otlp_spans", "otlp_logs")
    assert (found.sources, found.projects) == (("FE", "BE"), None)
    assert found.session_timeout == timedelta(seconds=45)


@pytest.mark.parametrize("off", ["off", ""])
def test_a_flag_names_the_brokers_to_write_to(file: Path, off: str) -> None:
    """The flag is the brokers alone, and leaves what else is said of them; off: to none."""
    file.write_text("forward_to_kafka: {brokers: 'a:9092', topic: spans}")
    found = load_settings(file, {"forward_to_kafka": "b:9093"}).forward_to_kafka
    assert (found.brokers, found.topic) == (("b:9093",), "spans")
    assert load_settings(file, {"forward_to_kafka": off}).forward_to_kafka.brokers == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources: {kafka: {brokers: nonsense}}", "sources.kafka.brokers.0: must be host:port"),
        ("sources: {kafka: {brokers: 'a:0'}}", "such as kafka-1.example.com:9092"),
        (READS + ", topics: x}}", "sources.kafka.topics: is unknown; known are brokers"),
        (READS + ", traces: 'a/b'}}", "must be 1 to 249 of A-Z"),
        (READS + ", traces: [], logs: []}}", "names no topic"),
        (READS + ", traces: x, logs: x}}", "x is among traces, too"),
        (READS + ", retired: otlp_logs}}", "otlp_logs is among the topics that are read"),
        (READS + ", session_timeout: 2h}}", "must be from 1s to 30m"),
        (READS + ", sources: []}}", "sources.kafka.sources: "),
        (READS + ", tls_ca: ca.pem}}", "tls: must be true where tls_ca"),
        (READS + ", tls: true, tls_cert: c.pem}}", "needs tls_key beside it"),
        (READS + ", sasl_username: me}}", "sasl_mechanism: is missing"),
        (READS + ", sasl_mechanism: SCRAM-SHA-512, sasl_username: me}}", "either sasl_password or"),
        (
            READS + ", sasl_mechanism: PLAIN, sasl_username: me, sasl_password: s3cr3t}}",
            "set tls to true",
        ),
        ("forward_to_kafka: {brokers: 'a:1', topic: ''}", "forward_to_kafka.topic: must be 1 to"),
    ],
)
def test_a_mistake_says_what_to_write(file: Path, text: str, said: str) -> None:
    """Each names its key, and what is allowed instead; none quotes the password."""
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_settings(file, {})
    assert said in str(error.value)
    assert "s3cr3t" not in str(error.value)


def test_who_only_forwards_invites_nobody(file: Path) -> None:
    """Links are looked up in the store: a collector that has none to share is told so."""
    journeys = (
        "{url: 'https://v.example', journeys: {kyc: {project: a, form: 'https://f.example'}}}"
    )
    public = "{listen: '127.0.0.1:0', keys: {a: {key: 0123456789abcdef0123456789abcdef}}}"
    text = f"public: {public}\ninvitations: {journeys}\nforward_to_kafka: {{brokers: 'a:9092'}}\n"
    file.write_text(text)
    with pytest.raises(ConfigError, match="give it the store that the others share"):
        load_settings(file, {})
    file.write_text(text + READS + "}}")
    with pytest.raises(ConfigError) as error:
        load_settings(file, {"max_queued_bytes": "1"})
    assert "invitations" not in str(error.value)


def test_secrets_reach_the_client_and_no_text(file: Path, tmp_path: Path) -> None:
    """A password comes from its file, and is shown nowhere."""
    secret = tmp_path / "password"
    secret.write_text("a-password-to-look-for\n")
    secret.chmod(0o600)
    file.write_text(
        READS + ", tls: true, tls_ca: ca.pem, sasl_mechanism: SCRAM-SHA-256, sasl_username: me,"
        f" sasl_password_file: {secret}}}}}"
    )
    settings = load_settings(file, {})
    told = connection("sources.kafka", settings.sources.kafka)
    assert told["security.protocol"] == "SASL_SSL"
    assert told["sasl.password"] == "a-password-to-look-for"
    assert told["ssl.ca.location"] == "ca.pem"
    assert told["bootstrap.servers"] == "a:9092,b:9092"
    assert "a-password-to-look-for" not in repr(settings)
    secret.unlink()
    with pytest.raises(ConfigError, match=r"sources\.kafka\.sasl_password_file: .* cannot be read"):
        connection("sources.kafka", settings.sources.kafka)


def test_every_setting_is_described() -> None:
    """At every depth."""
    fields = [*KafkaSource.model_fields.values(), *ForwardToKafka.model_fields.values()]
    assert all(field.description for field in fields)
