import pytest

from glossary.text import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Exosomes", "exosomes"),
        ("TGF-β", "tgf beta"),
        ("ＴＧＦ beta", "tgf beta"),
        ("TGF\N{EN DASH}beta", "TGF\N{NON-BREAKING HYPHEN}beta"),
        ("  platelet   rich\nplasma ", "platelet rich plasma"),
        ("Émulsion", "emulsion"),
        ("e\N{COMBINING ACUTE ACCENT}mulsion", "emulsion"),
        ("Straße", "STRASSE"),
        ("ｴｸｿｿｰﾑ", "エクソソーム"),
        ("ECM/scaffold", "ECM scaffold"),
    ],
)
def test_two_spellings_of_one_name_are_equal(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KGF", "EGF"),
        ("IL-6", "IL-8"),
        # The mark is part of the letter here, not an accent on it.
        ("ハ", "バ"),
        ("가", "각"),
        ("й", "и"),
    ],
)
def test_two_names_stay_apart(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    "text", ["TGF-β", "Émulsion  à l’eau", "バイオ・セルロース", "줄기세포", "外泌体", "İstanbul", ""]
)
def test_a_folded_text_stays_as_it_is(text):
    assert fold(fold(text)) == fold(text)
