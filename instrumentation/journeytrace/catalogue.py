"""The catalogue: which events, reasons and codes exist, and what each of them means for a session.

The built-in one is ``catalogue.toml`` beside this file, what services record, and laid over it
``operations.toml``, what people do at the desk. A user's own TOML file has the same form, and adds
to the first or overrides single keys of it; it is checked as a whole before anything starts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from journeytrace._error_codes import ErrorCodeSpec, read_error_codes
from journeytrace._stage_order import read_stages
from journeytrace._toml_table import TomlTable
from journeytrace.conventions import Decision, Impact, Result, Source
from journeytrace.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "PASSIVE_OF_SERVICES",
    "Catalogue",
    "ErrorCodeSpec",
    "EventSpec",
    "Pair",
    "ReasonSpec",
    "Role",
    "builtin_catalogue",
    "load_catalogue",
]

PASSIVE_OF_SERVICES: Final = frozenset({"ANALYSIS_SUMMARY"})
"""What services say of a session afterwards: of source BE, and passive like what people do."""

_CHECK_IMPACTS: Final = {Impact.BLOCKED, Impact.RETAKE, Impact.REJECTED, Impact.PENDING}


class Role(StrEnum):
    """What an event does to the state of its session. Most events have no role."""

    CREATE = "create"
    """Starts the session and fixes its retention."""
    COMPLETE = "complete"
    """Ends the journey: the session is COMPLETED."""
    ERROR = "error"
    """Leaves the normal flow: the session is in ERROR until it is resumed."""
    RESUME = "resume"
    """Brings the user back after an error."""
    APPROVE = "approve"
    """Decides APPROVED, when its source is BE."""
    REJECT = "reject"
    """Decides REJECTED, when its source is BE."""
    HOLD = "hold"
    """Decides PENDING, when its source is BE."""
    INVITE = "invite"
    """Of source OP: until the session begins its retention counts from here."""
    VERDICT_APPROVE = "verdict_approve"
    """Of source OP: a person decides APPROVED."""
    VERDICT_REJECT = "verdict_reject"
    """Of source OP: a person decides REJECTED."""
    VERDICT_CONFIRM = "verdict_confirm"
    """Of source OP: a person decides what the event itself says, as it was decided before."""
    VERDICT_PROPOSE = "verdict_propose"
    """Of source OP: a person proposes what the event itself says, for a second one to decide."""


_EVENT_KEYS: Final = ("source", "stage", "impact", "meaning", "role", "pair")
_ROLES_OF_PEOPLE: Final = {
    Role.INVITE,
    Role.VERDICT_APPROVE,
    Role.VERDICT_REJECT,
    Role.VERDICT_CONFIRM,
    Role.VERDICT_PROPOSE,
}
_DECISIONS: Final = {
    Role.APPROVE: Decision.APPROVED,
    Role.REJECT: Decision.REJECTED,
    Role.HOLD: Decision.PENDING,
}


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event of the catalogue."""

    name: str
    source: Source
    stage: str | None
    """Where in the journey it belongs; None: nowhere in particular."""
    impact: Impact
    """The worst the user can feel. A check that passes has impact NONE."""
    meaning: str
    role: Role | None = None
    pair: str | None = None
    """The event by which the other side, FE or BE, records the same action."""
    is_check: bool = field(init=False)
    """Whether it is a BE event that can stop, repeat or hold the user, the decisions apart."""
    decision: Decision | None = field(init=False)
    """What it decides when its source is BE; None: nothing."""
    passive: bool = field(init=False)
    """Whether it moves nothing of its session but, by a verdict, the decision."""

    def __post_init__(self) -> None:
        decision = _DECISIONS.get(self.role) if self.role else None
        object.__setattr__(self, "decision", decision)
        check = self.source is Source.BE and self.impact in _CHECK_IMPACTS and decision is None
        object.__setattr__(self, "is_check", check)
        passive = self.source is Source.OP or self.name in PASSIVE_OF_SERVICES
        object.__setattr__(self, "passive", passive)

    def impact_of(self, result: str | None) -> Impact:
        """Give the impact of an event that carries none: a check has its own only when it fails."""
        if self.is_check and result != Result.FAIL:
            return Impact.NONE
        return self.impact


