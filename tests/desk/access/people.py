"""Sessions of two people in three places, who left their e-mail address wherever they could."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from tests.support.events import MINUTE, SECOND, event

from journeytrace_collector.core.model import Event

__all__ = ["ANN", "BEN", "MINE", "OTHERS", "SCATTERED", "sessions"]

ANN = ("Ann.Blue@example.com", "customer-4711-blue")
BEN = ("ben@example.org", "9a1c0e52-7a4e-4a8e-9d3c-2f4c1f0d7b11")
MINE = "018f3b5e-0000-7000-8000-00000000aaaa"
"""Of Ann, in acme."""
OTHERS = "018f3b5e-0000-7000-8000-00000000bbbb"
"""Of Ben, in globex."""
SCATTERED = "018f3b5e-0000-7000-8000-00000000cccc"
"""Of Ann, in globex: her address and id are in every field."""


def sessions(now: int) -> list[Event]:
    """Make events of eight sessions, the newest a minute before `now` (ns)."""
    return [
        *_one(MINE, now - MINUTE, "acme", ANN, "PV-10004"),
        *_one(OTHERS, now - 2 * MINUTE, "globex", BEN, "QS-10001"),
        *_scattered(now - 3 * MINUTE),
        *(
            one
            for number, project in enumerate(("acme", None, "globex", "ACME", "acme"))
            for one in _one(
                f"plain-{number}",
                now - (4 + number) * MINUTE,
                project,
                (f"p{number}@example.com", f"person-number-{number}"),
                None,
            )
        ),
    ]


def _one(
    session_id: str, at: int, project: str | None, who: tuple[str, str], code: str | None
) -> Iterator[Event]:
    same = {"session_id": session_id}
    known = {"email": who[0], "user_id": who[1], "project_id": project}
    yield event("SESSION_CREATED", at, **known, **same)
    yield event("STEP_VIEW", at + SECOND, metadata='{"path":"/id-front"}', **same)
    if code is not None:
        failed = {"result": "FAIL", "impact": "REJECTED", "error_code": code}
        yield event("AGE_VERIFICATION", at + 2 * SECOND, **failed, **same)
        yield event("REJECTED", at + 3 * SECOND, reason="AGE_VERIFICATION", **same)


def _scattered(at: int) -> Iterator[Event]:
    email, user = ANN
    same = {"session_id": SCATTERED}
    known = {"email": email, "user_id": user, "project_id": "globex"}
    said = {
        "path": f"/welcome?mail={quote(email)}&user={quote(user)}",
        "twice": quote(quote(email)),
        "form.email": email.upper(),
        "extracted.owner": {"deep": [{"who": f"<{email}>"}, user, 1]},
        f"seen {user}": "x",
        "inner": json.dumps({"mail": email.replace("@", "\\u0040")}),
        "html": email.replace("@", "&#64;"),
        "another": "old.address@example.net",
        "journey.private.text": "call her, she is Blue",
    }
    yield event("SESSION_CREATED", at, metadata=json.dumps(said), **known, **same)
    yield event(
        f"WELCOMED {user}",
        at + SECOND,
        stage=f"FOR {user}",
        service=email,
        submission_id=f"sub-{user}",
        flow_id=email,
        error_code=f"E {email}",
        reason=user,
        result="FAIL",
        impact="BLOCKED",
        metadata=json.dumps({"path": f"/{email}"}),
        **same,
    )
    yield event("STEP_VIEW", at + 2 * SECOND, metadata=json.dumps({"path": f"/{user}"}), **same)
    decided = {"reason": f"{user} looks like {email}", "error_code": user}
    yield event("REJECTED", at + 3 * SECOND, **decided, **same)
