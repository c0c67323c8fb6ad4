"""Which language a text is in: letter statistics, telling words and what the store says, weighed together.

Three voices, in log-odds: (1) py3langid's naive Bayes over the bytes (`analysis.ngrams`); (2) words that only some
languages have, from data/languages.yaml and data/lexicon.yaml, for texts of one or two words; (3) the country of the
storefront and the declared locale, as a prior that many letters outweigh. Without letters, or when two languages stay
within `MARGIN`, the answer is "und".

langdetect is asked a second time about long texts that seem neither French nor English: it knows languages beyond ours
(Catalan, Croatian, Slovak…) and is reliable there, where it is not on short reviews.
"""

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
import yaml
from numpy.typing import NDArray

from analysis import lexicon, ngrams
from analysis.ngrams import Floats
from analysis.tokens import WORD, Tokens, tokenise

LANGUAGES = (
    "en", "fr", "es", "de", "it", "nl", "pt", "pl", "ro", "tr", "id", "sv", "da", "nb", "fi", "cs", "hu",
    "ru", "uk", "bg", "el", "ar", "fa", "he", "hi", "zh", "ja", "ko", "th", "vi",
)  # fmt: skip
UNDETERMINED = "und"
_LATIN = np.array(
    [code not in ("ru", "uk", "bg", "el", "ar", "fa", "he", "hi", "zh", "ja", "ko", "th") for code in LANGUAGES]
)
_LAST_LATIN = 0x24F

_COMMON = {"en": 0.30, "fr": 0.30, "es": 0.08, "de": 0.06, "it": 0.06, "nl": 0.04, "pt": 0.04}
_RARE = 0.01
_AT_HOME = 0.70  # share of a storefront's reviews in its own language
_EN_ABROAD = 0.15
_LETTERS = 2.6  # weight of the letter statistics, divided by √bytes
_SHARED = 12  # bytes below which letters say half as much of a word that several languages share ("super")
_WORD = 6.5  # what one telling word adds: more than any storefront takes away
MARGIN = 0.2
_CERTAIN = 12.0  # log-odds from which langdetect (25 ms a text) is not asked in these: it never knew better there
_PLAIN = ("es", "de", "it", "nl", "pt")
_LONG = 40  # letters from which langdetect is worth asking
_READ = 200
_SURE = 0.95
_IMPOSSIBLE = 50.0

_COUNTRIES = {
    "fr": "fr mc re gp mq gf sn ci cm ml bf ne tg bj ga cg cd ht mg tn dz ma lu be ch ca",
    "en": "us gb uk ie au nz ca za in ng gh ke sg ph pk",
    "es": "es mx ar co cl pe ve ec gt cu bo do hn py sv ni cr pa uy",
    "de": "de at ch li lu", "it": "it ch sm", "nl": "nl be sr", "pt": "pt br ao mz",
    "pl": "pl", "ro": "ro md", "tr": "tr", "id": "id", "sv": "se", "da": "dk", "nb": "no", "fi": "fi",
    "cs": "cz", "hu": "hu", "ru": "ru by kz", "uk": "ua", "bg": "bg", "el": "gr cy",
    "ar": "sa ae eg ma dz tn qa kw jo lb iq", "fa": "ir", "he": "il", "hi": "in",
    "zh": "cn tw hk sg", "ja": "jp", "ko": "kr", "th": "th", "vi": "vn",
}  # fmt: skip


@cache
def _words() -> tuple[NDArray[np.uint64], Floats]:
    """Sorted hashes of the telling words, and for each its vote for every language: shape (words, languages)."""
    folder = resources.files("analysis") / "data"
    listed: dict[str, set[str]] = {}
    for language, words in yaml.safe_load((folder / "languages.yaml").read_text("utf-8")).items():
        for word in words:
            listed.setdefault(str(word), set()).add(language)
    for group in ("love", "like", "dislike", "hate", "negator", "contrast"):
        for language, words in lexicon.read()[group].items():
            for word in words:
                if language in LANGUAGES and word.isalpha():
                    listed.setdefault(word, set()).add(language)
    tokens = tokenise(list(listed))
    single = np.diff(tokens.bounds) == 1
    votes = np.zeros((len(listed), len(LANGUAGES)), dtype=np.float32)
    for number, languages in enumerate(listed.values()):
        for language in languages:
            votes[number, LANGUAGES.index(language)] = 1.0
    hashes, votes = tokens.hash[tokens.bounds[:-1][single]], votes[single]
    order = np.argsort(hashes)
    hashes, votes = hashes[order], votes[order]
    starts = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]) != 0)
    return hashes[starts], np.maximum.reduceat(votes, starts, axis=0)


@cache
def _prior(storefront: str | None, locale: str | None) -> Floats:
    """Log prior over LANGUAGES for a country ("fr", "CA") and a declared language ("fr-CA"), where they are known."""
    share = np.array([_COMMON.get(language, _RARE) for language in LANGUAGES])
    share /= share.sum()
    country = (storefront or "").strip().lower()[:2]
    at_home = [language for language, countries in _COUNTRIES.items() if country and country in countries.split()]
    if at_home:
        share *= 1 - _AT_HOME - _EN_ABROAD
        share[LANGUAGES.index("en")] += _EN_ABROAD
        for language in at_home:
            share[LANGUAGES.index(language)] += _AT_HOME / len(at_home)
    spoken = (locale or "").strip().lower().replace("_", "-").split("-")[0]
    if spoken in LANGUAGES:
        share *= 0.2
        share[LANGUAGES.index(spoken)] += 0.8
    prior: Floats = np.log(share / share.sum()).astype(np.float32)
    return prior