@dataclass(frozen=True, slots=True)
class Pair:
    """One action that both sides see: two imperfect counts of the same."""

    screen: str
    """The event of source FE."""
    server: str
    """The event of source BE."""
    stage: str | None
    """The ordered stage in which it happens; None: it belongs to none."""


@dataclass(frozen=True, slots=True)
class ReasonSpec:
    """One reason of a REJECTED or PENDING decision."""

    name: str
    decision: Decision
    stages: tuple[str, ...]
    """The stages in which it is given."""
    meaning: str
    explained_by: tuple[str, ...] = ()
    """The events whose failure leads to it; none: any check of its stages."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All events, reasons, stages and error codes that have a known meaning."""

    events: Mapping[str, EventSpec]
    reasons: Mapping[tuple[Decision, str], ReasonSpec]
    """By decision and name, for one name can be a reason of both."""
    stages: Mapping[str, int | None]
    """Every stage with its place in the order, 0 for the first; None: it has none."""
    error_codes: Mapping[str, ErrorCodeSpec] = field(default_factory=dict)
    """By code. The built-in catalogue has none: they are the user's own."""

    def rank(self, stage: str | None) -> int | None:
        """Give a stage's place in the order; None: it has none or nobody knows it."""
        return self.stages.get(stage) if stage is not None else None

    @property
    def ordered_stages(self) -> tuple[str, ...]:
        """The stages that have an order, first to last."""
        ranks = {stage: rank for stage, rank in self.stages.items() if rank is not None}
        return tuple(sorted(ranks, key=ranks.__getitem__))

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The actions that both sides see, in the order in which the server's side is known."""
        return tuple(
            Pair(spec.pair, spec.name, self._ordered(spec.stage, self.events[spec.pair].stage))
            for spec in self.events.values()
            if spec.source is Source.BE and spec.pair is not None
        )

    def _ordered(self, *stages: str | None) -> str | None:
        return next((stage for stage in stages if self.rank(stage) is not None), None)


_EMPTY: Final = Catalogue(MappingProxyType({}), MappingProxyType({}), MappingProxyType({}))


@cache
def builtin_catalogue() -> Catalogue:
    """Give the catalogue of the event reference, 115 events and 22 reasons, and of the desk.

    What belongs to the desk are the passive events: those of source OP, and `PASSIVE_OF_SERVICES`.
    """
    reference = _load(Path(__file__).with_name("catalogue.toml"), _EMPTY)
    return _load(Path(__file__).with_name("operations.toml"), reference)


def load_catalogue(path: Path, base: Catalogue | None = None) -> Catalogue:
    """Read a user's TOML file over `base` (None: the built-in catalogue).

    Of what `base` has, the file may override single keys. An empty string takes an optional key
    (stage, role, pair, after, page) away. What people do at the desk it can neither change nor add
    to: source OP, its events, its stage and the roles of verdicts mean the same everywhere.

    Raises:
        CatalogueError: the file cannot be read, is no TOML (the message gives the line), or a key
            or value in it is faulty (the message gives the key and what to write instead).
    """
    return _load(path, base or builtin_catalogue(), own=True)


def _load(path: Path, base: Catalogue, *, own: bool = False) -> Catalogue:
    """Read a file over `base`; `own`: a user's, which leaves alone what belongs to the desk."""
    top = TomlTable(_parse(path), str(path))
    top.allow("stages", "events", "reasons", "error_codes")
    if own:
        _leave_alone_the_desk(top, base)
    stages = read_stages(top.table("stages"), base.stages)
    events = _read_events(top.table("events"), base.events, stages, own)
    reasons = _read_reasons(top.table("reasons"), base.reasons, stages, events)
    codes = read_error_codes(top.table("error_codes"), base.error_codes)
    return Catalogue(
        MappingProxyType(events),
        MappingProxyType(reasons),
        MappingProxyType(stages),
        MappingProxyType(codes),
    )


