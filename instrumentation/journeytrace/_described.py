"""An event's own attributes, worked out from what the caller gave and what the catalogue knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from journeytrace import conventions
from journeytrace._diagnostics import Problem, report
from journeytrace._values import is_sendable
from journeytrace.conventions import Impact, Result, Source, is_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum

    from journeytrace.catalogue import Catalogue, EventSpec

    E = TypeVar("E", bound=StrEnum)

__all__ = [
    "NOTHING",
    "Described",
    "Details",
    "describe",
    "describe_known",
    "details_of",
    "fail",
    "fields_of",
    "with_fields",
]


class Details(NamedTuple):
    """What a caller may say about an event beside its name. None: the catalogue's word, or nothing.

    The types are what callers should give; the values can be anything, and are checked.
    """

    source: str | None = None
    stage: str | None = None
    impact: str | None = None
    result: str | None = None
    reason: str | None = None
    error_code: str | None = None
    submission_id: str | None = None
    flow_id: str | None = None
    user_id: str | None = None
    email: str | None = None
    project: str | None = None


NOTHING: Final = Details()


def details_of(  # noqa: PLR0917 - on the path of every event, where keywords cost
    source: str | None,
    stage: str | None,
    impact: str | None,
    result: str | None,
    reason: str | None,
    error_code: str | None,
    submission_id: str | None,
    flow_id: str | None,
    user_id: str | None,
    email: str | None,
    project: str | None,
) -> Details:
    """Give NOTHING itself where nothing was said, so that the common case is easy to tell."""
    if (
        source is None
        and stage is None
        and impact is None
        and result is None
        and reason is None
        and error_code is None
        and submission_id is None
        and flow_id is None
        and user_id is None
        and email is None
        and project is None
    ):
        return NOTHING
    return Details(
        source,
        stage,
        impact,
        result,
        reason,
        error_code,
        submission_id,
        flow_id,
        user_id,
        email,
        project,
    )


class Described(NamedTuple):
    """An event ready to go, but for its session and its metadata."""

    name: str
    parent: str | None
    """The ordered stage under whose span it belongs; None: under the root."""
    attributes: dict[str, str | int]


def describe_known(catalogue: Catalogue, result: Result | None) -> dict[str, Described]:
    """Describe every event of the catalogue, for callers that say nothing beside the name."""
    details = Details(result=result)
    return {
        name: _assemble(catalogue, name, spec, details) for name, spec in catalogue.events.items()
    }


def describe(catalogue: Catalogue, event: object, details: Details) -> Described | None:
    """Describe any event by the rules of docs/wire.md; None: `event` cannot be a name."""
    if not is_name(event):
        report(Problem.BAD_EVENT_NAME, event, "cannot name an event; it was not recorded")
        return None
    # An enum member is a string, but its class is not what a span should carry.
    name = str.__str__(event)
    spec = catalogue.events.get(name)
    if spec is None:
        report(Problem.UNKNOWN_EVENT, name, "is no event of the catalogue; it is recorded as it is")
    return _assemble(catalogue, name, spec, details)


def _assemble(
    catalogue: Catalogue, name: str, spec: EventSpec | None, details: Details
) -> Described:
    source = _member(Source, details.source, name) or (spec.source if spec else None)
    impact = _member(Impact, details.impact, name)
    result = _member(Result, details.result, name)
    if impact is None and spec:
        impact = spec.impact_of(result)
    stage = _text(details.stage, "stage", name)
    if stage is not None and stage not in catalogue.stages:
        report(
            Problem.UNKNOWN_STAGE, stage, "is no stage of the catalogue; it is recorded as it is"
        )
    stage = stage or (spec.stage if spec else None)
    reason = _text(details.reason, "reason", name)
    decision = spec.decision if spec else None
    if reason and decision and (decision, reason) not in catalogue.reasons:
        message = f"is no reason for {decision} in the catalogue; it is recorded as it is"
        report(Problem.UNKNOWN_REASON, reason, message)
    values = {
        conventions.EVENT_NAME: name,
        # Of a name that only the collector's catalogue knows, the collector knows these better.
        conventions.EVENT_SOURCE: source.value if source else None,
        conventions.EVENT_IMPACT: impact.value if impact else None,
        conventions.EVENT_RESULT: result.value if result else None,
        conventions.STAGE: stage,
        conventions.REASON: reason,
        conventions.ERROR_CODE: _text(details.error_code, "error_code", name),
    }
    attributes: dict[str, str | int] = {
        key: value for key, value in values.items() if value is not None
    }
    attributes.update(fields_of(name, details))
    parent = stage if catalogue.rank(stage) is not None else None
    return Described(name, parent, attributes)


def fail(passed: Described, impact: object, usual: Impact | None, error_code: object) -> Described:
    """Describe a check that passed so far as failed; `impact` None, or of no use: the usual one.

    `usual` None: only the collector may know it.
    """
    felt = _member(Impact, impact, passed.name) or usual
    attributes = {**passed.attributes, conventions.EVENT_RESULT: Result.FAIL.value}
    if felt:
        attributes[conventions.EVENT_IMPACT] = felt.value
    if code := _text(error_code, "error_code", passed.name):
        attributes[conventions.ERROR_CODE] = code
    return passed._replace(attributes=attributes)


def fields_of(event: str, details: Details) -> dict[str, str]:
    """Give what `details` say of the session itself, by attribute; the session keeps it."""
    said = (
        (conventions.SUBMISSION_ID, details.submission_id, "submission_id"),
        (conventions.FLOW_ID, details.flow_id, "flow_id"),
        (conventions.USER_ID, details.user_id, "user_id"),
        (conventions.USER_EMAIL, details.email, "email"),
        (conventions.PROJECT_ID, details.project, "project"),
    )
    return {
        key: value
        for key, given, parameter in said
        if given is not None and (value := _text(given, parameter, event)) is not None
    }


def with_fields(described: Described, fields: Mapping[str, str | int]) -> Described:
    """Describe an event that says more of its session."""
    return described._replace(attributes={**described.attributes, **fields})


def _member(kind: type[E], value: object, event: str) -> E | None:
    if value is None:
        return None
    if isinstance(value, str) and value in list(kind):
        return kind(value)
    report(Problem.BAD_ARGUMENT, value, f"is no {kind.__name__.lower()} of an event; see {event}")
    return None


def _text(value: object, parameter: str, event: str) -> str | None:
    """Give a string that says something; an empty one counts as not given."""
    if value is None:
        return None
    if isinstance(value, str):
        plain = str.__str__(value)
        if is_sendable(plain):
            return plain or None
    report(Problem.BAD_ARGUMENT, parameter, f"of {event} is no usable string and was left out")
    return None
