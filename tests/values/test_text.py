from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.values.text import fold, sort_key

# What folds oddly: ligatures, the iota subscript, dotted capitals, wide letters, marks.
ODD = st.text(st.sampled_from("ﬁßſİıΑΆᾼͅΐ́̈ǰＡａ①㍿カ゛각張张伟 \x1fé") | st.characters())


@given(ODD)
@example("ᾼ̈ͅ")
def test_a_fold_is_its_own_fold(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ODD)
def test_equal_folds_have_equal_sort_keys(text: str) -> None:
    assert sort_key(fold(text)) == sort_key(text)
    assert sort_key(normalize("NFKC", text)) == sort_key(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("MÜLLER", "müller"), ("Ｍüller", "Mu\u0308ller"), ("Straße", "STRASSE")],
)
def test_two_spellings_of_one_word_are_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_chinese_sorts_by_sound_and_differs_by_character() -> None:
    names = ["张伟", "Zoe", "李娜", "章伟", "Adam"]
    assert sorted(names, key=sort_key) == ["Adam", "李娜", "张伟", "章伟", "Zoe"]
    assert sort_key("张伟") == "zhang wei\x1f张伟"
    assert fold("张伟") != fold("章伟")


def test_what_is_not_chinese_sorts_by_its_fold() -> None:
    assert sort_key("Ünal") == fold("Ünal") == "ünal"


def test_a_key_of_both_scripts_is_folded_whole() -> None:
    assert sort_key("张伟 GmbH") == "zhang wei gmbh\x1f张伟 gmbh"
