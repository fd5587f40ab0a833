"""Finding names and wordings in a text of any script, in time that grows with the length of the text alone.

Scripts with spaces are matched word by word; Chinese, Japanese and Korean are matched by an automaton inside a form
of the text without spaces. There is no regular expression made from a wording, so nothing can backtrack.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product, takewhile

import ahocorasick

from glossary.text import DASHES, LETTER, fold, fold_with_offsets

WORD = re.compile(r"[^\W_]+|%")
PATTERN_WORD = re.compile(r"[^\W_]+\*?|%")
SENTENCE_END = re.compile(r"[.!?;:](?=\s|$)|[。！？；\n]")
# Scripts that put no space between words, and Korean, which spaces them as it likes.
UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
JOINED = re.compile(r"\b(and|or|y|und|et)\b|[,、，和]")
# What " … " in a wording may pass over.
GAP_WORDS = 5
GAP_CHARACTERS = 12
# No ending is looked for behind more letters than this, so that one endless word costs no more than many short ones.
LONGEST_STEM = 30
# Traditional characters beside the simplified ones: a wording in one of them finds the other as well.
HAN_PAIRS = (
    "齡龄齒齿體体龍龙幹干細细讓让經经濟济無无與与殺杀術术後后萬万個个億亿顆颗種种產产證证實实驗验營营養养護护膚肤顏颜臉脸類类歲岁時时間间裡里裏里發发髮发歷历復复補补濕湿潤润乾干鬆松緻致緊紧彈弹頭头顱颅腦脑"
    "臟脏腎肾膽胆疊叠瘡疮癒愈傷伤膠胶結结構构質质廠厂療疗鐳镭針针劑剂劃划單单雙双獨独雜杂難难離离優优現现約约維维續续長长達达將将對对應应這这還还過过進进選选適适遠远遺遗傳传專专業业醫医學学藥药監监權权認认"
    "備备許许獲获導导農农壽寿終终級级極极絕绝鹼碱總总統统紅红紋纹縫缝縮缩縐绉皺皱減减滅灭潰溃爛烂顯显驚惊額额預预項项順顺題题願愿風风險险緩缓組组織织纖纤紀纪絡络網网線线緒绪縱纵繞绕給给絲丝綜综綠绿純纯點点"
    "黃黄曬晒燒烧燙烫關关節节蓋盖軟软滯滞視视覺觉親亲觀观見见規规覽览變变豐丰飽饱滿满遞递運运輸输轉转輪轮軸轴輕轻鐘钟錢钱鎖锁鏈链銀银鈣钙鍵键鑰钥開开閃闪闊阔陽阳陰阴隨随隱隐階阶際际雞鸡電电靜静響响頻频飾饰"
    "餘余館馆駐驻騙骗驅驱鬥斗魚鱼鮮鲜鮭鲑鳳凤麗丽齊齐樂乐書书會会價价儀仪償偿僅仅傾倾傑杰債债兒儿兩两內内凍冻劇剧勁劲動动務务勝胜勞劳勢势勵励勻匀區区協协厲厉壓压參参啟启員员問问嚴严團团圍围園园圓圆國国圖图"
    "場场壞坏塊块堅坚報报墊垫壯壮聲声處处夠够夢梦奪夺獎奖婦妇媽妈孫孙寧宁寶宝審审寫写寬宽屆届屬属島岛嶺岭幣币帶带幫帮庫库廢废廣广張张強强彎弯徑径從从徹彻恆恒惡恶惱恼愛爱態态慘惨慣惯憂忧懷怀懶懒戀恋戰战戲戏"
    "戶户拋抛掃扫採采換换揚扬損损搶抢撐撑撥拨擇择擊击擔担據据擴扩擺摆擾扰攜携攝摄敗败敵敌數数斷断於于暫暂暈晕暢畅曆历條条來来東东柵栅標标樣样樹树橋桥機机檢检欄栏歡欢歐欧歸归殘残毀毁氣气決决沒没沖冲況况濃浓"
    "測测渦涡湯汤溝沟溫温準准滄沧滲渗漢汉漿浆潔洁濾滤濺溅瀉泻灣湾災灾為为煉炼煙烟煩烦熱热燈灯爐炉爭争爺爷狀状狹狭獄狱獵猎環环瘋疯瘍疡瘺瘘癢痒癥症癱瘫皚皑盡尽盤盘盜盗瞭了確确礎础禮礼禍祸稱称積积穩稳窮穷競竞"
    "筆笔範范築筑簡简籃篮糧粮紙纸練练縣县績绩罵骂罷罢羅罗義义習习聖圣聞闻聯联聰聪職职聽听臨临臺台舉举舊旧艙舱艷艳藝艺蘋苹蘇苏蘭兰號号蟲虫裝装複复計计訂订訊讯討讨訓训記记訪访設设訴诉診诊評评詞词試试該该詳详"
    "誇夸誠诚誤误說说調调談谈請请論论諾诺諮咨謂谓講讲謝谢識识譜谱議议讀读讚赞貝贝負负財财責责貨货販贩貧贫購购貴贵貿贸費费資资賓宾賞赏賠赔賴赖賺赚贈赠贏赢趕赶跡迹踐践車车軍军軒轩輔辅輛辆輩辈辦办辭辞連连週周"
    "遊游違违遙遥遲迟邁迈邊边郵邮鄉乡醜丑醬酱釋释鈉钠鉀钾銷销錄录鍾钟鎮镇鏡镜鐵铁鑑鉴門门閉闭閱阅隊队雲云霧雾靈灵頂顶須须頓顿領领頰颊頸颈飛飞飯饭飲饮驟骤髒脏鬚须鹽盐黨党龐庞脫脱誘诱蓮莲臍脐嬰婴殭僵屍尸蠟蜡"
    "藍蓝軀躯腫肿腸肠麥麦貼贴賣卖買买擁拥韓韩創创剛刚剝剥匯汇卻却噴喷奮奋奧奥嬌娇尋寻幾几彌弥憑凭橫横櫃柜殼壳涼凉淚泪溼湿澤泽瑩莹畫画異异當当癬癣盪荡瞼睑矽硅祕秘繼继纏缠聳耸脹胀膩腻臘腊蒼苍蔘参蕩荡薑姜蘊蕴"
    "蝦虾蠶蚕衛卫衝冲褲裤襲袭觸触訝讶誌志課课諒谅諧谐謊谎譽誉豬猪賦赋賭赌躍跃軌轨載载較较輻辐鄰邻釀酿鈦钛鉑铂銅铜鋅锌鋒锋錯错鎂镁鏟铲鑽钻閒闲闆板陣阵陳陈陸陆雖虽韌韧頗颇顧顾飄飘驕骄鬢鬓鱗鳞鳥鸟鴨鸭黴霉鼴鼹"
    "齦龈嚇吓囑嘱塗涂塵尘墜坠夾夹妝妆尷尴幟帜廈厦廳厅彙汇徵征懲惩攤摊敘叙斂敛斬斩曉晓朧胧楊杨榮荣槍枪殯殡氫氢灑洒煥焕燦灿爾尔牆墙犧牺瑪玛甦苏甕瓮睏困碼码磚砖礙碍禦御稅税穎颖窩窝竄窜籌筹粵粤紹绍綁绑締缔緋绯"
    "繃绷繳缴翹翘聾聋臥卧艱艰莊庄華华萊莱葉叶蕭萧薦荐藉借虧亏螢萤衆众襯衬詢询諷讽謹谨譯译貓猫貢贡賊贼贊赞趨趋輝辉轟轰鄭郑醣糖鈴铃銘铭鋼钢錦锦鍋锅鎳镍闡阐隕陨雋隽靦腼鞏巩頌颂頹颓餓饿駕驾騰腾驢驴鬧闹鯊鲨鷹鹰"
    "麼么齣出"
)
HAN = str.maketrans(HAN_PAIRS[::2], HAN_PAIRS[1::2])


def listed(words: str, separator: str | None = None) -> tuple[str, ...]:
    """Words written in one string, for lists that are long and dull."""
    return tuple(words.split(separator))


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the folded text: its plain spelling and where it stands there."""

    text: str
    start: int
    end: int


