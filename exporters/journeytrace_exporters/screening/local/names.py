"""A name as it is written → what of it is compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

from anyascii import anyascii

from journeytrace_exporters.screening.local.hangul import is_hangul, romanised
from journeytrace_exporters.screening.local.variants import Groups, variants

__all__ = ["MAX_NAME", "Name", "Token", "name_of"]

MAX_NAME: Final = 200
"""Characters of a name that are looked at."""
_MAX_TOKENS: Final = 12

_SERVANT: Final = re.compile(r"abd(?:[aeou]{1,2}[lrsnzdt])?")
_SERVANT_OF: Final = re.compile(r"abd[aeou]{1,2}[lrsnzdt](?=[a-z]{4})")
_ARABIC: Final = re.compile(r"[\u0600-\u06ff]")
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_ALEFS: Final = str.maketrans("أإآٱىةکیۀ", "اااايهكيه")
_SPLIT: Final = re.compile(r"[\s,;.·・()/\"“”_-]+")

_FOLDS: Final = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        ("^ye", "e"),
        ("tch|tsch|sch(?=[aeiou])", "ch"),
        ("ph", "f"),
        ("kh|ch(?=.{4})", "h"),
        ("ks", "x"),
        ("dj|dzh", "j"),
        ("ou|oo", "u"),
        ("[eai][iy]|[iy]{2}|ee|y|j(?=[aou])", "i"),
        ("w", "v"),
        ("iu(?=[aeiour])|^i(?=[uoa])", "u"),
        ("(?<=[aeou])e(?=[^aeiou])", ""),
        ("(?<=[aeiou])h(?=[^aeiou]|$)", ""),
        (r"(.)\1", r"\1"),
    )
)
"""What different ways to write the same sounds become, one after the other."""
_KOREAN: Final = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        ("young|yeong|yung", "yong"),
        ("yeo|you", "yo"),
        ("woo|wu|oo|ou|eu", "u"),
        ("eo", "o"),
        ("ee", "i"),
        ("ae|ai|ay", "e"),
        ("(?<=y)u(?=n)|u(?=ng|l|k)", "o"),
        ("sh", "s"),
        ("ch|j", "c"),
        ("g(?!$)(?<!ng)|kk", "k"),
        ("d", "t"),
        ("b", "p"),
        ("r", "l"),
        (r"(.)\1", r"\1"),
    )
)
"""What the ways to write Korean given names become. Where ``u`` is ``eo`` to most, it is to us."""
_CHINESE: Final = tuple(
    (re.compile(pattern), put)
    for pattern, put in (
        ("hs", "x"),
        ("sh", "x"),
        ("ih", "i"),
        ("ts|tz", "c"),
        ("ch|zh|j|q", "c"),
        ("z", "c"),
        ("k", "g"),
        ("t", "d"),
        ("p", "b"),
        ("ien", "ian"),
        ("ieh|yeh", "ie"),
        ("ueh", "ue"),
    )
)
"""What Pinyin and Wade-Giles become."""
_MOST_SYLLABLES: Final = 4
_ROUGH: Final = str.maketrans("gqczw", "hkksv", "aeiouyh'")


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a name."""

    text: str
    """In lower-case Latin letters without marks."""
    folded: str
    """The same for spellings that sound alike."""
    rough: str
    """Its consonants, those that are mixed up made one."""
    groups: frozenset[str] = frozenset()
    """Names that it is a spelling of; of two that have such, one is the other or it is not."""
    consonants_only: bool = False
    """Its vowels were not written: it was in Arabic or Hebrew letters."""

    @property
    def is_initial(self) -> bool:
        """Whether it stands for whatever begins with it."""
        return len(self.text) == 1 and not self.consonants_only

    @property
    def is_particle(self) -> bool:
        """Whether it can be left out."""
        return self.text in variants().particles


