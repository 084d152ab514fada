"""``journeytrace demo``: made-up journeys through the real thing, and what comes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from journeytrace_collector.demo.journeys import Journey
    from journeytrace_collector.process import Collector
    from journeytrace_collector.settings import Address, Settings

__all__ = ["demo"]


def demo(
    sessions: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="How many journeys to play.")
    ] = 200,
    seed: Annotated[
        int, typer.Option(metavar="S", help="The same seed gives the same journeys, ids included.")
    ] = 7,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the collector running until Ctrl-C.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Start none, but send the journeys there, over OTLP/gRPC without TLS.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a collector, play made-up journeys to it over OTLP, and show what it makes of them.

    It listens on free ports and keeps its store in a temporary folder, which goes with it. With
    --to, OTEL_EXPORTER_OTLP_HEADERS can hold the token that the receiver asks for.
    """
    from journeytrace.errors import JourneytraceError  # noqa: PLC0415
    from journeytrace_collector.cli.client import ApiError  # noqa: PLC0415

    if keep and to is not None:
        raise typer.BadParameter("with --to there is no collector to keep", param_hint="--keep")
    try:
        asyncio.run(_demo(sessions, seed, keep) if to is None else _play(sessions, seed, to))
    except KeyboardInterrupt:
        raise typer.Exit(0 if keep else 130) from None
    except (ApiError, JourneytraceError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def _demo(count: int, seed: int, keep: bool) -> None:
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415
    from journeytrace_collector.demo.journeys import make_journeys  # noqa: PLC0415
    from journeytrace_collector.process import Collector  # noqa: PLC0415

    out = console()
    journeys = make_journeys(count, seed)
    with TemporaryDirectory(prefix="journeytrace-demo-", ignore_cleanup_errors=True) as folder:
        async with Collector(_settings(folder, journeys, keep=keep)) as collector:
            sent = await _send(out, journeys, str(collector.otlp_grpc))
            if collector.desk is not None:
                await _work(collector, journeys)
            await _report(out, collector, sent, keep)
            if keep:
                await _stay(out, collector)


async def _play(count: int, seed: int, to: str) -> None:
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415
    from journeytrace_collector.demo.journeys import make_journeys  # noqa: PLC0415
    from journeytrace_collector.settings import Address  # noqa: PLC0415

    try:
        endpoint = str(Address.parse(to))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--to") from None
    out = console()
    sent = await _send(out, make_journeys(count, seed), endpoint)
    out.print(f"{sent} events of {count} sessions are sent to {endpoint}.")


def _settings(folder: str, journeys: Sequence[Journey] = (), *, keep: bool = False) -> Settings:
    from pathlib import Path  # noqa: PLC0415

    from journeytrace_collector.admin.desk import is_installed  # noqa: PLC0415
    from journeytrace_collector.demo.people import PROJECTS  # noqa: PLC0415
    from journeytrace_collector.settings import Address, Project, Settings  # noqa: PLC0415

    free = Address("127.0.0.1", 0)
    with_desk = keep and is_installed()
    # Named beforehand, so that their counters are there at 0 for whoever scrapes.
    projects = {name: Project() for name in PROJECTS}
    return Settings(
        data=Path(folder),
        otlp_grpc=free,
        otlp_http=free,
        admin=free,
        desk=free if with_desk else None,
        projects=projects,
        **(_of_the_desk(Path(folder), journeys, free) if with_desk else {}),
    )


def _of_the_desk(folder: Path, journeys: Sequence[Journey], free: Address) -> dict[str, Any]:
    """Give the settings by which people are invited and looked up; nothing leaves the machine."""
    import secrets  # noqa: PLC0415
    from importlib.util import find_spec  # noqa: PLC0415

    from journeytrace_collector.demo.analysts import JOURNEY, entries  # noqa: PLC0415
    from journeytrace_collector.demo.people import PROJECTS  # noqa: PLC0415

    journey = {"name": "Open an account", "project": PROJECTS[0], "form": "https://form.example/"}
    found: dict[str, Any] = {
        "public": {"listen": free, "keys": {"demo": {"key": secrets.token_hex(32)}}},
        "invitations": {"url": "https://verify.example", "journeys": {JOURNEY: journey}},
    }
    if find_spec("rapidfuzz") and find_spec("anyascii"):
        file = folder / "invented.ftm.jsonl"
        file.write_text(entries(journeys), "utf-8")
        lists = [{"name": "invented", "path": file, "covers": ["pep", "sanctions", "criminal"]}]
        found["exporters"] = {"screening": {"local": {"lists": lists}}}
    return found


async def _work(collector: Collector, journeys: Sequence[Journey]) -> None:
    """Let analysts do what they do."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from journeytrace_collector.demo.analysts import invitations, reviews  # noqa: PLC0415

    now = datetime.now(UTC)
    for act in (*reviews(journeys, now.date()), *invitations(now)):
        await collector.record(act.name, act.session_id, act.actor, act.said)


async def _send(out: Console, journeys: list[Journey], endpoint: str) -> int:
    import time  # noqa: PLC0415

    from rich.progress import Progress  # noqa: PLC0415

    from journeytrace_collector.demo.replay import play  # noqa: PLC0415

    goes_on = True
    with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
        bar = progress.add_task("Playing journeys", total=len(journeys))

        def played() -> bool:
            progress.advance(bar)
            return goes_on

        try:
            return await asyncio.to_thread(play, journeys, endpoint, time.time_ns(), played)
        finally:
            # Ctrl-C ends the wait for the thread, but only this ends the thread.
            goes_on = False


async def _report(out: Console, collector: Collector, sent: int, keep: bool) -> None:
    from journeytrace_collector.cli import demo_report as report  # noqa: PLC0415
    from journeytrace_collector.cli.client import ApiError, connect  # noqa: PLC0415
    from journeytrace_collector.cli.figures import most_telling  # noqa: PLC0415

    async with connect(str(collector.admin)) as client:
        sessions = (await client.sessions({}, 0))["sessions"]
        stored = sum(session["events"] for session in sessions)
        if stored != sent:
            raise ApiError(f"{sent} events were sent, but the collector holds {stored}", 1)
        funnel = await client.funnel({})
        one = most_telling(sessions)
        events = await client.events(one["session_id"])
    out.print(
        f"Two services, kyc-api and kyc-web, sent {sent} events over OTLP/gRPC; "
        f"the collector holds {stored} events of {len(sessions)} sessions."
    )
    report.print_latest(out, sessions)
    report.print_figures(out, sessions, funnel)
    report.print_one(out, one, events)
    report.print_next(out, one["session_id"], str(collector.admin) if keep else None)


async def _stay(out: Console, collector: Collector) -> None:
    out.print()
    out.print(
        f"The collector goes on: OTLP/gRPC on {collector.otlp_grpc}, OTLP/HTTP on "
        f"{collector.otlp_http}, admin on http://{collector.admin}. Ctrl-C ends it."
    )
    if collector.desk is not None:
        out.print(f"Open http://{collector.desk} in a browser to look at the sessions.")
    else:
        out.print("pip install 'journeytrace[desk]' adds pages to open in a browser.", markup=False)
    await asyncio.Event().wait()