class Text:
    """A text made ready for matching. Positions below are in `folded`, until `place` takes them back to the original."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.folded, self.offsets = fold_with_offsets(original)
        spelt = {word: plain(word) for word in set(WORD.findall(self.folded))}
        self.words = [Word(spelt[m[0]], m.start(), m.end()) for m in WORD.finditer(self.folded)]

    @cached_property
    def dense_at(self) -> list[int]:
        """For each character of `dense` its place in `folded`."""
        return [index for index, character in enumerate(self.folded) if character != " "]

    @cached_property
    def dense(self) -> str:
        """The folded text without spaces, in simplified characters."""
        return self.folded.replace(" ", "").translate(HAN)

    @cached_property
    def starts(self) -> list[int]:
        """Where each sentence starts. Ends are read in the original, where punctuation still stands."""
        starts = [0]
        for end in SENTENCE_END.finditer(self.original):
            start = bisect_left(self.offsets, end.end())
            if starts[-1] < start < len(self.folded):
                starts.append(start)
        return starts

    @cached_property
    def numbers(self) -> list[int]:
        """For each character the number of its sentence."""
        numbers: list[int] = []
        for number, (start, end) in enumerate(zip(self.starts, [*self.starts[1:], len(self.folded)], strict=True)):
            numbers += [number] * (end - start)
        return numbers

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.words)

    def sentence(self, number: int) -> tuple[int, int]:
        """Start and end of a sentence."""
        later = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.folded)
        return self.starts[number], later

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in code points of the original text."""
        last = LETTER.match(self.original, self.offsets[end - 1])
        return self.offsets[start], last.end() if last else self.offsets[end]


