"""Contact details found by ours and by Presidio, on the same messages: writes docs/contacts.md.

    python benchmarks/contacts.py --presidio VENV/bin/python [--corpora]

VENV has presidio-analyzer. Its recognisers run as they come, each with the languages it has words for; where no spaCy
model is installed, a blank one tokenises. Texts go to it by a temporary file that is deleted.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from classifier.assembly import data_folder, read_splits
from classifier.contacts import KINDS, find_contacts

ROOT = Path(__file__).parents[1]
PATTERN_KINDS = tuple(kind for kind in KINDS if kind not in ("handle", "address"))  # those Presidio has patterns for

# What runs in Presidio's own environment: texts in, [kind, start, end] and microseconds out.
PRESIDIO = r"""
import json, statistics, sys, time, warnings
from importlib.metadata import version
warnings.filterwarnings("ignore")
import logging; logging.disable(logging.CRITICAL)
import spacy, tempfile
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
import presidio_analyzer.predefined_recognizers as P
from presidio_analyzer.nlp_engine import NlpEngineProvider
source, target = sys.argv[1:3]
model = tempfile.mkdtemp() + "/blank"
blank = spacy.blank("en"); blank.to_disk(model)
models = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
nlp = NlpEngineProvider(nlp_configuration=models).create_engine()
regions = ("US GB DE FR ES IT PT BR MX AR CL CO ID JP KR CN TW HK RU UA TR EG SA AE MA IN AU CA VN PH").split()
registry = RecognizerRegistry(supported_languages=["en"])
names = []
def add(name, **options):
    recogniser = getattr(P, name, None)
    if recogniser is None:
        return
    registry.add_recognizer(recogniser(supported_language="en", **options)); names.append(name)
add("PhoneRecognizer", supported_regions=regions)
for name in (
    "Email CreditCard Iban UsSsn UsPassport UsLicense UsItin UsBank Nhs UkNino EsNif EsNie ItFiscalCode ItPassport "
    "ItIdentityCard ItDriverLicense ItVatCode InAadhaar InPassport InPan SgFin AuTfn AuMedicare PlPesel "
    "FiPersonalIdentityCode KrRrn KrPassport KrFrn KrDriverLicense ThTnin DeTaxId DePassport DeIdCard "
    "DeSocialSecurity TrNationalId CaSin "
).split():
    add(name + "Recognizer")
engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
kinds = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "card",
         "US_BANK_NUMBER": "card"}
texts = json.load(open(source, encoding="utf-8")); found, times = [], []
engine.analyze(text="warm up 415 555 0100", language="en")
for text in texts:
    began = time.perf_counter()
    results = engine.analyze(text=text, language="en")
    times.append(time.perf_counter() - began)
    found.append([[kinds.get(r.entity_type, "document"), r.start, r.end, r.score] for r in results])
told = {"found": found, "times": times, "recognizers": names, "regions": regions}
told |= {"version": version("presidio-analyzer"), "spacy": version("spacy")}
json.dump(told, open(target, "w"))
"""


def presidio(python: str, texts: list[str]) -> dict:
    """What Presidio finds in each text, and the seconds each took."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "texts.json"), Path(folder, "found.json")
        source.write_text(json.dumps(texts), encoding="utf-8")
        subprocess.run([python, "-c", PRESIDIO, source, target], check=True)
        return json.loads(target.read_text())


def ours(texts: list[str]) -> tuple[list[list[list]], list[float]]:
    """The same of ours."""
    found, times = [], []
    find_contacts("warm up +1 415 555 0100")
    for text in texts:
        began = time.perf_counter()
        contacts = find_contacts(text)
        times.append(time.perf_counter() - began)
        found.append([[contact.kind, contact.start, contact.end, 1.0] for contact in contacts])
    return found, times


def figures(hits: int, given: int, right: int, wanted: int) -> str:
    """Precision, recall, F1 as cells."""
    precision, recall = right / given if given else 0.0, hits / wanted if wanted else 0.0
    score = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"{precision:.2f} | {recall:.2f} | {score:.2f}"


def matches(span: list, gold: dict) -> bool:
    """Same kind, and at least half of the longer one in common."""
    common = min(span[2], gold["end"]) - max(span[1], gold["start"])
    return span[0] == gold["kind"] and 2 * common >= max(span[2] - span[1], gold["end"] - gold["start"])


def by_kind(found: list[list[list]], gold: list[list[dict]]) -> dict[str, str]:
    """Cells per kind, for all, and on the level of messages."""
    rows = {}
    for name, kinds in {
        **{kind: (kind,) for kind in KINDS},
        "all": KINDS,
        "all without handle, address": PATTERN_KINDS,
    }.items():
        one = [[g for g in spans if g["kind"] in kinds] for spans in gold]
        other = [[f for f in spans if f[0] in kinds] for spans in found]
        pairs = list(zip(other, one, strict=True))
        hits = sum(any(matches(f, g) for f in fs) for fs, gs in pairs for g in gs)
        right = sum(any(matches(f, g) for g in gs) for fs, gs in pairs for f in fs)
        rows[name] = figures(hits, sum(map(len, other)), right, sum(map(len, one)))
    rows["message has one"] = by_message(found, [bool(spans) for spans in gold])
    return rows


def by_message(found: list[list[list]], truth: list[bool]) -> str:
    """Cells for telling messages with a contact detail from those without."""
    both = sum(bool(f) and t for f, t in zip(found, truth, strict=True))
    return figures(both, sum(map(bool, found)), both, sum(truth))


