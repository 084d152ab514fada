"""What whoever may only look is shown in the place of e-mail addresses and user ids.

An address becomes ``a•••@•••``: its first letter tells two people apart on the phone, and neither
its length nor its domain is told. A user id becomes ``•••``, whatever it looks like. Both are
hidden wherever a sender wrote them, and so is whatever else looks like an address. What was typed
into the form, what was read off documents and what an analysis tells of it in words are about the
person as a whole: of these nothing is shown.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import unquote
from uuid import UUID

import msgspec

from journeytrace.catalogue import PASSIVE_OF_SERVICES
from journeytrace.conventions import ACTOR_ID, ANALYSIS_SUMMARY, PRIVATE_PREFIXES
from journeytrace_collector.core.derive import Summary
from journeytrace_collector.core.model import Event, Why

__all__ = ["HIDDEN", "WORK", "Mask", "email"]

HIDDEN: Final = "•••"
"""Stands for what is not shown."""
WORK: Final = "journey.private."
"""What analysts write for each other begins with this: notes, purposes, recipients."""
_PERSONAL: Final = re.compile("|".join(f'"{re.escape(one)}' for one in PRIVATE_PREFIXES))

_ANYWHERE: Final = 8
"""Characters from which on a value is hidden inside words, too. A shorter one is part of too much
that has nothing to do with it."""
_LOCAL: Final = r"(?<![\w.+%-])[\w.+%-]++@"
_ADDRESS: Final = re.compile(_LOCAL + r"[\w-]++(?:\.[\w-]++)+")
_ESCAPED: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\"\\]))")
_ROUNDS: Final = 4
"""How often something can have been escaped that was escaped already."""

_NEVER: Final = re.compile(r"(?!)")
_SIGNS: Final = "@%&+\\"
"""Without one of them nothing is an address, and nothing is escaped."""


def email(address: str) -> str:
    """Mask an address."""
    local, at, _ = address.partition("@")
    first = local[:1] if local[:1].isascii() and local[:1].isalnum() else ""
    return f"{first}{HIDDEN}@{HIDDEN}" if at else HIDDEN


class Mask:
    """Hides what belongs to one session."""

    def __init__(self, session: Summary, events: Iterable[Event] = ()) -> None:
        values = {session.user_id, session.email}
        for event in events:
            values |= {event.user_id, event.email}
        self._known = {text for value in values if value for text in _spellings(value)}
        self._plain = {_folded(text) for text in self._known}

    @cached_property
    def _values(self) -> re.Pattern[str]:
        return _pattern(self._known)

    @cached_property
    def _folded(self) -> re.Pattern[str]:
        return _pattern(self._plain)

    def text(self, text: str, *, addresses: bool = True) -> str:
        """Hide them in a text; `addresses`: and whatever else looks like one."""
        if self._is_harmless(text):
            return text
        shown = self._values.sub(_hidden, text)
        if addresses:
            shown = _ADDRESS.sub(_hidden, shown)
        # What hides behind escapes is not picked out of them: all of it is hidden.
        return HIDDEN if self._is_behind(shown, addresses) else shown

    def _is_harmless(self, text: str) -> bool:
        """Tell quickly of most texts that nothing is in them."""
        if not text.isascii() or any(sign in text for sign in _SIGNS):
            return False
        lower = text.lower()
        return not any(value in lower for value in self._plain)

    def _is_behind(self, text: str, addresses: bool) -> bool:
        for plain in _unescaped(text):
            if self._folded.search(plain) or (addresses and _ADDRESS.search(plain)):
                return True
        return False

    def maybe(self, text: str | None) -> str | None:
        """Hide them in a text if there is one."""
        return None if text is None else self.text(text)

    def summary(self, session: Summary) -> Summary:
        """Hide them in what is told of the session.

        Where its id holds one, its support code is its id.
        """
        clear = self.text(session.session_id) == session.session_id
        person = session.decided_by
        return msgspec.structs.replace(
            session,
            session_id=session.session_id if clear else session.support_code,
            trace_id=session.trace_id if clear else HIDDEN,
            user_id=HIDDEN if session.user_id else session.user_id,
            email=email(session.email) if session.email else session.email,
            project_id=self.maybe(session.project_id),
            submission_id=self.maybe(session.submission_id),
            flow_id=self.maybe(session.flow_id),
            last_event=self.text(session.last_event),
            reason=self.maybe(session.reason),
            decided_by=None if person is None else self.text(person, addresses=False),
            stage=self.maybe(session.stage),
            last_error_code=self.maybe(session.last_error_code),
            why=None if session.why is None else self._why(session.why),
        )

    def _why(self, why: Why) -> Why:
        return msgspec.structs.replace(
            why,
            text=self.text(why.text),
            reason=self.maybe(why.reason),
            event=self.maybe(why.event),
            error_code=self.maybe(why.error_code),
            screen=self.maybe(why.screen),
        )

    def event(self, event: Event) -> Event:
        """Hide them in an event, and what analysts wrote."""
        return msgspec.structs.replace(
            event,
            name=self.text(event.name),
            stage=self.maybe(event.stage),
            reason=self.maybe(event.reason),
            error_code=self.maybe(event.error_code),
            service=self.maybe(event.service),
            project_id=self.maybe(event.project_id),
            submission_id=self.maybe(event.submission_id),
            flow_id=self.maybe(event.flow_id),
            user_id=HIDDEN if event.user_id else event.user_id,
            email=email(event.email) if event.email else event.email,
            metadata=self._metadata(event.metadata, event.name in PASSIVE_OF_SERVICES),
        )

    def _metadata(self, text: str, tells: bool) -> str:
        if not tells and _PERSONAL.search(text) is None and self._is_harmless(text):
            return text
        attributes: dict[str, Any] = json.loads(text)
        if tells and ANALYSIS_SUMMARY in attributes:
            attributes[ANALYSIS_SUMMARY] = HIDDEN
        shown = {self.text(key): self._attribute(key, value) for key, value in attributes.items()}
        return json.dumps(shown, ensure_ascii=False)

    def _attribute(self, key: str, value: Any) -> Any:
        if key.startswith(PRIVATE_PREFIXES):
            return HIDDEN
        if key == ACTOR_ID and isinstance(value, str):
            # Who works here is no secret from those who work here.
            return self.text(value, addresses=False)
        return self._value(value)

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(one) for one in value]
            case dict():
                return {self.text(key): self._value(one) for key, one in value.items()}
            case int() | float() if not isinstance(value, bool):
                return HIDDEN if self._values.search(json.dumps(value)) else value
        return value


def _spellings(value: str) -> Iterator[str]:
    yield value
    yield normalize("NFKC", value)
    try:
        found = UUID(value)
    except ValueError:
        return
    yield from (str(found), found.hex)


def _pattern(values: Iterable[str]) -> re.Pattern[str]:
    """Find any of them, the longest first, in either case."""
    found = sorted((value for value in values if value.strip()), key=len, reverse=True)
    if not found:
        return _NEVER
    return re.compile("|".join(map(_literal, found)), re.IGNORECASE)


def _literal(value: str) -> str:
    text = re.escape(value)
    return text if len(value) >= _ANYWHERE else rf"(?<![^\W_]){text}(?![^\W_])"


def _hidden(found: re.Match[str]) -> str:
    return email(found[0])


def _unescaped(text: str) -> Iterator[str]:
    """Read a text as programs do that get it from an address, from HTML or from JSON."""
    for _ in range(_ROUNDS):
        yield _folded(text)
        yield _folded(text.replace("+", " "))
        further = _ESCAPED.sub(_character, html.unescape(unquote(text)))
        if further == text:
            return
        text = further


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else found[3]


def _folded(text: str) -> str:
    return normalize("NFKC", text).casefold()