def plain(word: str) -> str:
    """A folded word in the one of its British and American spellings that both share here; endings may be cut off."""
    word = word.replace("is", "iz").replace("ys", "yz").replace("ageing", "aging").replace("ae", "e")
    return word.replace("our", "or") if len(word) > 4 else word


@dataclass(frozen=True, slots=True)
class Step:
    """One place of a wording: any of these single words, beginnings of words, or rows of words."""

    after_gap: bool
    may_miss: bool
    exact: frozenset[str]
    stems: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_plain(self) -> bool:
        """One word, right after the one before: as nearly all steps are."""
        return not (self.after_gap or self.may_miss or self.rows)


def stands(row: tuple[str, ...], words: list[Word], position: int) -> bool:
    """Whether these words of a wording stand here; the first that differs settles it."""
    if position + len(row) > len(words):
        return False
    return all(same_word(pattern, words[number].text) for number, pattern in enumerate(row, start=position))


def same_word(pattern: str, word: str) -> bool:
    return word == pattern or (pattern[-1] == "*" and word.startswith(pattern[:-1]))


def pattern_words(text: str) -> tuple[str, ...]:
    """A piece of a wording as plain words; a star stays at the end of its word."""
    if text.isascii():
        folded = text.lower().replace("-", " ").replace("/", " ").replace("_", " ")
    else:
        folded = fold(text.replace("*", "\ue000")).replace("\ue000", "*")
    return tuple(plain(word[:-1]) + "*" if word.endswith("*") else plain(word) for word in PATTERN_WORD.findall(folded))


def choices(text: str) -> list[str]:
    """`"a(b|c)"` as `["ab", "ac"]`."""
    if "(" not in text:
        return [text]
    pieces = re.split(r"\(([^()]*)\)", text)
    return ["".join(p) for p in product(*(p.split("|") if i % 2 else [p] for i, p in enumerate(pieces)))]


def tokens(text: str) -> list[str]:
    """Split at spaces, but not inside brackets."""
    return re.findall(r"(?:\([^()]*\)|[^\s()])+", text)


def steps_of(wording: str) -> list[Step]:
    """A wording of a script with spaces, step by step."""
    steps: list[Step] = []
    for number, segment in enumerate(wording.split("…")):
        for index, token in enumerate(tokens(segment)):
            written = choices(token)
            rows = [row for row in map(pattern_words, written) if row]
            singles = [row[0] for row in rows if len(row) == 1]
            if rows:
                steps.append(
                    Step(
                        after_gap=bool(number) and index == 0 and bool(steps),
                        may_miss="" in written and bool(steps),
                        exact=frozenset(word for word in singles if not word.endswith("*")),
                        stems=tuple(word[:-1] for word in singles if word.endswith("*")),
                        rows=tuple(row for row in rows if len(row) > 1),
                    )
                )
    return steps


