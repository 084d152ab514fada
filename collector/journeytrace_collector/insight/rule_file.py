"""The text of a file of rules → rules: every complaint says which rule, which key, what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from journeytrace._toml_table import TomlTable
from journeytrace.catalogue import Catalogue
from journeytrace.conventions import Decision, Impact, Result, Source, Status
from journeytrace.errors import CatalogueError, JourneytraceError
from journeytrace_collector.insight.conformance import (
    NO_DECISION,
    Like,
    Pair,
    Rule,
    Rules,
    Some,
    Within,
)

__all__ = ["MOST_RULES", "RulesError", "rules_of"]

MOST_RULES: Final = 40
"""How many can be in force: each has a series in every project."""

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST: Final = 60
_DEMANDS: Final = ("requires", "forbids", "before", "within")
_SOME: Final = ("event", "source", "result", "impact", "by")
_LIKE: Final = ("project", "decision", "decided_by", "status", "open_hits", *_SOME)
_ENDED: Final = [status.value for status in Status if status is not Status.IN_PROGRESS]
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_LIMIT: Final = 366 * 86_400
_BUILT_IN: Final = "rules.toml"


class RulesError(JourneytraceError):
    """A file of rules cannot be used. Whoever wrote it can mend it: the message says how."""


def rules_of(text: str | None, file: str, catalogue: Catalogue) -> Rules:
    """Give the built-in rules with a user's file laid over them; `text` None: there is none.

    A rule of the file that has another demand than the built-in one of its name replaces that;
    other keys it leaves as they are. Built-in rules that look for events which `catalogue` lacks
    cannot be, for it holds all of the built-in ones.

    Raises:
        RulesError: the text is no TOML, or a key or value in it is faulty.
    """
    known = _tables((files(__package__) / _BUILT_IN).read_text("utf-8"), _BUILT_IN)
    own = {} if text is None else _tables(text, file)
    rules = []
    for name in (*known, *(name for name in own if name not in known)):
        table = _laid_over(known.get(name, {}), own.get(name, {}))
        if name in own:
            _check_name(name, file)
        where = file if name in own else _BUILT_IN
        try:
            reader = _Reader(TomlTable(table, where, f"rules.{name}"), where, catalogue)
            if (rule := reader.rule(name, own=name in own)) is not None:
                rules.append(rule)
        except CatalogueError as error:
            raise RulesError(str(error)) from None
    if len(rules) > MOST_RULES:
        problem = f"{len(rules)} rules would be in force; leave at most {MOST_RULES}"
        raise RulesError(f"{file}: rules: {problem}, or switch some off with `off = true`")
    return Rules(rules)


def _tables(text: str, file: str) -> dict[str, dict[str, Any]]:
    try:
        top = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"{file}: is not valid TOML: {error}") from None
    try:
        table = TomlTable(top, file)
        table.allow("rules")
        return {name: top["rules"][name] for name, _ in table.table("rules").tables()}
    except CatalogueError as error:
        raise RulesError(str(error)) from None


def _laid_over(known: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    replaced = any(demand in own for demand in _DEMANDS)
    kept = {key: one for key, one in known.items() if not (replaced and key in _DEMANDS)}
    return kept | dict(own)


def _check_name(name: str, file: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        advice = f"write up to {_LONGEST} lower-case letters, digits and single hyphens"
        raise RulesError(f"{file}: rules.{name} is no usable name; {advice}")


class _Reader:
    """Reads the table of one rule."""

    def __init__(self, table: TomlTable, file: str, catalogue: Catalogue) -> None:
        self._table = table
        self._file = file
        self._events = tuple(catalogue.events)

    def rule(self, name: str, *, own: bool) -> Rule | None:
        """Give the rule; None: it is switched off."""
        table = self._table
        table.allow("off", "meaning", "when", *_DEMANDS)
        if table.switch("off"):
            return None
        demands = [demand for demand in _DEMANDS if table.has(demand)]
        if len(demands) != 1:
            said = " and ".join(demands) if demands else "nothing"
            wrong = f"demands {said}; write exactly one of {', '.join(_DEMANDS)}"
            raise CatalogueError(f"{self._file}: rules.{name} {wrong}")
        found: dict[str, Any] = {"when": self._like(table.table("when"))}
        demand = demands[0]
        inner = table.table(demand)
        if demand == "before":
            inner.allow("first", "then")
            found[demand] = Pair(self._named(inner, "first"), self._named(inner, "then"))
        elif demand == "within":
            inner.allow("since", "until", "limit")
            since, until = self._named(inner, "since"), self._named(inner, "until")
            found[demand] = Within(since, until, _limit(inner))
        else:
            found[demand] = like = self._like(inner)
            if like == Like():
                wrong = "says nothing; write what the sessions have to be, or may not be"
                raise table.error(demand, wrong)
        return Rule(name=name, meaning=table.text("meaning"), own=own, **found)

    def _named(self, table: TomlTable, key: str) -> Some:
        inner = table.table(key)
        inner.allow(*_SOME)
        some = self._some(inner)
        if some is None:
            raise table.error(key, 'says nothing; write an event, such as { event = "PENDING" }')
        return some

    def _like(self, table: TomlTable) -> Like:
        table.allow(*_LIKE)
        by = table.optional_choice("decided_by", ("AUTOMATIC", "PERSON"))
        return Like(
            projects=_texts(table, "project"),
            decisions=_words(table, "decision", [*Decision, NO_DECISION]),
            by_person=None if by is None else by == "PERSON",
            statuses=_words(table, "status", _ENDED),
            open_hits=table.boolean("open_hits") if table.has("open_hits") else None,
            event=self._some(table),
        )

    def _some(self, table: TomlTable) -> Some | None:
        some = Some(
            names=_words(table, "event", self._events),
            source=table.optional_choice("source", list(Source)),
            result=table.optional_choice("result", list(Result)),
            impact=table.optional_choice("impact", list(Impact)),
            by_decider=table.optional_choice("by", ("decider",)) is not None,
        )
        return None if some == Some() else some


def _words(table: TomlTable, key: str, among: Any) -> tuple[str, ...]:
    if not table.has(key):
        return ()
    return table.choices(key, among) if table.is_list(key) else (table.choice(key, among),)


def _texts(table: TomlTable, key: str) -> tuple[str, ...]:
    if not table.has(key):
        return ()
    return table.texts(key) if table.is_list(key) else (table.text(key),)


def _limit(table: TomlTable) -> int:
    text = table.text("limit")
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_LIMIT:
        raise table.error("limit", f'is "{text}"; write a duration such as "30m", "72h" or "5d"')
    return seconds * 1_000_000_000
