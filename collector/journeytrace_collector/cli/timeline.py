"""One session for a person to read: the card of what is known, then what happened when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from rich.console import Console
from rich.text import Text

from journeytrace.conventions import TIME_SCREEN
from journeytrace_collector.cli.client import Clock, Event, Proposal, Summary
from journeytrace_collector.cli.error_codes import last_code
from journeytrace_collector.cli.selection import Selection, counted
from journeytrace_collector.cli.terminal import (
    NOTHING,
    Field,
    Layout,
    Stack,
    best_table,
    chip,
    moment,
    parse_time,
    plain,
    styled,
)

__all__ = ["print_card", "print_then", "print_timeline"]

_LONGEST_VALUE: Final = 200
_NEEDS_QUOTES: Final = re.compile(r"""[\s"=]|^$""")
_CHANGES: Final[
    Sequence[tuple[str, Literal["status", "decision", "reason", "stage", "last_error_code"]]]
] = (
    ("status", "status"),
    ("decision", "decision"),
    ("reason", "reason"),
    ("stage", "stage"),
    ("error code", "last_error_code"),
)
_GOES_ON: Final = "The session goes on, and nothing stands in its way."
_UNSURE: Final = "~ it is not certain that this came after the event above it: clocks differ."
_UNKNOWN: Final = (
    "Between FE and BE no order is certain: nothing tells how far the screen's clock is from the "
    "server's."
)
_FOOTNOTE: Final = (
    "Events stand in order of (time, event id). Checks run side by side: the order does not show "
    "what caused what. COMPLETED means that the journey ended, not that the user was approved."
)


def print_then(out: Console, then: Summary, now: Summary, at: str) -> None:
    """Print that a session is shown as it was known at `at` (RFC 3339), and what came later."""
    known, every = then["events"], now["events"]
    text = Text.assemble(("As known at ", "bold"), (f"{moment(at)} UTC", "bold"))
    text.append(f": {known} of the {counted(every)} that are known now had arrived.")
    # That there is no reason any more, the decision tells.
    changed = [
        f"{word} {plain(now[key] or 'none')}"
        for word, key in _CHANGES
        if now[key] != then[key] and (now[key] or key == "decision")
    ]
    if changed:
        text.append(f" Since then: {', '.join(changed)}.")
    elif known < every:
        text.append(" What came later changed neither status nor decision.")
    out.print(text, style="yellow")
    out.print()


def print_card(out: Console, session: Summary) -> None:
    """Print why the session ended as it did, then what is known of it, one value a line."""
    why = session["why"]
    out.print(Text(plain(why["text"] if why else _GOES_ON), style="bold"))
    out.print()
    for label, value in _card(session):
        # Soft-wrapped: an id longer than the line stays one piece to copy.
        out.print(Text.assemble((f"{label:<14}", "dim"), value), soft_wrap=True)


def _card(session: Summary) -> Iterator[tuple[str, Text]]:
    yield "Session", Text(plain(session["session_id"]), style="bold")
    yield "Support code", styled(session["support_code"])
    yield "Trace", styled(session["trace_id"])
    for label, key in (
        ("Project", session["project_id"]),
        ("User", session["user_id"]),
        ("Email", session["email"]),
        ("Submission", session["submission_id"]),
        ("Flow", session.get("flow_id")),
    ):
        yield label, styled(key or NOTHING)
    yield "Status", chip(session["status"])
    yield "Decision", _decision(session)
    if words := session.get("reason_text"):
        yield "In own words", Text(plain(words))
    if proposal := session.get("proposal"):
        yield "Proposal", _proposed(proposal)
    if broken := session.get("violates"):
        yield "Violates", styled(", ".join(broken), "bold red")
    yield "Stage", styled(session["stage"] or NOTHING)
    yield "Error code", last_code(session)
    yield "Events", _counts(session)
    yield "Created", moment(session["created_at"]).append(" UTC")
    yield (
        "Last event",
        Text.assemble(plain(session["last_event"]), "  ", moment(session["last_event_at"]), " UTC"),
    )
    yield (
        "Expires",
        moment(session["expires_at"]).append(f" UTC ({session['retention_days']} days)"),
    )


def _decision(session: Summary) -> Text:
    if session["decision"] is None:
        return Text("none yet", style="dim")
    text = styled(session["decision"])
    if session["reason"]:
        text.append_text(Text(f"  {plain(session['reason'])}"))
    text.append(f"  {moment(session['decided_at'])} UTC", style="dim")
    if (person := session.get("decided_by")) not in {None, "AUTOMATIC"}:
        by = "confirmed by" if session.get("decision_confirmed") else "by"
        text.append(f"  {by} {plain(person or '')}")
        automatic = session.get("automatic_decision")
        text.append(f" (automatic: {automatic or 'none'})", style="dim")
    return text


def _proposed(proposal: Proposal) -> Text:
    text = styled(proposal["decision"])
    if proposal["reason"]:
        text.append_text(Text(f"  {plain(proposal['reason'])}"))
    text.append(f"  {moment(proposal['proposed_at'])} UTC", style="dim")
    text.append(f"  by {plain(proposal['proposed_by'])}, for a second person to decide")
    if proposal["text"]:
        text.append(f": {plain(proposal['text'])}")
    return text


def _counts(session: Summary) -> Text:
    text = Text(str(session["events"]))
    for impact, count in sorted(session["impacts"].items()):
        if impact != "NONE" and count:
            text.append_text(Text("  ")).append_text(styled(impact)).append(f" {count}")
    return text


