"""A Wikipedia of another language: from its dump to a model of its own, and what that is fine-tuned to."""

import bz2
import re
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
from checkouts import Checkout

TOWNS = "Altdorf Bergheim Eichstätt Grünau Lüneburg Mühlhausen Neustadt Rosenthal Schönau Weißenburg".split()
REGIONS = "Bayern Sachsen Thüringen Hessen Niedersachsen Schleswig-Holstein".split()
RIVERS = "Donau Elbe Weser Saale Oder Neiße Lahn Mosel".split()
KNOWN_FOR = "Bücher Glocken Uhren Möbel Brücken Kirchen Gärten Märkte".split()
ADJECTIVES = "großen kleinen alten schönen berühmten jährlichen".split()
SITE = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="de">'
    "<siteinfo><dbname>dewiki</dbname>"
    '<namespaces><namespace key="6">Datei</namespace><namespace key="14">Kategorie</namespace></namespaces>'
    "</siteinfo>"
)
PAGE = (
    "<page><title>{0}</title><ns>0</ns><id>{1}</id><revision><id>1</id><text>{2}</text></revision></page>\n"
)


def article(name: str, random: Random) -> str:
    """Markup of an article about a town: an infobox, a picture, numbers, sections."""
    people, since, metres = random.randint(500, 90_000), random.randint(900, 1900), random.randint(5, 900)
    inhabitants, height = f"{{{{formatnum:{people}}}}}", f"{{{{Höhe|{metres}|DE-NHN}}}}"
    worth = f"{random.choice(ADJECTIVES)} {random.choice(KNOWN_FOR)}"
    sentences = [
        f"Die Stadt liegt an der [[{random.choice(RIVERS)}]] im Norden von {random.choice(REGIONS)}.",
        f"Sie ist bekannt für ihre {random.choice(ADJECTIVES)} {random.choice(KNOWN_FOR)}.",
        f"Im Jahr {since} wurde der Ort zum ersten Mal in einer Urkunde genannt.",
        f"Heute leben hier {inhabitants} Menschen auf einer Höhe von {height}.",
        f"Viele Besucher kommen wegen der {worth} in die Stadt.",
        f"Von {random.choice(TOWNS)} führt eine Straße über {random.choice(TOWNS)} bis hierher.",
    ]
    random.shuffle(sentences)
    return (
        f"{{{{Infobox Ort|Name={name}}}}}\n[[Datei:{name}.jpg|mini|Ein Bild]]\n"
        f"'''{name}''' ist eine Stadt in [[{random.choice(REGIONS)}]].<ref>Karte</ref> "
        f"{' '.join(sentences)}\n\n== Geschichte ==\n{' '.join(random.sample(sentences, 4))}\n\n"
        "[[Kategorie:Ort]]"
    )


def write_dump(path: Path, pages: int) -> None:
    random = Random(1)
    names = [f"{random.choice(TOWNS)} an der {random.choice(RIVERS)} {number}" for number in range(pages)]
    texts = [article(name, random).replace("<", "&lt;") for name in names]
    parts = [
        PAGE.format(name, number, text)
        for number, (name, text) in enumerate(zip(names, texts, strict=True), 1)
    ]
    path.write_bytes(bz2.compress(f"{SITE}{''.join(parts)}</mediawiki>".encode()))


def test_a_german_wikipedia(checkout: Checkout) -> None:
    run, folder = checkout.run, checkout.folder
    write_dump(folder / "dewiki.xml.bz2", 400)
    run("python -m data wikipedia dewiki.xml.bz2 --output runs/de/text --workers 2")
    assert checkout.results("runs/de/text")["articles_written"] == 400
    texts = pq.read_table(folder / "runs/de/text/text-00000.parquet")["text"].to_pylist()
    for text in texts:
        assert not any(mark in text for mark in ("{{", "[[", "Datei:", "Kategorie:", "Karte", "Infobox"))
        assert re.search(r"Heute leben hier \d{1,3}(\.\d{3})* Menschen auf einer Höhe von \d", text)

    run("python -m data vocabulary runs/de/text --output runs/de/tokenizer --workers 2")
    run(
        "python -m data tokenize runs/de/text --tokenizer runs/de/tokenizer --output runs/de/blocks "
        "--block-size 110"
    )
    run(
        "python -m pretrain pretrain/configs/small.yaml --data runs/de/blocks --tokenizer runs/de/tokenizer "
        "--output runs/de/model --eval-examples 49 --batch-size 8 --max-steps 40 --warmup-steps 10"
    )
    results = checkout.results("runs/de/model")
    assert results["steps"] == 40
    assert 0 <= results["eval_nlm_hit_1"] <= 1
    assert (folder / "runs/de/model/curves.png").stat().st_size

    random = Random(2)
    with (folder / "orte.csv").open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for number in range(60):
            place = f"Die Stadt liegt an der {random.choice(RIVERS)} im Norden von {random.choice(REGIONS)}"
            ware = f"Sie ist bekannt für ihre {random.choice(ADJECTIVES)} {random.choice(KNOWN_FOR)}"
            file.write(f"{place} ({number}).,lage\n{ware} ({number}).,ruf\n")
    run(
        "python -m finetune finetune/configs/text.yaml --model runs/de/model --max-length 64 "
        "--learning-rate 1e-3 --train orte.csv --output runs/orte"
    )
    assert checkout.results("runs/orte")["dev_accuracy"] > 0.5