@dataclass(frozen=True, slots=True)
class Fitting:
    """What of a text may stand at a step: these of its words, or rows of words, by their first one."""

    words: frozenset[str]
    rows: dict[str, list[tuple[str, ...]]]
    is_plain: bool
    after_gap: bool
    may_miss: bool

    def ends(self, words: list[Word], positions: set[int]) -> set[int]:
        """The positions behind this step when it stands at one of `positions`."""
        ends = set(positions) if self.may_miss else set()
        for position in positions:
            if position < len(words):
                word = words[position].text
                if word in self.words:
                    ends.add(position + 1)
                for row in self.rows.get(word, ()):
                    if stands(row, words, position):
                        ends.add(position + len(row))
        return ends


class Vocabulary:
    """The different words of a text: most wordings lack one of them, and need not be tried at each place."""

    def __init__(self, words: list[Word]) -> None:
        self.words = {word.text for word in words}
        self.in_order = sorted(self.words)
        self.known: dict[int, Fitting] = {}

    def like(self, pattern: str) -> list[str]:
        """The words that a pattern stands for."""
        return self.beginning(pattern[:-1]) if pattern[-1] == "*" else [pattern] if pattern in self.words else []

    def beginning(self, stem: str) -> list[str]:
        first = bisect_left(self.in_order, stem)
        return list(takewhile(lambda word: word.startswith(stem), self.in_order[first:]))

    def fitting(self, step: Step) -> Fitting:
        if (known := self.known.get(id(step))) is None:  # steps live as long as the wordings, so an id stays theirs
            words = step.exact & self.words | {word for stem in step.stems for word in self.beginning(stem)}
            rows: dict[str, list[tuple[str, ...]]] = {}
            for row in step.rows:
                if all(map(self.like, row)):
                    for word in self.like(row[0]):
                        rows.setdefault(word, []).append(row)
            known = self.known[id(step)] = Fitting(words, rows, step.is_plain, step.after_gap, step.may_miss)
        return known

    def fitting_all(self, steps: list[Step]) -> list[Fitting] | None:
        """What of the text may stand at each step; None where nothing may at one that must not be left out."""
        found = []
        for step in steps:
            fitting = self.fitting(step)
            if not (step.may_miss or fitting.words or fitting.rows):
                return None
            found.append(fitting)
        return found


def last_word(steps: list[Fitting], words: list[Word], first: int) -> int | None:
    """The number of the last word when all steps stand in order from word `first`, each gap at most five words."""
    position = first
    for number, fitting in enumerate(steps):
        if not fitting.is_plain:
            return last_word_beyond(steps[number:], words, position, is_first=not number)
        if position == len(words) or words[position].text not in fitting.words:
            return None
        position += 1
    return position - 1


def last_word_beyond(steps: list[Fitting], words: list[Word], first: int, *, is_first: bool) -> int | None:
    """The same where there is more than one way to go on."""
    positions = {first}
    for number, fitting in enumerate(steps):
        if fitting.after_gap and not (is_first and number == 0):
            positions = {p + skipped for p in positions for skipped in range(GAP_WORDS + 1)}
        positions = fitting.ends(words, positions)
        if not positions:
            return None
    return min(positions) - 1


# The steps; what they stand for; whether there is no gap; words of which the text has to have one, for each such step.
type Candidate = tuple[list[Step], str, bool, list[frozenset[str]]]


def dense_form(text: str) -> str:
    """A name or a piece of a wording as it is looked for in `Text.dense`."""
    return fold(text.replace("*", "")).replace(" ", "").translate(HAN)