def print_timeline(out: Console, chosen: Selection, start: str, clock: Clock | None = None) -> None:
    """Print one row an event, its time counted from `start` (RFC 3339), and what is left out.

    `clock`: how far the screen's clock is from the server's; None: nobody knows.
    """
    if clock is not None:
        calls = f"by {clock['calls']} calls that both sides told of"
        out.print(Text.assemble(plain(clock["text"]), (f", {calls}", "dim")))
        out.print()
    # Where others stand between two events, nothing is said of these two.
    marks = clock is not None and not (chosen.quiet or chosen.elsewhere)
    if chosen.before:
        out.print(Text(f"… {counted(chosen.before)} before", style="dim"))
    if chosen.events:
        out.print(best_table(out, chosen.events, _layouts(parse_time(start), marks=marks)))
    else:
        out.print("No event to show.")
    if chosen.after:
        out.print(Text(f"… {counted(chosen.after)} after", style="dim"))
    out.print()
    if left_out := "; ".join(chosen.left_out()):
        out.print(Text(f"Left out: {left_out}.", style="dim"))
    if marks and any(map(_is_unsure, chosen.events)):
        out.print(Text(_UNSURE, style="dim italic"))
    elif clock is None and {"FE", "BE"} <= {row["source"] for row in chosen.events}:
        out.print(Text(_UNKNOWN, style="dim italic"))
    out.print(Text(_FOOTNOTE, style="dim italic"))


def _is_unsure(row: Event) -> bool:
    return row.get("order_certain") is False


def _layouts(start: datetime, *, marks: bool) -> Sequence[Layout[Event]]:
    def time(row: Event) -> Text:
        since = Text(_since(parse_time(row["at"]) - start))
        if not marks:
            return since
        return Text.assemble(("~" if _is_unsure(row) else " ", "yellow"), since)

    at = Field[Event]("Time", time)
    return (
        (
            *(Stack((field,)) for field in (at, _SOURCE, _STAGE, _EVENT, _RESULT, _IMPACT, _TOOK)),
            Stack((_REASON,)),
            Stack((_ERROR,)),
            Stack((_METADATA,), folds=True),
        ),
        (
            *(Stack((field,)) for field in (at, _SOURCE, _STAGE)),
            Stack((_EVENT, _METADATA), folds=True),
            *(Stack((field,)) for field in (_RESULT, _IMPACT, _TOOK)),
            Stack((_REASON_CODE, _ERROR)),
        ),
        (
            Stack((at,)),
            Stack((_SOURCE,)),
            Stack((_EVENT, _DETAILS), folds=True),
            Stack((_OUTCOME,)),
            Stack((_TOOK,)),
        ),
    )


def _since(span: timedelta) -> str:
    sign = "-" if span < timedelta(0) else "+"
    seconds, milliseconds = divmod(round(abs(span) / timedelta(milliseconds=1)), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes:02}"
    return f"{sign}{head}:{seconds:02}.{milliseconds:03}"


def _took(row: Event) -> Text:
    milliseconds = row["duration_ms"] or 0
    if round(milliseconds) == 0:
        # A check takes its time, if only a little. Of anything else so short a span is the time
        # that it took to make the span.
        return Text("< 1 ms" if milliseconds and row["result"] else "")
    if milliseconds < 1000:
        return Text(f"{milliseconds:.0f} ms")
    return Text(f"{milliseconds / 1000:.2f} s")


def _outcome(row: Event) -> Text:
    """Give result and impact in one, for where there is no room for two."""
    impact = None if row["impact"] == "NONE" else row["impact"]
    return Text(" ").join(styled(word) for word in (row["result"], impact) if word)


def _details(row: Event) -> Text:
    fields = (_STAGE, _REASON, _ERROR, _METADATA)
    return Text(" ").join(text for field in fields if (text := field.cell(row)).plain)


def _metadata(attributes: dict[str, Any]) -> Text:
    # What the order is judged by would bury what else there is.
    shown = sorted((key, value) for key, value in attributes.items() if key != TIME_SCREEN)
    pairs = (f"{plain(key)}={_value(value)}" for key, value in shown)
    return Text(" ".join(pairs), style="dim")


def _value(value: Any) -> str:
    bare = isinstance(value, str) and not _NEEDS_QUOTES.search(value)
    text = value if bare else json.dumps(value, ensure_ascii=False)
    shown = plain(text[:_LONGEST_VALUE])
    # Only --json gives such a value whole; here it would bury the line it stands in.
    return shown if len(text) <= _LONGEST_VALUE else f"{shown}… ({len(text)} characters)"


# What a person did stands out from what the journey did.
_SOURCE = Field[Event](
    "Src", lambda row: styled(row["source"], "reverse" if row["source"] == "OP" else "dim")
)
_STAGE = Field[Event]("Stage", lambda row: styled(row["stage"], "dim"))
_EVENT = Field[Event]("Event", lambda row: styled(row["name"], "bold"))
_RESULT = Field[Event]("Result", lambda row: styled(row["result"]))
_IMPACT = Field[Event]("Impact", lambda row: styled(row["impact"]))
_OUTCOME = Field[Event]("Outcome", _outcome)
_TOOK = Field[Event]("Took", _took)
_REASON = Field[Event]("Reason", lambda row: styled(row["reason"], "italic"))
_REASON_CODE = Field[Event]("Reason, code", _REASON.cell)
_ERROR = Field[Event]("Error code", lambda row: styled(row["error_code"], "red"))
_METADATA = Field[Event]("Metadata", lambda row: _metadata(row["attributes"]))
_DETAILS = Field[Event]("Details", _details)
