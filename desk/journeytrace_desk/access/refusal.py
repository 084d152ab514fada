"""Why somebody does not get in, as a page tells it."""

from __future__ import annotations

__all__ = ["Refusal", "away", "not_begun"]


class Refusal(Exception):  # noqa: N818 - an answer, like those of aiohttp
    """An answer in place of what was asked for."""

    def __init__(
        self, status: int, said: str, told: str, *, to: str | None = None, leaves: bool = False
    ) -> None:
        super().__init__(told)
        self.status = status
        self.said = said
        """In a few words."""
        self.told = told
        """What to do."""
        self.to = to
        """The path to come back to after signing in; None: signing in would not help."""
        self.leaves = leaves
        """Whether they have signed in, so may sign out."""


def away(told: str) -> Refusal:
    """Refuse because who is asked for people does not answer as it should."""
    return Refusal(502, "The sign-in provider does not answer", f"{told} Try again in a moment.")


def not_begun(told: str) -> Refusal:
    """Refuse the end of a sign-in whose beginning was not here."""
    return Refusal(403, "This sign-in cannot be finished", told, to="/")
