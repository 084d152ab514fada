"""``journeytrace conformance``: the rules for sessions, and what they would say of the past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from journeytrace_collector.cli.options import DEFAULT_URL, CaFile, Json, Token, Url
from journeytrace_collector.cli.times import TIME_HELP, moment_of

if TYPE_CHECKING:
    from journeytrace_collector.cli.client import Replayed, Rule

__all__ = ["conformance"]


def conformance(
    *,
    rules: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of your own rules: check it, or replay it."),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own catalogue, to check the rules against."),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Hold the sessions of the past against the rules.")
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"Replay those created since: {TIME_HELP}")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="And before this time; as --since.")
    ] = None,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    token: Token = None,
    ca_file: CaFile = None,
) -> None:
    """List the rules, check a file of them, or tell what they would say of the past.

    Alone it asks the collector for its rules, and how many sessions violate each of them now. With
    --rules it reads that file as a collector would. With --replay it holds every session that has
    come to rest since then against all rules, or against those of the file; nothing is counted
    or marked by that.
    """
    if not replay and (since or until):
        raise typer.BadParameter("only together with --replay", param_hint="--since, --until")
    if replay and since is None:
        raise typer.BadParameter("is needed for --replay, such as --since 7d", param_hint="--since")
    if rules is not None:
        checked = _checked(rules, catalogue, replay=replay)
        if not replay:
            _print_rules(checked, as_json=as_json, counted=False)
            return

    from journeytrace_collector.cli.client import connect, run  # noqa: PLC0415

    times = {"since": moment_of("--since", since), "until": moment_of("--until", until)}
    filters = {name: time for name, time in times.items() if time is not None}
    text = None if rules is None else rules.read_text("utf-8")

    async def fetch() -> Replayed:
        async with connect(url, token, ca_file) as client:
            return await client.replay(text, filters)

    async def ask() -> list[Rule]:
        async with connect(url, token, ca_file) as client:
            return await client.conformance()

    if replay:
        _print_replayed(run(fetch()), as_json=as_json)
    else:
        _print_rules(run(ask()), as_json=as_json, counted=True)


def _checked(rules: Path, catalogue: Path | None, *, replay: bool) -> list[Rule]:
    """Give the rules that would be in force with a file; end the command where it is faulty."""
    from journeytrace.catalogue import builtin_catalogue, load_catalogue  # noqa: PLC0415
    from journeytrace.errors import CatalogueError, JourneytraceError  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import plain  # noqa: PLC0415
    from journeytrace_collector.store.opening import load_rules  # noqa: PLC0415

    try:
        known = load_catalogue(catalogue) if catalogue else builtin_catalogue()
        # For a replay it is the collector that knows the catalogue.
        found = [] if replay and catalogue is None else list(load_rules(rules, known))
        if replay:
            rules.read_text("utf-8")
    except (JourneytraceError, CatalogueError, OSError, UnicodeDecodeError) as error:
        typer.echo(plain(str(error)), err=True)
        raise typer.Exit(2) from None
    return [
        {
            "name": rule.name,
            "meaning": rule.meaning,
            "demands": rule.kind,
            "own": rule.own,
            "sessions": 0,
            "more": False,
        }
        for rule in found
    ]


def _print_rules(rules: list[Rule], *, as_json: bool, counted: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"rules": rules}, indent=2))
        return
    from journeytrace_collector.cli.rule_list import print_rules  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    print_rules(console(), rules, counted=counted)


def _print_replayed(found: Replayed, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    from journeytrace_collector.cli.rule_list import print_replayed  # noqa: PLC0415
    from journeytrace_collector.cli.terminal import console  # noqa: PLC0415

    print_replayed(console(), found)