class Wordings:
    """Wordings with stars, gaps and choices, each standing for a slug."""

    def __init__(self, wordings: Iterable[tuple[str, str]]) -> None:
        """`wordings` are (wording, slug) pairs."""
        self.exact: dict[str, list[Candidate]] = {}
        self.stems: dict[str, list[Candidate]] = {}
        self.inside = ahocorasick.Automaton()
        # For each form in `inside`, the parts that it may be: (number of the wording, number of the part).
        self.parts: dict[str, list[tuple[int, int]]] = {}
        self.unspaced: list[tuple[int, str]] = []
        for wording, slug in wordings:
            if UNSPACED.search(wording):
                self.add_unspaced(wording, slug)
            else:
                # A gap inside a choice would need a path of its own; such wordings are few and written out.
                written_out = choices(wording) if re.search(r"\([^()]*…[^()]*\)", wording) else [wording]
                for one in written_out:
                    self.add_spaced(one, slug)
        for form, parts in self.parts.items():
            self.inside.add_word(form, (len(form), parts))
        self.inside.make_automaton()

    def add_spaced(self, wording: str, slug: str) -> None:
        steps = steps_of(wording)
        if not steps:
            return
        first = steps[0]
        needed = [step.exact for step in steps if not (step.may_miss or step.stems or step.rows)]
        candidate = (steps, slug, not any(step.after_gap for step in steps), needed)
        for word in first.exact | {row[0] for row in first.rows if not row[0].endswith("*")}:
            self.exact.setdefault(word, []).append(candidate)
        for stem in {*first.stems, *(row[0][:-1] for row in first.rows if row[0].endswith("*"))}:
            self.stems.setdefault(stem, []).append(candidate)

    def add_unspaced(self, wording: str, slug: str) -> None:
        number = len(self.unspaced)
        segments = wording.split("…")
        self.unspaced.append((len(segments), slug))
        for index, segment in enumerate(segments):
            for form in {dense_form(choice) for choice in choices(segment) if choice[-1:] not in DASHES}:
                if form:
                    self.parts.setdefault(form, []).append((number, index))

    def find(self, text: Text, *, longest_wins: bool = False) -> list[tuple[int, int, str]]:
        """(start, end, slug) of every match that stays inside one sentence, first and longest first.

        With `longest_wins`, what begins inside a match without gaps for another slug is part of that: "acne scars" are
        not also "scars", nor is the moisture barrier moisture.
        """
        found = {*self.find_spaced(text), *self.find_unspaced(text)}
        inside = [match for match in found if text.numbers[match[0]] == text.numbers[match[1] - 1]]
        cover: dict[int, tuple[int, int, str]] = {}
        for start, end, slug, is_whole in sorted(inside, key=lambda match: (-match[0], match[1])):
            # What is joined by "and" stays two things: "lines and discoloration".
            if longest_wins and is_whole and not JOINED.search(text.folded, start, end):
                cover.update(dict.fromkeys(range(start, end), (start, end, slug)))
        kept = set()
        for start, end, slug, _ in inside:
            first, last, winner = cover.get(start, (start, end, slug))
            if winner == slug or (first == start and last <= end):
                kept.add((start, end, slug))
        return sorted(kept, key=lambda match: (match[0], -match[1], match[2]))

    def find_spaced(self, text: Text) -> Iterator[tuple[int, int, str, bool]]:
        """(start, end, slug, whether without gaps)"""
        words, lacks = text.words, text.vocabulary.words.isdisjoint
        beginning: dict[str, list[tuple[list[Fitting], str, bool]]] = {}  # with a word; most words come again
        for number, word in enumerate(words):
            if (begun := beginning.get(word.text)) is None:
                candidates = list(self.exact.get(word.text, ()))
                for length in range(2, min(len(word.text), LONGEST_STEM) + 1):
                    candidates += self.stems.get(word.text[:length], ())
                begun = beginning[word.text] = [
                    (fitting, slug, is_whole)
                    for steps, slug, is_whole, needed in candidates
                    if not any(map(lacks, needed))  # most are done with here
                    and (fitting := text.vocabulary.fitting_all(steps)) is not None
                ]
            for fitting, slug, is_whole in begun:
                last = last_word(fitting, words, number)
                if last is not None:
                    yield word.start, words[last].end, slug, is_whole

    def find_unspaced(self, text: Text) -> Iterator[tuple[int, int, str, bool]]:
        """(start, end, slug, whether without gaps)"""
        if not self.parts or text.dense.isascii():  # each wording has a part in a script without spaces
            return
        places: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for last, (length, parts) in self.inside.iter(text.dense):
            start, end = last + 1 - length, last + 1
            if not is_cut(text, text.dense_at[start], text.dense_at[last] + 1):
                for part in parts:
                    places.setdefault(part, []).append((start, end))
        for (number, index), hits in places.items():
            count, slug = self.unspaced[number]
            if index:
                continue
            for start, end in hits:
                last = end
                for later in range(1, count):
                    following = places.get((number, later), [])
                    # Hits come in order of their ends, which for parts of much the same length is that of their starts.
                    at = bisect_left(following, (last, 0)) if following else 0
                    if at >= len(following) or following[at][0] > last + GAP_CHARACTERS:
                        break
                    # A gap stays in its clause.
                    if "," in text.dense[last : following[at][0]]:
                        break
                    last = following[at][1]
                else:
                    yield text.dense_at[start], text.dense_at[last - 1] + 1, slug, count == 1