def _leave_alone_the_desk(top: TomlTable, base: Catalogue) -> None:
    done = [spec for spec in base.events.values() if spec.passive]
    for key, kind, taken in (
        ("stages", "stage", {spec.stage for spec in done}),
        ("events", "event", {spec.name for spec in done}),
    ):
        table = top.table(key)
        for name, _ in table.tables():
            if name in taken:
                wrong = f"belongs to what people do at the desk; give your {kind} another name"
                raise table.error(name, wrong)


def _parse(path: Path) -> dict[str, object]:
    try:
        raw = path.read_bytes()
        return tomllib.loads(raw.decode())
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CatalogueError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        # Python names no line when the text ends too early.
        place = f"at line {len(raw.splitlines())}, the end of the file"
        message = str(error).replace("at end of document", place)
        raise CatalogueError(f"{path}: is not valid TOML: {message}") from error


def _read_events(
    table: TomlTable, base: Mapping[str, EventSpec], stages: Collection[str], own: bool
) -> dict[str, EventSpec]:
    services = [name for name, spec in base.items() if not spec.passive]
    names = dict.fromkeys((*services, *(name for name, _ in table.tables())))
    sources = [source for source in Source if source is not Source.OP or not own]
    roles = [role for role in Role if role not in _ROLES_OF_PEOPLE or not own]
    events = dict(base)
    for name, entry in table.tables():
        entry.allow(*_EVENT_KEYS)
        old = base.get(name)
        full = entry.over({key: getattr(old, key) for key in _EVENT_KEYS} if old else {})
        events[name] = EventSpec(
            name,
            source=Source(full.choice("source", sources)),
            stage=full.optional_choice("stage", stages),
            impact=Impact(full.choice("impact", list(Impact))),
            meaning=full.text("meaning"),
            role=Role(role) if (role := full.optional_choice("role", roles)) else None,
            pair=full.optional_choice("pair", names),
        )
    return _paired(table, events)


def _paired(table: TomlTable, events: dict[str, EventSpec]) -> dict[str, EventSpec]:
    """Give the events, those of a pair naming each other: it is enough that the file has it of one.

    What the file says of an event ends the pair in which it was before.
    """
    said = {name: events[name].pair for name, entry in table.tables() if entry.has("pair")}
    anew = {*said, *filter(None, said.values())}
    partner = {
        name: spec.pair
        for name, spec in events.items()
        if spec.pair and name not in anew and spec.pair not in anew
    }
    for name, other in said.items():
        if other is not None:
            for one, its in ((name, other), (other, name)):
                if partner.setdefault(one, its) != its:
                    wrong = f"pairs {one} with {its}, which is paired with {partner[one]} already"
                    raise table.table(name).error("pair", wrong)
    for name, other in partner.items():
        if {events[name].source, events[other].source} != {Source.FE, Source.BE}:
            found = f"pairs {name} ({events[name].source}) and {other} ({events[other].source})"
            wrong = f"{found}; a pair is an event of FE and one of BE"
            raise table.table(name if table.has(name) else other).error("pair", wrong)
    return {name: replace(spec, pair=partner.get(name)) for name, spec in events.items()}


def _read_reasons(
    table: TomlTable,
    base: Mapping[tuple[Decision, str], ReasonSpec],
    stages: Collection[str],
    events: Collection[str],
) -> dict[tuple[Decision, str], ReasonSpec]:
    table.allow(Decision.REJECTED, Decision.PENDING)
    reasons = dict(base)
    for decision, group in table.tables():
        for name, entry in group.tables():
            entry.allow("stages", "meaning", "explained_by")
            key = (Decision(decision), name)
            old = base.get(key)
            known: dict[str, object] = {"explained_by": []}
            if old:
                known = {
                    "stages": [*old.stages],
                    "meaning": old.meaning,
                    "explained_by": [*old.explained_by],
                }
            full = entry.over(known)
            reasons[key] = ReasonSpec(
                name,
                Decision(decision),
                full.choices("stages", stages),
                full.text("meaning"),
                full.choices("explained_by", events),
            )
    return reasons
