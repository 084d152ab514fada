"""A change → news: pure, and the same news has the same key however often it is told."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec

from journeytrace.catalogue import Catalogue
from journeytrace_collector.core.change import Change, SessionChange
from journeytrace_collector.core.derive import decided_by, rfc3339, summary
from journeytrace_collector.core.sessionize import SessionState
from journeytrace_collector.insight.why import why
from journeytrace_exporters.webhook.settings import UNDECIDED, EndpointSettings, Kind

__all__ = ["News", "body", "idempotency_key", "news_of", "wanted"]

# A change does not say when a session settled first, so a summary cannot either.
_NOT_KNOWN: Final = ("settled_at", "revision", "violates")


class News(NamedTuple):
    """One thing that happened to one session."""

    kind: Kind
    session: SessionChange
    before: dict[str, Any]
    """What was true before, by field; None as a value: nothing was."""


def news_of(session: SessionChange) -> Iterator[News]:
    """Give what is new, a settlement last: it sums up. Of what has not begun there is no news."""
    if not session.after.begun:
        return
    if session.told is not None and session.told is not session.status:
        yield News(Kind.STATUS_CHANGED, session, {"status": session.told.value})
    if _is_another(session):
        yield News(Kind.DECISION_CHANGED, session, _decided(session.before))
    if session.settlement is not None:
        yield News(Kind.SETTLED, session, {"status": session.settlement.before})


def wanted(news: News, endpoint: EndpointSettings) -> bool:
    """Whether an endpoint asked for it."""
    state = news.session.after
    project = state.kept.get("project_id")
    decision = _decided(state)["decision"]
    return (
        news.kind in endpoint.events
        and (not endpoint.projects or (project is not None and project[2] in endpoint.projects))
        and (not endpoint.statuses or news.session.status in endpoint.statuses)
        and (not endpoint.decisions or (decision or UNDECIDED) in endpoint.decisions)
    )


def idempotency_key(news: News, endpoint: str) -> str:
    """Give 64 hex digits that tell this news to this endpoint from any other."""
    state = news.session.after
    what: list[object]
    if news.kind is Kind.SETTLED:
        settlement = news.session.settlement
        what = [settlement.revision if settlement else 0]
    elif news.kind is Kind.DECISION_CHANGED and state.decision is not None:
        at, event_id, decision, reason = state.decision
        what = [at, event_id.hex(), decision, reason]
    else:
        # A late event can bring a status back while the newest event stays; their number rises.
        what = [news.before, news.session.status, state.events, state.last[1].hex()]
    identity = [endpoint, state.session_id, news.kind, what]
    return sha256(msgspec.json.encode(identity)).hexdigest()


def body(
    news: News,
    endpoint: EndpointSettings,
    key: str,
    change: Change,
    *,
    catalogue: Catalogue,
    idle_timeout: int,
) -> bytes:
    """Write it as JSON, as it is at the time of `change`; `idle_timeout` in ns."""
    state = news.session.after
    known = summary(
        state,
        change.at,
        idle_timeout,
        retention=change.retention,
        why=why(state, news.session.status, catalogue),
        error_codes=catalogue.error_codes,
    )
    session: dict[str, Any] = msgspec.to_builtins(known)
    for name in _NOT_KNOWN if endpoint.include_email else (*_NOT_KNOWN, "email"):
        del session[name]
    # What can be told, where the summary knows the clock alone.
    session["status"] = news.session.status
    found: dict[str, Any] = {
        "type": news.kind,
        "id": key,
        "occurred_at": rfc3339(change.at),
        "session": session,
        "before": news.before,
    }
    if news.session.settlement is not None:
        found["revision"] = news.session.settlement.revision
    return msgspec.json.encode(found)


def _decided(state: SessionState | None) -> dict[str, Any]:
    """Give what is decided, why and by whom; None as a value: nothing is."""
    if state is None or state.decision is None or not state.begun:
        return {"decision": None, "reason": None, "decided_by": None}
    _, _, decision, reason = state.decision
    return {"decision": decision, "reason": reason, "decided_by": decided_by(state)}


def _is_another(session: SessionChange) -> bool:
    """Whether it is decided otherwise, or anew by a person: also who confirms has decided."""
    before, after = session.before, session.after
    verdict = before.verdict if before is not None and before.begun else None
    return after.verdict != verdict or _decided(before) != _decided(after)
