"""One changed byte is found, whether a report is signed or not."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.reported import reviewed, said

from journeytrace_collector.errors import ConfigError
from journeytrace_collector.report.checking import check
from journeytrace_collector.report.key import PublicKey, SigningKey
from journeytrace_collector.report.seal import EMPTY, NotSealedError, seal
from journeytrace_collector.report.typeset import typeset
from journeytrace_collector.settings.report import FONTS

OURS = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
PEM = serialization.Encoding.PEM


def public(key: ed25519.Ed25519PrivateKey) -> PublicKey:
    """Give the public key of one."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PublicKey(key.public_key().public_bytes(PEM, form))


def private(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Give a private key as it stands in a file."""
    none = serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, none)


@cache
def typeset_once() -> bytes:
    """Give a report before it is sealed."""
    return typeset(*said(reviewed()), FONTS)


@cache
def unsigned() -> bytes:
    """Give a report that is sealed."""
    return seal(typeset_once())


@cache
def signed() -> bytes:
    """Give a report that is sealed and signed."""
    return seal(typeset_once(), public(OURS).key_id, OURS.sign)


def flipped(file: bytes, at: int, by: int) -> bytes:
    """Change one byte."""
    return file[:at] + bytes([file[at] ^ by]) + file[at + 1 :]


def test_what_was_made_is_verified() -> None:
    """A report verifies as it is; a signed one with its key, and the signature says whose."""
    assert check(unsigned(), None).verified
    assert check(signed(), None).verified
    checked = check(signed(), public(OURS))
    assert checked.verified
    assert [line.good for line in checked.lines] == [None, True, True, None]


@pytest.mark.parametrize("make", [unsigned, signed])
@settings(max_examples=150, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), by=st.integers(1, 255))
def test_any_changed_byte_is_found(make, share, by) -> None:  # type: ignore[no-untyped-def]
    """Whichever byte is changed, and to what, the file is not verified, with a key or without."""
    file = make()
    changed = flipped(file, int(share * len(file)), by)
    assert not check(changed, None).verified
    assert not check(changed, public(OURS)).verified


@pytest.mark.parametrize("make", [unsigned, signed])
def test_any_changed_byte_of_the_seal_is_found(make) -> None:  # type: ignore[no-untyped-def]
    """The same for each byte of the seals themselves, and of what stands around them."""
    file = make()
    name = EMPTY.partition(":")[0].encode()
    for start in (file.rindex(name, 0, file.rindex(name)), file.rindex(name)):
        for at in range(start - 4, start + len(EMPTY) + 4):
            assert not check(flipped(file, at, 1), None).verified, at
            assert not check(flipped(file, at, 0x20), None).verified, at


def test_a_longer_or_shorter_file_is_found() -> None:
    """What is cut off, put before or put behind is found."""
    file = signed()
    for changed in (file[:-1], file[1:], file + b"\n", b"\n" + file, file + file, b"", file[:2000]):
        assert not check(changed, None).verified


def test_a_seal_that_is_made_anew_is_no_signature() -> None:
    """Whoever changes a report and seals it again passes without a key, and not with it."""
    forged = seal(typeset_once().replace(b"(Session report", b"(Sassion report"))
    assert forged != unsigned()
    assert check(forged, None).verified
    assert not check(forged, public(OURS)).verified
    by_another = seal(typeset_once(), public(OURS).key_id, OTHER.sign)
    assert not check(by_another, public(OURS)).verified
    elsewhere = check(seal(typeset_once(), public(OTHER).key_id, OTHER.sign), public(OURS))
    assert not elsewhere.verified
    assert f"not by the one given, {public(OURS).key_id}" in elsewhere.lines[-1].found


def test_only_what_is_not_sealed_is_sealed() -> None:
    """A seal is never put over another one."""
    with pytest.raises(NotSealedError, match="sealed already"):
        seal(unsigned())
    with pytest.raises(NotSealedError, match="no seal"):
        seal(b"%PDF-1.7")


def test_a_key_has_to_be_ed25519(tmp_path: Path) -> None:
    """Another key, or none, ends the start with what makes one."""
    file = tmp_path / "key.pem"
    file.write_bytes(private(OURS))
    assert SigningKey("report.key_file", file).key_id == public(OURS).key_id
    for text in (private(ec.generate_private_key(ec.SECP256R1())), b"", b"no key"):
        file.write_bytes(text)
        with pytest.raises(ConfigError, match=r"report.key_file: .* openssl genpkey"):
            SigningKey("report.key_file", file)
