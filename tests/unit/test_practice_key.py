"""The practice key: shown, typed and mistyped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.domain.errors import BadInput
from companion.domain.practice_key import SECRET_BYTES, PracticeKey, practice_key_of

SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_key_has_at_least_160_bits_and_is_shown_in_groups_of_four() -> None:
    assert SECRET_BYTES * 8 >= 160
    groups = PracticeKey(bytes(range(20))).text.split("-")
    assert [len(each) for each in groups] == [4] * 9


@given(SECRETS, st.data())
def test_a_key_may_be_typed_in_any_case_and_grouped_in_any_way(
    secret: bytes, data: st.DataObject
) -> None:
    key = PracticeKey(secret)
    typed = "".join(
        data.draw(st.sampled_from([each, each.lower()]))
        + data.draw(st.sampled_from(["", " ", "-"]))
        for each in key.text.replace("-", "\N{EN DASH}")
    )
    assert practice_key_of(f"  {typed}\n") == key


def test_o_is_read_as_0_and_i_and_l_as_1() -> None:
    key = PracticeKey(bytes(20))
    text = key.text.replace("0", "o")
    assert "o" in text
    assert practice_key_of(text) == key
    one = PracticeKey(bytes.fromhex("08421" * 8))
    assert "1" in one.text
    assert practice_key_of(one.text.replace("1", "l")) == one
    assert practice_key_of(one.text.replace("1", "I")) == one


@given(SECRETS, st.integers(0, 35), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_told_as_a_typing_mistake(secret: bytes, at: int, put: str) -> None:
    plain = PracticeKey(secret).text.replace("-", "")
    wrong = plain[:at] + put + plain[at + 1 :]
    if wrong == plain:
        return
    with pytest.raises(BadInput) as refused:
        practice_key_of(wrong)
    assert refused.value.field == "practice_key"
    assert wrong not in str(refused.value)


@given(SECRETS, st.integers(0, 34))
def test_two_that_changed_places_are_told_as_a_typing_mistake(secret: bytes, at: int) -> None:
    plain = PracticeKey(secret).text.replace("-", "")
    wrong = plain[:at] + plain[at + 1] + plain[at] + plain[at + 2 :]
    if wrong == plain:
        return
    with pytest.raises(BadInput, match="changed places"):
        practice_key_of(wrong)


@pytest.mark.parametrize("typed", ["", "7K2M", "u" * 36, "A" * 35, "A" * 37, "pässwörd" * 5])
def test_what_is_no_key_is_refused(typed: str) -> None:
    with pytest.raises(BadInput, match="not a practice key"):
        practice_key_of(typed)


@given(SECRETS)
def test_the_fingerprint_is_no_part_of_the_key(secret: bytes) -> None:
    key = PracticeKey(secret)
    assert len(key.fingerprint) == 9
    assert key.fingerprint == practice_key_of(key.text).fingerprint
    assert key.fingerprint != PracticeKey(secret[:-1] + bytes([secret[-1] ^ 1])).fingerprint


def test_a_key_does_not_show_itself_in_a_log() -> None:
    key = PracticeKey(bytes(range(20)))
    assert key.text not in repr(key)
    assert repr(key) == "PracticeKey()"