def scores(tokens: Tokens, texts: Sequence[str]) -> Floats:
    """Log-odds from the text alone, shape (texts, languages); rows of texts without a word are all zero."""
    letters, lengths = ngrams.log_likelihoods([text.lower() for text in texts], LANGUAGES)
    letters *= _LETTERS / np.sqrt(np.maximum(lengths, 1))[:, None]
    letters -= letters.max(axis=1, keepdims=True)
    hashes, votes = _words()
    place = np.minimum(np.searchsorted(hashes, tokens.hash), len(hashes) - 1)
    known = np.flatnonzero((hashes[place] == tokens.hash) & (tokens.kind == WORD))
    said = np.zeros_like(letters)
    starts = np.flatnonzero(np.diff(tokens.doc[known], prepend=-1))
    if len(starts):
        said[tokens.doc[known][starts]] = np.add.reduceat(votes[place[known]], starts, axis=0)
    glued = tokens.doc[tokens.cut_in_two()]  # "jarrive", "lappli": nobody but the French
    said[:, LANGUAGES.index("fr")] += np.bincount(glued, minlength=len(texts))
    total = np.maximum(np.bincount(np.concatenate([tokens.doc[known], glued]), minlength=len(texts)), 1)[:, None]
    said *= _WORD / np.sqrt(total)
    most = said.max(axis=1, keepdims=True)
    shared = (most[:, 0] > 0) & ((said == most).sum(axis=1) > 1) & (lengths < _SHARED)
    letters[shared] *= 0.5
    return (letters + said).astype(np.float32)


def choose(
    tokens: Tokens,
    texts: Sequence[str],
    weighed: Floats,
    storefronts: Sequence[str | None],
    locales: Sequence[str | None],
) -> list[str]:
    """The likeliest language of each text once the prior has spoken, or "und"; `weighed` is what `scores` gave."""
    prior = np.stack([_prior(country, locale) for country, locale in zip(storefronts, locales, strict=True)])
    total = weighed + prior
    total[np.ix_(_foreign_script(tokens), _LATIN)] -= _IMPOSSIBLE
    best = np.partition(total, -2, axis=1)[:, -2:]
    letters = np.zeros(len(weighed), dtype=np.int64)
    words = np.flatnonzero((tokens.kind == WORD) & ~_numeric(tokens))
    np.add.at(letters, tokens.doc[words], (tokens.last - tokens.first)[words])
    told = [
        LANGUAGES[index] if count >= 2 and sure >= MARGIN else UNDETERMINED
        for index, count, sure in zip(total.argmax(axis=1), letters, best[:, 1] - best[:, 0], strict=True)
    ]
    sure = (best[:, 1] - best[:, 0] >= _CERTAIN).tolist()
    for index in np.flatnonzero(letters >= _LONG).tolist():
        if told[index] not in ("fr", "en") and not (sure[index] and told[index] in _PLAIN):
            told[index] = _second_opinion(texts[index], told[index])
    return told


def _second_opinion(text: str, first: str) -> str:
    """langdetect's answer where it is sure of a language that is none of ours, else `first`."""
    from langdetect import DetectorFactory, LangDetectException, detect_langs  # 0.1 s, and few texts need it

    DetectorFactory.seed = 0  # its sampling is random otherwise
    try:
        answer = detect_langs(text[:_READ])[0]
    except LangDetectException:
        return first
    code = str(answer.lang).split("-")[0].replace("no", "nb")  # both name Norwegian
    if code == "af" and first == "nl":  # short Dutch passes for Afrikaans there, which hardly a review is written in
        return first
    return code if code not in LANGUAGES and answer.prob >= _SURE else first


def _foreign_script(tokens: Tokens) -> NDArray[np.bool_]:
    """Whether most of a document's words begin with a letter of another script than the Latin one."""
    words = np.flatnonzero(tokens.kind == WORD)
    foreign = tokens.codes[tokens.first[words]] > _LAST_LATIN
    count = np.bincount(tokens.doc[words], minlength=tokens.documents)
    there: NDArray[np.bool_] = 2 * np.bincount(tokens.doc[words][foreign], minlength=tokens.documents) > count
    return there


def _numeric(tokens: Tokens) -> NDArray[np.bool_]:
    code = tokens.codes[tokens.first]
    return (code >= 48) & (code <= 57)


def detect(texts: Sequence[str], storefronts: Sequence[str | None], locales: Sequence[str | None]) -> list[str]:
    """ISO 639-1 code of each text, "und" when there is nothing to go on. Never raises on any text."""
    if not texts:
        return []
    tokens = tokenise(texts)
    return choose(tokens, texts, scores(tokens, texts), storefronts, locales)
