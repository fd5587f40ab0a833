import pytest

from glossary.markdown import render
from glossary.text import by_tongue, fold


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


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Exosomes", [("Exosomes", "")]),
        ("called 水光针, a", [("called ", ""), ("水光针", "zh"), (", a", "")]),
        ("PRP+bFGF しこりで再び裁判", [("PRP+bFGF ", ""), ("しこりで再び裁判", "ja"), ("", "")]),
        ("幹細胞の培養 100 倍", [("", ""), ("幹細胞の培養 100 倍", "ja"), ("", "")]),
        ("엑소좀 주사", [("", ""), ("엑소좀 주사", "ko"), ("", "")]),
        ("TGF-β", [("TGF-β", "")]),
    ],
)
def test_foreign_words_get_their_language(text, pieces):
    assert by_tongue(text) == pieces


def test_markdown_marks_foreign_words_and_stays_safe():
    html = str(render('The jabs are **水光针**, and [外泌体](https://example.org/?a=>外外" onmouseover=alert(1)) too.'))
    assert '<strong><span lang="zh">水光针</span></strong>' in html
    assert "<span onmouseover" not in html
    assert "onmouseover=" not in html.replace("onmouseover=alert(1))", "")
