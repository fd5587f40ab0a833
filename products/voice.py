"""How a text speaks of what it names: whether it denies, hedges, reports of others or warns.

Words that belong to no entry of the guide, by language, and what they do to a claim or a warning sign near them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from products.wordings import HAN, UNSPACED, Text, Wordings, dense_form, listed

# How far before a claim a negation still reaches, in words.
REACH = 6
NEGATIONS = frozenset(
    listed(
        "no not never none nor neither cannot cant isnt arent doesnt dont wont wasnt without nobody nothing hardly rarely "
        "zero kein keine keinen keiner keinerlei nicht nie ohne sin no ningun ninguna nunca ni ne pas aucun aucune sans "
        "jamais t"
    )
)
# Getting rid of something is the claim itself: "no more wrinkles", "without scars".
RID = frozenset(listed("no without zero ohne sin sans keine"))
# Words that end the reach of a negation: what follows is said anew.
TURNS = frozenset(
    listed(
        "but however instead although though while just only merely simply yet so therefore thus hence pero sino mais "
        "sondern aber sino therefore because since"
    )
)
# "… and is", "… and you": a new statement, where "cure and rejuvenate" goes on.
NEW_STATEMENT = frozenset(listed("is are was will can it they we you your our therefore so has have gives makes"))
# Said of a claim, behind it: "… is not", "… does not exist".
DENIED_BEHIND = listed(
    "is not,are not,isn t,aren t,does not exist,do not exist,cannot be,can t be,is a myth,is impossible,is unlikely,"
    "are unlikely,has not been,have not been,was not,were not,is false,is untrue,ist nicht,sind nicht,no es,no son,"
    "n est pas,ne sont pas",
    ",",
)
DENIED_INSIDE = re.compile(r"\b(may|must|should|can|could|is|are|was|were|have|has) not\b|n't\b")
HEDGES = frozenset(
    listed(
        "may might could possibly perhaps potentially seems appear appears konnte konnten moglicherweise podria podrian "
        "quizas pourrait pourraient"
    )
)
# A sentence with one of these weighs evidence or warns, so that its wording raises no flag; a text with two of them
# does so as a whole. Latin words as they stand between spaces, other scripts as they stand without.
CUES = listed(
    "no evidence,little evidence,limited evidence,evidence is limited,evidence is weak,weak evidence,not enough evidence,"
    "insufficient evidence,lack of evidence,no proof,not proven,not been proven,unproven,too early,not approved,"
    "unapproved,not been approved,never been approved,has not approved,have not approved,no approved,not authorised,"
    "not authorized,has been approved by any,not licensed,no study,no studies,few studies,small studies,small trials,"
    "has not been shown,have not been shown,not been tested,others found,studies disagree,more research,"
    "adverse event,adverse events,warning letter,warned,warns,warning to,be wary,wary of,beware,be cautious,be careful,"
    "misleading,false claims,unlawful,not permitted,not allowed to,must not,prohibited,banned,ask whether,ask who,"
    "ask for the,ask to see,ask your,experts say,does not mean,is not an approved,no guarantee,cannot promise,"
    "can t promise,nobody can promise,no one can,nobody can,exaggerated,scam,hype,regulator,regulators,infections,"
    "anyone who,the whole story,so called,do not believe,don t believe,don t trust,do not trust,how strong is the,"
    "keine belege,nicht zugelassen,nicht belegt,warnt,irrefuhrend,vorsicht,keine beweise,nicht erwiesen,"
    "no hay evidencia,sin evidencia,no esta aprobado,no aprobado,no autorizado,advierte,enganosa,desconfie,"
    "aucune preuve,n est autorise,non autorise,pas autorise,aucun produit,rien ne permet,mefiez vous,trompeuse,"
    "preuves limitees,etudes sont petites,mise en garde,"
    "court,courts,sued,lawsuit*,fined,inspector*,police,seized,recalled,blindness,died,deaths,granuloma*,lumps,"
    "placebo,randomised,randomized,risk of bias,dummy,salt water,control group,rules,guideline*,law,laws",
    ",",
)
DENSE_CUES = tuple(
    map(
        dense_form,
        listed(
            "尚未批准,未批准,未获批,未获得批准,未經核准,未核准,并未核准,未被批准,没有获批,获批用于,没有任何,并未,并不等于,不得用于,不得宣称,不得用作,禁止,违法,"
            "违规,虚假宣传,虚假,夸大,误导,警示,提醒,风险提示,谨慎,理性,缺乏证据,证据不足,证据有限,没有证据,尚无证据,结果并不一致,不一致,因人而异,"
            "科普,消费者应,查验,所谓,请与医生讨论,就医,骗局,陷阱,不要相信,切勿,警惕,谨防,不能根治,并不能,无法,不构成,不代表,"
            "承認され,承認を受けた,未承認,確かめられてい,確認されていま,注意喚起,慎重,根拠は,根拠が,エビデンス,誇大,違反,国民生活センター,トラブル,わけではあり,"
            "とは限り,個人差があり,報告されてい,効果は証明,認められていま,信じない,"
            "허가된적이,허가받지,허가받은,승인되지,승인받지,승인된,근거가부족,입증되지,과장광고,허위,믿지마,식약처는,불법,주의가필요,주의해야,확인되지않,광고는",
            ",",
        ),
    )
)
# Advice on what to do oneself is no claim: "keep the skin moist afterwards".
ADVICE = tuple(map(dense_form, listed("请加强,请注意,请做好,注意,做好,加强,务必", ",")))
# Before a claim in its clause: it is denied.
DENY_BEFORE = tuple(
    map(
        dense_form,
        listed(
            "不能,不会,没有,未能,未获,未经,未被,尚未,并未,从未,并非,不是,并不,所谓,无法,难以,不得,不可,拒绝,切勿,不要,不等于",
            ",",
        ),
    )
)
NOT_ONLY = re.compile(r"不仅|不只|不但|不僅|不单|だけでな|だけじゃな|뿐만아니|뿐아니".translate(HAN))
# Behind a claim, up to the end of its clause: it is denied. What is missing there may be the trouble itself ("シワのない
# 肌"), so only endings that speak of the outcome count for an effect.
DENY_BEHIND_EFFECT = re.compile(
    r"(ませんでした|わけではあり|とは限り|確かめられて|確認されて|証明されて|認められて(い|お|な)|期待できま|効果はあり|効果がな|効果はな"
    r"|治りませ|(지|진)않(습|는|았|다)|입증되지|확인되지|수없(습|다)|것처럼|적발|かのように|효과가없|효과는없|的魔法|只能辅助)".translate(
        HAN
    )
)
DENY_BEHIND_FLAG = re.compile(
    r"(ませ|ではな|じゃな|わけではあり|とは限り|は禁止|にあたり|という広告|と(うた|謳)|といった(広告|宣伝|表示)"
    r"|않|아니|아닙|없(습니다|다)|(다|라)(는|거나|고하는)(광고|말|주장)|다거나|的(广告|宣传|说法|承诺)|都属于|属于虚假|多半)".translate(
        HAN
    )
)
CLAUSE_END = re.compile(r"[、，,。！？；;.!?]")
QUOTED = re.compile(r"[“\"「『‘«„]([^“”\"「」『』‘’«»„\n]{1,80})[”\"」』’»“]")


class Voice:
    """How a text speaks: what it denies, hedges, reports of others or warns of."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.at = {word.start: number for number, word in enumerate(text.words)}
        self.cues = self.find_cues()
        self.quoted = [
            (m.start(1), m.end(1)) for m in QUOTED.finditer(text.original) if len(m[1].split()) <= 6 and self.cues
        ]

    def find_cues(self) -> dict[int, set[str]]:
        """For each sentence with cues of plain speech: which."""
        text = self.text
        found: dict[int, set[str]] = {}
        for start, end, cue in cue_names().find(text):
            if text.numbers[start] == text.numbers[end - 1]:
                found.setdefault(text.numbers[start], set()).add(cue)
        return found

    def is_plain_spoken(self, signs: int) -> bool:
        """Whether the text as a whole weighs or warns: at least two cues, and no fewer than warning signs."""
        cues = {cue for of_sentence in self.cues.values() for cue in of_sentence}
        return len(cues) >= max(2, signs)

    def reports(self, start: int, end: int) -> bool:
        """Whether a warning sign stands in a sentence that weighs or warns, or is quoted in a text that does."""
        if self.text.numbers[start] in self.cues:
            return True
        first, last = self.text.place(start, end)
        return any(s <= first and last <= e for s, e in self.quoted)

    def denies(self, start: int, end: int, *, is_effect: bool) -> bool:
        """Whether the text turns the claim at this place round."""
        if UNSPACED.search(self.text.folded[start:end]):
            return self.denies_unspaced(start, end, is_effect=is_effect)
        return self.denies_spaced(start, end, is_effect=is_effect)

    def denies_unspaced(self, start: int, end: int, *, is_effect: bool) -> bool:
        text = self.text
        first, last = text.sentence(text.numbers[start])
        before = re.split(r"[，,。！？；;]", text.folded[max(first, start - 24) : start])[-1]
        before = NOT_ONLY.sub("", dense_form(before))
        if any(word in before for word in DENY_BEFORE) or (is_effect and any(word in before for word in ADVICE)):
            return True
        behind = CLAUSE_END.split(text.folded[end : min(last, end + 60)])[0]
        behind = NOT_ONLY.sub("", dense_form(behind))
        endings = DENY_BEHIND_EFFECT if is_effect else DENY_BEHIND_FLAG
        return bool(endings.search(behind))

    def denies_spaced(self, start: int, end: int, *, is_effect: bool) -> bool:
        words, folded = self.text.words, self.text.folded
        number = self.at.get(start)
        if number is None:
            return False
        sentence = self.text.sentence(self.text.numbers[start])[0]
        own = {word.text for word in words[number : number + 16] if word.end <= end}
        if is_effect and own & {"not", "never", "cannot"}:
            return True
        last = number
        while last + 1 < len(words) and words[last + 1].end <= end:
            last += 1
        if not is_effect:
            # "growth factors may not be injected"
            if DENIED_INSIDE.search(folded[start:end]):
                return True
            behind = " ".join(CLAUSE_END.split(folded[end : end + 40])[0].replace("'", " ").replace("’", " ").split())
            if behind.startswith(tuple(DENIED_BEHIND)):
                return True
        commas = 0
        joined = False
        # "may last for years" hedges itself.
        if not is_effect and words[number].text in HEDGES:
            return True
        for back in range(number - 1, max(-1, number - 1 - 2 * REACH), -1):
            word = words[back]
            # "or" carries a denial further: "no cure, no miracle or magic".
            if word.start < sentence or (back < number - REACH and not joined):
                return False
            between = folded[word.end : words[back + 1].start]
            if ":" in between or "(" in between or "(" in between or '"' in between or "“" in between:
                return False
            commas += "," in between
            if word.text in TURNS or (word.text == "and" and words[back + 1].text in NEW_STATEMENT):
                return False
            joined = joined or word.text in ("or", "nor", "o", "ni", "ou", "oder")
            if word.text in HEDGES and not is_effect and not commas:
                return True
            if word.text in NEGATIONS:
                # "not only", "not just" deny nothing.
                if words[back + 1].text in ("only", "just", "merely", "simply", "solo", "nur", "seulement"):
                    return False
                # A list goes on behind a comma ("no cure, miracle or magic"); a new statement starts there as well.
                if commas and not (joined or (last + 1 < len(words) and words[last + 1].text in ("or", "nor"))):
                    return False
                if word.text in RID:
                    # "no downtime or side effects": what is denied is the sign itself.
                    if not is_effect and own & NEGATIONS:
                        return False
                    if is_effect and back >= number - 2 and not self.is_gain(last):
                        return False
                return True
        return False

    def is_gain(self, last: int) -> bool:
        """Whether the next word makes the thing named a gain ("no wrinkle reduction"), or the match itself ends so."""
        words = self.text.words
        gains = ("reduction", "improvement", "growth", "regrowth", "healing", "benefit", "effect", "repair", "relief")
        return words[last].text in gains or (last + 1 < len(words) and words[last + 1].text in gains)


@lru_cache(maxsize=1)
def cue_names() -> Wordings:
    """The cues of plain speech, each standing for itself."""
    return Wordings((cue, cue) for cue in CUES + DENSE_CUES)