def span_messages(part: str) -> tuple[list[str], list[list[dict]], list[str]]:
    """Texts, spans and languages of data/contacts."""
    rows = [
        (row["text"], json.loads(row["spans"]), path.stem)
        for path in sorted((data_folder() / "contacts").glob("*.csv"))
        for row in csv.DictReader(path.open(encoding="utf-8", newline=""))
        if row["part"] == part
    ]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def held_out_messages() -> tuple[list[str], list[bool]]:
    """Our messages by the authors held out for test, and whether they disclose something."""
    splits = read_splits(data_folder() / "splits.toml")
    rows = [
        row
        for path in sorted((data_folder() / "messages").glob("*.csv"))
        for row in csv.DictReader(path.open(encoding="utf-8", newline=""))
        if splits.get(row["author"]) == "test" and row["personal_info"] in ("0", "1")
    ]
    return [row["text"] for row in rows], [row["personal_info"] == "1" for row in rows]


def real_messages() -> tuple[list[str], list[bool]]:
    """Real text of the corpora that our guide was applied to."""
    from classifier.corpora import read
    from classifier.corpus_registry import load_registry
    from classifier.examples import annotate, read_annotations

    judged = read_annotations(data_folder() / "annotations" / "real_text.csv")
    texts: list[str] = []
    truth: list[bool] = []
    for corpus in load_registry().values():
        if corpus.name in {*judged["corpus"]}:
            frame = annotate(read(corpus, ROOT / "data" / "downloads"), judged[judged["corpus"] == corpus.name])
            frame = frame[frame["annotated"] & frame["personal_info"].notna()]
            texts += frame["text"].tolist()
            truth += (frame["personal_info"].astype(float) == 1).tolist()
    return texts, truth


def main() -> None:
    """Measure and write the page."""
    options = argparse.ArgumentParser()
    options.add_argument("--presidio", required=True)
    options.add_argument("--corpora", action="store_true", help="also real text (CLASSIFIER_MIRROR)")
    asked = options.parse_args()
    texts, gold, _ = span_messages("test")
    sets: dict[str, tuple[list[str], list[bool]]] = {"our held-out messages": held_out_messages()}
    if asked.corpora:
        sets["real text"] = real_messages()
    mine, my_times = ours(texts)
    theirs = presidio(asked.presidio, texts)
    sure = [[span for span in spans if span[3] >= 0.4] for spans in theirs["found"]]
    first, second, third = by_kind(mine, gold), by_kind(theirs["found"], gold), by_kind(sure, gold)
    table = [f"| {kind} | {first[kind]} | {second[kind]} | {third[kind]} |" for kind in first]
    lines, speed = [], [(my_times, theirs["times"])]
    for name, (messages, truth) in sets.items():
        (found, times), other = ours(messages), presidio(asked.presidio, messages)
        speed.append((times, other["times"]))
        confident = [[span for span in spans if span[3] >= 0.4] for spans in other["found"]]
        cells = " | ".join(by_message(spans, truth) for spans in (found, other["found"], confident))
        lines.append(f"| {name} ({len(messages):,}, {sum(truth):,} with one) | {cells} |")
    medians = [statistics.median([seconds for pair in speed for seconds in pair[i]]) * 1e6 for i in (0, 1)]
    page = PAGE.format(
        n=len(texts), spans=sum(map(len, gold)), table="\n".join(table), messages="\n".join(lines), ours=medians[0],
        theirs=medians[1], ratio=medians[1] / medians[0], version=theirs["version"], spacy=theirs["spacy"],
        count=len(theirs["recognizers"]), recognizers=", ".join(theirs["recognizers"]),
        regions=" ".join(theirs["regions"]),
    )  # fmt: skip
    (ROOT / "docs" / "contacts.md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)


HEADS = (
    "ours: precision | recall | F1 | Presidio: precision | recall | F1 | Presidio, score ≥ 0.4: precision | recall | F1"
)
PAGE = f"""# Contact details

`classifier.contacts.find_contacts` gives the contact details of a message as spans, `classifier mask` replaces them
in an export. Telephone numbers are judged with [phonenumbers](https://pypi.org/project/phonenumbers/), documents,
cards and IBANs with [python-stdnum](https://pypi.org/project/python-stdnum/); the forms people use to give a
contact past a filter ("null eins sieben", "собака", "加薇", keypad emoji, letters spaced out) are our own, in
thirteen languages.

Written by `benchmarks/contacts.py`.

## By kind

The test part of `data/contacts`: {{n}} messages in thirteen languages, {{spans}} contact details; half of the
messages have none and look as if (orders, prices, scores, lessons, mentions). A span is right if it has the same
kind and at least half of the longer one in common. The patterns were written on the dev part and on messages of
training and dev authors; nothing was changed for a message of the test part. It is by the same writer and the same
kind of invention, so expect less of others' messages: the next table is the fairer one.

| kind | {HEADS} |
| --- |{{{{dashes}}}}
{{table}}

## By message

Does the message disclose something? Ours by authors nobody trained on, and real text judged by our guide.

| messages | {HEADS} |
| --- |{{{{dashes}}}}
{{messages}}

The label is wider than spans: it also counts what is hinted at and what only a reader understands.

## Speed

Median of all these messages: ours {{ours:.0f}} µs, Presidio {{theirs:.0f}} µs ({{ratio:.0f}} times as long), one
after the other on a busy machine.

## Presidio as measured

presidio-analyzer {{version}} with spaCy {{spacy}}, pattern recognisers only. No spaCy model could be installed, so
a blank English one tokenises, every text counts as English (that is the language its recognisers have words for),
and nothing is found by named entities: street addresses and handles are kinds its patterns do not have; one row
leaves them out. {{count}} recognisers: {{recognizers}}. The telephone recogniser has the regions {{regions}}.
Scores count from 0 (everything found) and from 0.4, because its patterns for documents without a word beside them
start at 0.05.
""".replace("{{dashes}}", " --- |" * 9)


if __name__ == "__main__":
    main()