@dataclass(frozen=True, slots=True)
class Name:
    """One name."""

    tokens: tuple[Token, ...]
    korean: frozenset[str] = frozenset()
    """Keys, of which two that are the same name in Korea share one; empty: it is none."""
    chinese: frozenset[str] = frozenset()
    """The same for China."""


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """Read a name in whatever letters."""
    plain = normalize("NFKC", text[:MAX_NAME]).translate(_ALEFS)
    words = [word for word in _SPLIT.split(_without_marks(plain)) if word]
    hangul = any(map(is_hangul, plain))
    han = bool(_HAN.search(plain))
    tokens: list[Token] = []
    for word in words[:_MAX_TOKENS]:
        tokens += _tokens(word)
    kept = [
        token
        for token in _servants(tokens)
        if token.consonants_only or token.text not in variants().titles
    ]
    kept = kept or tokens
    texts = [token.text for token in kept]
    korean = _keys(texts, variants().korean, _korean) if not han else frozenset()
    chinese = _keys(texts, variants().chinese, _chinese) if not hangul else frozenset()
    return Name(tuple(kept), korean, chinese)


def _without_marks(text: str) -> str:
    if any(map(is_hangul, text)):
        return text
    return "".join(one for one in normalize("NFKD", text) if not combining(one))


def _tokens(word: str) -> list[Token]:
    """Give the parts of a word: East Asian names are often written as one."""
    if is_hangul(word[0]):
        family = word[:2] if word[:2] in variants().korean and len(word) > 2 else word[0]
        rest = word[len(family) :]
        return [_token("".join(map(romanised, part))) for part in (family, rest) if part]
    if _HAN.match(word):
        parts = (word[0], word[1:])
        return [_token("".join(map(anyascii, part)).lower()) for part in parts if part]
    if _ARABIC.search(word):
        bare = word.removeprefix("ال") if len(word) > 4 else word
        return [_token(anyascii(bare).lower(), bare, consonants_only=True)]
    consonants_only = any("\u0590" <= one <= "\u05ff" for one in word)
    return [_token(anyascii(word).lower(), consonants_only=consonants_only)]


def _token(text: str, original: str | None = None, *, consonants_only: bool = False) -> Token:
    latin = "".join(one for one in text if one.isalnum())
    folded = latin
    for pattern, put in _FOLDS:
        folded = pattern.sub(put, folded)
    known = variants()
    groups = {f"a{n}" for n in known.arabic.get(original or latin, ())}
    groups |= {f"g{n}" for n in known.given.get(latin, ())}
    rough = _once(latin.replace("kh", "k").replace("ph", "f").translate(_ROUGH))
    return Token(latin, folded, rough, frozenset(groups), consonants_only)


def _once(text: str) -> str:
    return re.sub(r"(.)\1+", r"\1", text)


def _servants(tokens: list[Token]) -> list[Token]:
    """Make one part of ``abd``, ``al`` and what follows, however it is written."""
    found: list[Token] = []
    rest = [token for token in tokens if token.text]
    while rest:
        token = rest.pop(0)
        if _SERVANT.fullmatch(token.text) or (token.consonants_only and token.text == "bd"):
            if rest and rest[0].is_particle:
                rest.pop(0)
            token = _servant_of(rest.pop(0)) if rest else token
        elif not token.groups and (begins := _SERVANT_OF.match(token.text)):
            token = _servant_of(_token(token.text[begins.end() :]))
        found.append(token)
    return found


def _servant_of(token: Token) -> Token:
    groups = frozenset(f"abd {group}" for group in token.groups)
    return Token(
        "abd" + token.text, "abd" + token.folded, "bd" + token.rough, groups, token.consonants_only
    )


def _keys(texts: list[str], surnames: Groups, key: Callable[[str], str]) -> frozenset[str]:
    """Give a key for each way in which a family name and a given name can be told apart."""
    if not 2 <= len(texts) <= _MOST_SYLLABLES or min(map(len, texts)) < 1:
        return frozenset()
    splits = ((texts[0], texts[1:]), (texts[-1], texts[:-1]))
    return frozenset(
        f"{row} {key(''.join(given))}"
        for family, given in splits
        for row in surnames.get(family, ())
        if len("".join(given)) > 1
    )


def _korean(given: str) -> str:
    for pattern, put in _KOREAN:
        given = pattern.sub(put, given)
    return given


def _chinese(given: str) -> str:
    for pattern, put in _CHINESE:
        given = pattern.sub(put, given)
    return given