def is_cut(text: Text, start: int, end: int) -> bool:
    """Whether a match begins or ends in the middle of a word in Latin letters, or of a number."""
    folded = text.folded

    def joined(left: str, right: str) -> bool:
        if not (left.isascii() and right.isascii()):
            return False
        return (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())

    before = start > 0 and joined(folded[start - 1], folded[start])
    behind = end < len(folded) and joined(folded[end - 1], folded[end])
    return before or behind


# A short word that can be read aloud may be an ordinary word: an abbreviation only in capitals.
PRONOUNCEABLE = re.compile(r"[^aeiou][aeiou][^aeiou]|[aeiou][^aeiou][aeiou]|..?")


class Names:
    """Names of concepts. The longest name wins; a name shared by several stands for all of them."""

    def __init__(self, names: Iterable[tuple[str, str, str]]) -> None:
        """`names` are (name, kind of alias, slug)."""
        self.spaced = ahocorasick.Automaton()
        self.unspaced = ahocorasick.Automaton()
        forms: dict[bool, dict[str, set[str]]] = {True: {}, False: {}}
        plurals: dict[str, set[str]] = {}
        self.capitals: set[str] = set()
        for name, kind, slug in names:
            is_unspaced = bool(UNSPACED.search(name))
            form = dense_form(name) if is_unspaced else fold(name)
            if len(form) < 2:
                continue
            forms[is_unspaced].setdefault(form, set()).add(slug)
            if is_unspaced:
                continue
            if kind == "abbreviation" and PRONOUNCEABLE.fullmatch(form):
                self.capitals.add(form)
                continue
            for other in variants(form):
                plurals.setdefault(other, set()).add(slug)
        for form, slugs in plurals.items():
            forms[False].setdefault(form, slugs)
        for is_unspaced, automaton in ((False, self.spaced), (True, self.unspaced)):
            for form, slugs in forms[is_unspaced].items():
                automaton.add_word(form, (form, tuple(sorted(slugs))))
            automaton.make_automaton()

    def find(self, text: Text) -> list[tuple[int, int, tuple[str, ...]]]:
        """(start, end, slugs) in order, never overlapping; the longest first where two overlap."""
        hits = [*self.hits(self.spaced, text, dense=False), *self.hits(self.unspaced, text, dense=True)]
        taken = bytearray(len(text.folded))
        kept = []
        for start, end, form, slugs in sorted(hits, key=lambda hit: (hit[0] - hit[1], hit[0])):
            # Longer names were placed before, so one that overlaps this covers its first or its last character.
            if not taken[start] and not taken[end - 1]:
                taken[start:end] = b"\1" * (end - start)
                kept.append((start, end, form, slugs))
        # Two letters alone mean many things: they count where the text names something else of ours as well.
        company = any(len(form) > 2 for _, _, form, _ in kept)
        return sorted((s, e, slugs) for s, e, form, slugs in kept if company or len(form) > 2 or not form.isascii())

    def hits(
        self, automaton: ahocorasick.Automaton, text: Text, *, dense: bool
    ) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
        if not len(automaton):
            return
        for last, (form, slugs) in automaton.iter(text.dense if dense else text.folded):
            start, end = last + 1 - len(form), last + 1
            if dense:
                start, end = text.dense_at[start], text.dense_at[last] + 1
            if is_cut(text, start, end):
                continue
            if form in self.capitals:
                first, behind = text.place(start, end)
                if not text.original[first:behind].isupper():
                    continue
            yield start, end, form, slugs


def variants(form: str) -> Iterator[str]:
    """Other ways in which a name in Latin letters is written: plural, singular, dashes left out, spelling."""
    if len(form) > 3 and form.endswith("s") and not form.endswith(("ss", "is", "us")):
        yield form[:-1]
    elif form[-1].isalpha():
        yield f"{form}s"
    if " " in form:
        words = form.split()
        # "IL-6" as "IL6", "sh-Oligopeptide-1" as "sh-oligopeptide1"; not "the rapy".
        if words[-1].isdigit():
            yield " ".join(words[:-1]) + words[-1]
        if len(words) > 1 and words[0].endswith("s") is False and words[-1].isalpha() and len(words[0]) > 3:
            yield " ".join([words[0] + "s", *words[1:]])
    if "foetal" in form or "tumour" in form:
        yield form.replace("foetal", "fetal").replace("tumour", "tumor")
