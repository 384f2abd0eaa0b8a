"""What users say in other languages: a gloss in plain English, and complaint and praise.

A lexicon of German, French, Spanish, Italian, Portuguese and Japanese, no translation: of each sentence it keeps which
of the things are spoken of that matter here (tests, hooks, checks), what is to be done with them, and whether not."""

import re
from collections.abc import Iterator
from functools import lru_cache

SENTENCE = re.compile(r"[.!?;\n。！？、]+")
LONGEST = 4000  # characters that are read
DONE = {  # English verb: what stands for it
    "update": r"anpass\w*|pass(?:e|t)?\b.{0,60}\ban\b|angepasst|aktualisier\w*|änder\w*|umschreib\w*"
    r"|nachzieh\w*|ersetz\w*|umbenenn\w*|verschieb\w*"
    r"|met(?:s|tre|tez)\s+à\s+jour|adapt(?:e|er|ez)\b|modifi(?:e|er|ez)\b|chang(?:er|ez)\b|renomm\w+"
    r"|actualiz\w+|cambi(?:a|ar)\b|aggiorn\w+|atualiz\w+"
    r"|更新|変更|書き換え|合わせて|修正し|直し",
    "skip": r"überspring\w*|auslass\w*|lass\b.{0,60}\b(?:aus|weg)\b|deaktivier\w*|auskommentier\w*"
    r"|stillleg\w*|ignorier\w*"
    r"|saut(?:e|er|ez)\b|ignor(?:e|er|ez)\b|désactiv\w+|pass(?:er|ez)\s+outre|salt(?:a|ar)\b"
    r"|desactiv\w+|disattiv\w+|スキップ|飛ばし|無効|無視",
    "remove": r"lösch\w*|entfern\w*|rauswerf\w*|wegwerf\w*|wirf\b.{0,60}\b(?:raus|weg)\b|supprim\w+"
    r"|enlev\w+|retir(?:e|er|ez)\b|jet(?:te|er|ez)\b"
    r"|elimin\w+|borra\w*|quita\w*|rimuov\w+|remov(?:a|er)\b|削除|消し",
    "touch": r"anfass\w*|anrühr\w*|angefasst|touch\w+|tocar\b|tocca\w*|触",
    "fix": r"reparier\w*|beheb\w*|korrigier\w*|behoben|kaputt|schl[aä]gt\b.{0,60}\bfehl|fehlschl\w+"
    r"|gehen\s+nicht|geht\s+nicht|rot\b|bricht\s+ab|stürzt"
    r"|répar\w+|corrig\w+|échou\w+|cass[ée]e?s?\b|rouges?\b|plant(?:e|ent)\b|ne\s+(?:passe|marche"
    r"|fonctionne)\w*\s+p(?:as|lus)|arregl\w+|falla\w*|corregg\w+"
    r"|直して|修正|失敗|落ち|エラー|バグ|動かな|壊れ|通らな|通るように",
}
ABOUT = {  # English word: what stands for it
    "tests": r"\w*tests?\b|test_\w+|\w+_test\b|\w*specs?\b|\w*snapshots?\b|prüfung\w*|testf[aä]ll\w*|erwartung\w*"
    r"|pruebas?\b|テスト|スナップショット|期待値",
    "hooks": r"\w*hooks?\b|フック",
    "lint checks": r"\blint\w*|warnung\w*|avertissement\w*|警告",
    "the history of commits": r"\bgit\s+log|verlauf\b|historie\b|historique\b|履歴|früher\w*\s+version"
    r"|version\s+(?:précédente|d'avant)",
}
NEGATED = re.compile(
    r"\b(?:nicht|kein\w*|ohne|niemals|nie|ne\b.{0,40}\b(?:pas|jamais|rien)|sans|pas|sin|nunca|non|senza|não|sem)\b"
    r"|しない|せず|ないで|なしで|ずに|禁止|触らな",
    re.IGNORECASE,
)
COMPLAINT = re.compile(
    r"\b(?:(?:funktioniert|geht|stimmt|klappt|läuft|passt)\s+(?:\w+\s+){0,3}?nicht\b"
    r"|immer\s+noch\s+(?:nicht|falsch|kaputt|rot|der)\w*"
    r"|(?:ist|war)\s+(?:\w+\s+)?(?:falsch|kaputt|unsinn|quatsch|mist)\b"
    r"|nicht\s+(?:das\s*,?\s+)?was\s+ich|rückgängig|so\s+nicht\b"
    r"|ce\s+n'est\s+(?:toujours\s+)?pas|c'est\s+(?:\w+\s+)?(?:faux|cassé|pire)"
    r"|(?:ça\s+)?ne\s+(?:marche|fonctionne|compile|passe)\w*\s+(?:toujours\s+)?pas"
    r"|ça\s+(?:marche|fonctionne)\s+(?:toujours\s+)?pas|toujours\s+(?:pas|faux|cassé|la\s+même"
    r"|le\s+même)|tu\s+as\s+(?:cassé|oublié|supprimé|ignoré)"
    r"|no\s+funciona|está\s+mal|sigue\s+(?:fallando|sin|igual)|no\s+es\s+lo\s+que|non\s+funziona|não\s+funciona)"
    r"|^\s*(?:nein|non|nee|falsch|faux|nicht\s+so)\b\s*[,.!:;–-]"
    r"|違(?:う|い)|動(?:か|いてい)(?:ない|ません)|間違|直って(?:い)?(?:ない|ません)|元に戻して|壊れ(?:た|て)|(?:だめ|ダメ)(?:です|だ)"
    r"|まだ(?:\w{0,12})(?:ない|ません|失敗|エラー)",
    re.IGNORECASE,
)
PRAISE = re.compile(
    r"\b(?:danke\w*|super(?=\s*[,.!]|$)|perfekt|prima|passt|klasse|sehr\s+gut|merci|parfait\w*"
    r"|génial\w*|très\s+bien|impeccable|gracias|perfecto|genial|grazie|perfetto|obrigad[oa])\b"
    r"|ありがとう|助かり|完璧|いいですね|素晴らし",
    re.IGNORECASE,
)
ADMISSION = re.compile(
    r"\b(?:(?:noch\s+)?nicht\s+(?:erledigt|fertig|umgesetzt|gelöst|behoben|gemacht)|(?:bleibt|ist"
    r"|sind)\s+(?:noch\s+)?(?:offen|rot)\b|schl[aä]g\w+\s+(?:\w+\s+){0,3}?(?:weiterhin|noch|immer\s+noch)\s+fehl"
    r"|habe\s+ich\s+(?:\w+\s+){0,3}?nicht\s+\w+|(?:reste|restent)\s+(?:\w+\s+){0,2}?(?:à\s+faire"
    r"|rouges?|ouverts?|en\s+échec)|n'ai\s+pas\s+\w+|échou\w+\s+(?:toujours|encore)"
    r"|pas\s+encore\s+(?:fait|fini|corrigé))"
    r"|まだ(?:\w{0,20})(?:ません|ない|失敗)|未(?:対応|完了|実装|解決)|残って(?:い)?ます|できませんでした",
    re.IGNORECASE,
)
FOREIGN = re.compile(
    r"\b(?:bitte|und|der|die|das|nicht|ist|mit|für|auf|les?|des|une?|est|pas|dans|pour|avec|sur|il|el"
    r"|los|para|por|con|che|per|não)\b|[äöüßéèêàçñãõ]|[\u3040-\u30ff\u4e00-\u9fff]",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?<![^\W_])|(?<=[^\x00-\u02ff])|(?=[^\x00-\u02ff]))(?:{pattern})", re.IGNORECASE)


def gloss(text: str) -> str:
    """What a text in another language asks for, as plain English sentences; empty for English, or for none of it."""
    plain = text[:LONGEST].replace("’", "'")
    if len(FOREIGN.findall(plain)) < 2:
        return ""
    return " ".join(dict.fromkeys(sentence for part in SENTENCE.split(plain) for sentence in glossed(part)))


def glossed(sentence: str) -> Iterator[str]:
    """`update the tests.`, `don't remove the hooks.`, `fix what is broken.`"""
    about = [english for english, pattern in ABOUT.items() if compiled(pattern).search(sentence)]
    done = [english for english, pattern in DONE.items() if compiled(pattern).search(sentence)]
    refused = "don't " if NEGATED.search(sentence) else ""
    for verb in done:
        if verb == "fix":
            yield "fix the failing tests." if "tests" in about else "fix what is broken."
            continue
        yield from (f"{refused}{verb} {thing}." if " " in thing else f"{refused}{verb} the {thing}." for thing in about)
    if "the history of commits" in about:
        yield "look at the history of commits."
