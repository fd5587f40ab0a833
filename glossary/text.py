"""Writing the same word the same way, whatever the script, case or accent."""

import re
import unicodedata
from functools import lru_cache

GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "κ": "kappa", "λ": "lambda", "ω": "omega"}
DASHES = frozenset("-‐‑‒–—―−_/·・")
# One visible letter: a character with the marks that belong to it, half-width Japanese voicing marks among them. No language piles up
# more than a few; to put thousands in order, as NFKC does, takes time by the square of their number.
LETTER = re.compile(r".[̀-ͯﾞﾟ]{0,16}", re.DOTALL)
# In plain ASCII there is nothing to do but this, and most of what is folded is plain ASCII.
ASCII = {ord(char): " " for char in map(chr, range(128)) if char.isspace() or char in DASHES}


@lru_cache(maxsize=8_000)
def fold_letter(letter: str) -> str:
    """One letter in its plain form; nothing, for a mark that stands alone."""
    letter = unicodedata.normalize("NFKC", letter).casefold()
    plain = []
    for char in letter:
        if char in DASHES or char.isspace():
            plain.append(" ")
        elif char in GREEK:
            plain.append(GREEK[char])
        elif ord(char) < 0x250 or 0x1E00 <= ord(char) < 0x1F00:
            # Accents go from Latin letters only: in Japanese and Korean the marks are part of the letter.
            plain += [part for part in unicodedata.normalize("NFD", char) if not unicodedata.combining(part)]
        elif not unicodedata.combining(char) and unicodedata.category(char) != "Cf":
            plain.append(char)
    return "".join(plain)


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded text, and for each of its characters the index in `text` of the letter it came from.

    Runs of white space and dashes become one space. The list has one entry more than the text: the length of `text`.
    """
    folded: list[str] = []
    offsets: list[int] = []
    if text.isascii():
        plain = text.lower().translate(ASCII)
        offsets = [i for i, char in enumerate(plain) if char != " " or (i and plain[i - 1] != " ")]
        return "".join([plain[i] for i in offsets]), [*offsets, len(text)]
    for match in LETTER.finditer(text):
        for char in fold_letter(match[0]):
            if char == " " and (not folded or folded[-1] == " "):
                continue
            folded.append(char)
            offsets.append(match.start())
    return "".join(folded), [*offsets, len(text)]


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """The form in which two spellings of one name are equal: for keys and look-ups, never for show.

    Full-width forms become plain, case and accents go, Greek letters become their names, dashes become
    single spaces: `"TGF-β"` and `"ｔｇｆ beta"` both give `"tgf beta"`.
    """
    return fold_with_offsets(text)[0].strip()


KANA, HANGUL, HAN = "\u3041-\u30ff", "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3", "\u3400-\u9fff\uf900-\ufaff"
# Letters of East Asia, with what stands between two of them.
EASTERN = re.compile(
    rf"([{KANA}{HANGUL}{HAN}](?:[{KANA}{HANGUL}{HAN}\u3000-\u303f\uff00-\uffef\d ]*[{KANA}{HANGUL}{HAN}])?)"
)


def by_tongue(text: str) -> list[tuple[str, str]]:
    """The text in pieces, each with its language: ja, ko or zh by its letters, else empty."""
    with_han = "ja" if re.search(f"[{KANA}]", text) else "zh"
    return [
        (piece, ("ko" if re.search(f"[{HANGUL}]", piece) else with_han) if number % 2 else "")
        for number, piece in enumerate(EASTERN.split(text))
    ]
