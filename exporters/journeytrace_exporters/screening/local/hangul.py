"""Hangul in Latin letters, by the Revised Romanization, each syllable by itself.

That is how it writes given names: no sound changes across syllables.
"""

from __future__ import annotations

from typing import Final

__all__ = ["is_hangul", "romanised"]

_FIRST: Final = 0xAC00
_LAST: Final = 0xD7A3
_INITIAL: Final = "g kk n d tt r m b pp s ss  j jj ch k t p h"
_VOWEL: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_FINAL: Final = " k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
"""In the order in which syllables are made of them, one space between two; empty: no sound."""
_INITIALS: Final = _INITIAL.split(" ")
_VOWELS: Final = _VOWEL.split(" ")
_FINALS: Final = _FINAL.split(" ")


def is_hangul(character: str) -> bool:
    """Whether it is a whole syllable."""
    return _FIRST <= ord(character) <= _LAST


def romanised(syllable: str) -> str:
    """Give one syllable in Latin letters."""
    block, final = divmod(ord(syllable) - _FIRST, len(_FINALS))
    initial, vowel = divmod(block, len(_VOWELS))
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]
