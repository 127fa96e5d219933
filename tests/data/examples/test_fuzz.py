"""Readers of labelled files against pandas, conllu and datasets: equal rows, or a fault that is named."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import conllu
import datasets
import pandas as pd
import pytest

from charbert.errors import CharBertError
from data.examples.readers import Columns, read_examples
from data.examples.rows import BadRows
from data.examples.tables import read_table

SEEDS = 60
PARTS = (
    *("a", "B", "7", "-1", "1.0", "é", "中", "🙂", "NA", "null", "nan", "O", "B-X", "#", "# ", "\\", "\\n"),
    *(
        " ",
        ",",
        "'",
        '"',
        '""',
        "[",
        "]",
        "['a']",
        "{",
        "\u00a0",
        "\u2028",
        "\x85",
        "\x0c",
        "\ufeff",
        "|",
        ";",
    ),
)
WORDS = (
    "a",
    "Anna",
    "#",
    "#NFL",
    "10\u00a0000",
    "7",
    "_",
    "-",
    "é",
    "🙂",
    "O",
    "\u2028",
    "\x85x",
    "中",
    "'",
    '"',
)
TAGS = ("O", "B-X", "I-X", "B-Y-Z", "NN", "#")


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def text(draws: Random, *more: str) -> str:
    return "".join(draws.choices((*PARTS, *more), k=draws.randint(0, 4)))


def damage(draws: Random, content: str) -> str:
    """The content with up to two characters removed, doubled, or replaced by one that means something."""
    for _ in range(draws.randint(0, 2)):
        at = draws.randrange(len(content))
        content = content[:at] + draws.choice(("", content[at] * 2, *'",\t \n#\r')) + content[at + 1 :]
    return content


def write(path: Path, draws: Random, content: str) -> bool:
    """Write the content, or damage it first; says whether it is whole."""
    changed = content if draws.random() < 0.4 else damage(draws, content)
    path.write_text(changed, encoding="utf-8", newline="")
    return changed == content


def compare(
    path: Path, is_whole: bool, read: Callable[[BadRows], Any], read_theirs: Callable[[], Any], *errors: type
) -> str:
    """`equal` or `fault`, which a file that is whole may not have; what the others refuse may be read."""
    bad = BadRows(skip=True)
    try:
        ours = read(bad)
        has_fault = bool(bad)
    except CharBertError as error:
        assert str(path) in str(error)
        has_fault = True
    if has_fault:
        assert not is_whole, bad.summary()
        return "fault"
    try:
        theirs = read_theirs()
    except errors:
        assert not is_whole
        return "fault"
    assert ours == theirs, path.read_bytes()
    return "equal"


def by_pandas(path: Path | io.StringIO, **settings: Any) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, **settings)


@pytest.mark.parametrize("ending", ("csv", "tsv"))
@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")
def test_tables_of_text_are_read_as_pandas_reads_them(tmp_path: Path, ending: str) -> None:
    path, found = tmp_path / f"t.{ending}", []
    form: dict[str, Any] = {"sep": "\t", "quoting": csv.QUOTE_NONE} if ending == "tsv" else {}
    for seed in range(2 * SEEDS):
        draws = Random(seed)
        end = draws.choice(("\n", "\r\n"))
        more = () if form else ("\n", "\r\n", "\t", "\r")
        rows = [("id", "text", "label")]
        rows += [(str(number), text(draws, *more), text(draws)) for number in range(draws.randint(1, 6))]
        content = io.StringIO()
        quoting = draws.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        csv.writer(content, lineterminator=end, quoting=quoting).writerows(rows)
        joined = "".join("\t".join(row) + end for row in rows)
        is_whole = write(path, draws, joined if form else content.getvalue())
        found.append(
            compare(
                path,
                is_whole,
                lambda bad: [row.cells for row in read_table(str(path), bad)],
                lambda: by_pandas(path, index_col=False, **form).to_dict("records"),
                pd.errors.ParserError,
            )
        )
    assert found.count("equal") > SEEDS


def json_cell(draws: Random) -> Callable[[], Any]:
    """Makes cells of one type."""
    return draws.choice(
        (
            lambda: text(draws),
            lambda: draws.randint(-5, 5),
            lambda: draws.random() < 0.5,
            lambda: [text(draws) for _ in range(draws.randint(0, 3))],
            lambda: {"text": [text(draws)], "answer_start": [draws.randint(0, 9)]},
        )
    )


def same_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with None for each column that one of them lacks."""
    names = {name for row in rows for name in row}
    return [
        {
            name: None if (value := row.get(name)) is None or value != value else value
            for name in sorted(names)
        }
        for row in rows
    ]


def by_pandas_json(path: Path) -> list[dict[str, Any]]:
    settings = {"dtype": False, "convert_dates": False, "convert_axes": False}
    return pd.read_json(path, lines=True, **settings).to_dict("records")


def by_datasets(path: Path) -> list[dict[str, Any]]:
    kind = {".jsonl": "json", ".parquet": "parquet"}[path.suffix]
    return list(datasets.load_dataset(kind, data_files=str(path), split="train", streaming=True))


@pytest.mark.parametrize(("reader", "seeds"), ((by_pandas_json, SEEDS), (by_datasets, 10)))
def test_json_lines_are_read_as_pandas_and_datasets_read_them(
    tmp_path: Path, reader: Callable[[Path], list[dict[str, Any]]], seeds: int
) -> None:
    found = []
    for seed in range(seeds):
        draws, path = Random(seed), tmp_path / f"{seed}.jsonl"
        cells = json_cell(draws), json_cell(draws)
        rows = [
            {"id": str(number), "text": cells[0](), "label": cells[1]()}
            for number in range(draws.randint(1, 5))
        ]
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        is_whole = write(path, draws, content)
        found.append(
            compare(
                path,
                is_whole,
                lambda bad, path=path: same_columns([row.cells for row in read_table(str(path), bad)]),
                lambda path=path: same_columns(reader(path)),
                *(ValueError, datasets.exceptions.DatasetGenerationError),
            )
        )
    assert found.count("equal") > seeds // 3


def sentences(draws: Random) -> list[list[tuple[str, str]]]:
    """Words with their tags; the first sentence has each tag once."""
    first = [(draws.choice(WORDS[1:]), tag) for tag in TAGS]
    more = [
        [(draws.choice(WORDS), draws.choice(TAGS)) for _ in range(draws.randint(1, 4))]
        for _ in range(draws.randint(0, 3))
    ]
    return [[("a", "O"), *first], *more]


def rows_of(path: Path, sep: str, columns: int) -> io.StringIO:
    """The rows of a file in columns, without its comments and lines that begin documents."""
    rows, is_first = [], True
    for line in io.StringIO(path.read_text(encoding="utf-8"), newline="\n"):
        row = line.rstrip("\r\n")
        cells = row.split("\t") if sep == "\t" else row.split(" ")
        is_blank, is_document = not row.strip(" \t"), row.startswith("-DOCSTART-")
        if is_first and row.startswith("# ") and (len(cells) != columns or cells[-1].strip() not in TAGS):
            continue
        is_first = is_blank or is_document
        if not is_first:
            rows.append(row)
    return io.StringIO("\n".join(rows))


@pytest.mark.parametrize("sep", (" ", "\t"))
@pytest.mark.parametrize("middle", (0, 2))
def test_columns_are_read_as_pandas_reads_them(tmp_path: Path, sep: str, middle: int) -> None:
    path, found = tmp_path / "t.conll", []
    columns = Columns(task="tagging")
    for seed in range(SEEDS):
        draws = Random(seed)
        lines = []
        for sentence in sentences(draws):
            lines += [f"-DOCSTART-{sep}O", ""] * (draws.random() < 0.2)
            lines += ["# id 0", "# text = a b c d e", f"# id 1{sep}x"][: draws.randint(0, 3)]
            for word, tag in sentence:
                joined = word + " York" * (sep == "\t" and draws.random() < 0.2)
                lines.append(sep.join((joined, *["NP"] * middle, tag)))
            lines.append("")
        is_whole = write(path, draws, draws.choice(("\n", "\r\n")).join(lines) + "\n")

        def read(bad: BadRows) -> list[tuple[str, str]]:
            examples: list[Any] = list(read_examples(columns, str(path), bad))
            return [pair for each in examples for pair in zip(each.words, each.tags, strict=True)]

        def read_theirs(sep: str = sep) -> list[tuple[str, str]]:
            form: dict[str, Any] = {"sep": "\t" if sep == "\t" else r"\s+", "quoting": csv.QUOTE_NONE}
            cells = by_pandas(rows_of(path, sep, middle + 2), header=None, **form)
            return [
                (word.strip(" "), tag.strip(" "))
                for word, tag in zip(cells[0], cells.iloc[:, -1], strict=True)
            ]

        found.append(compare(path, is_whole, read, read_theirs, pd.errors.ParserError))
    assert found.count("equal") > SEEDS // 3


@pytest.mark.parametrize("column", ("upos", "xpos"))
def test_conllu_is_read_as_conllu_reads_it(tmp_path: Path, column: str) -> None:
    path, found = tmp_path / "t.conllu", []
    columns = Columns(task="pos", conllu_column=column)
    for seed in range(2 * SEEDS):
        draws = Random(seed)
        lines: list[str] = []
        for sentence in sentences(draws):
            lines += ["# newdoc", "# text = a b", "# sent_id = 3"][draws.randint(0, 3) :]
            for number, (word, tag) in enumerate(sentence, start=1):
                if draws.random() < 0.2 and number < len(sentence):
                    lines.append("\t".join((f"{number}-{number + 1}", word, *"________")))
                tags = draws.choice(("NOUN", "_")), draws.choice((tag, "_"))
                lines.append("\t".join((str(number), word, "_", *tags, "_", "0", "x", "_", "_")))
                if draws.random() < 0.1:
                    lines.append("\t".join((f"{number}.1", word, *"________")))
            lines.append("")
        is_whole = write(path, draws, "\n".join(lines) + "\n")

        def read(bad: BadRows) -> list[Any]:
            examples: list[Any] = list(read_examples(columns, str(path), bad))
            return [(each.words, each.tags) for each in examples]

        def read_theirs() -> list[Any]:
            trees = []
            for tree in conllu.parse(path.read_text(encoding="utf-8")):
                words = [token for token in tree if isinstance(token["id"], int)]
                tags = tuple((token[column] or "_").strip() for token in words)
                if words:
                    trees.append(
                        (tuple(token["form"] for token in words), None if {*tags} == {"_"} else tags)
                    )
            return trees

        found.append(compare(path, is_whole, read, read_theirs, conllu.exceptions.ParseException))
    assert found.count("equal") > SEEDS // 2


@pytest.mark.parametrize("seed", range(6))
def test_what_pandas_and_datasets_save_is_read_as_it_was(tmp_path: Path, seed: int) -> None:
    draws = Random(seed)
    tags = datasets.ClassLabel(names=[*TAGS, "I-Y-Z"])
    features = {
        "words": datasets.List(datasets.Value("string")),
        "tags": datasets.List(tags),
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["bad", "good"]),
    }
    quotes = (*WORDS, "it's", 'a "b"', "a, b", "\\", "[x]", "['a']", "\\u00e9")
    rows: dict[str, list[Any]] = {name: [] for name in features}
    for _ in range(8):
        words = draws.choices([word for word in quotes if word.strip()], k=draws.randint(1, 5))
        numbers = draws.choices(range(len(TAGS)), k=len(words))
        for name, cell in zip(
            rows, (words, numbers, f"a{text(draws, chr(10))}", draws.randrange(2)), strict=True
        ):
            rows[name].append(cell)
    saved = datasets.Dataset.from_dict(rows, features=datasets.Features(features))
    named = {**rows, "tags": [[TAGS[tag] for tag in each] for each in rows["tags"]]}
    frame = pd.DataFrame({**named, "label": [("bad", "good")[label] for label in rows["label"]]})
    saved.save_to_disk(tmp_path / "saved")
    saved.to_parquet(tmp_path / "datasets.parquet")
    frame.to_parquet(tmp_path / "pandas.parquet")
    frame.to_csv(tmp_path / "pandas.csv", index=False)
    pd.read_parquet(tmp_path / "pandas.parquet").to_csv(tmp_path / "arrays.csv", index=False)
    frame.to_json(tmp_path / "pandas.jsonl", orient="records", lines=True)
    expected = [tuple(zip(*each, strict=True)) for each in zip(named["words"], named["tags"], strict=True)]
    texts = list(zip(rows["text"], frame["label"], strict=True))
    for name in ("saved", "datasets.parquet", "pandas.parquet", "pandas.csv", "arrays.csv", "pandas.jsonl"):
        read: list[Any] = list(read_examples(Columns(task="tagging"), str(tmp_path / name), BadRows()))
        assert [tuple(zip(*pairs, strict=True)) for pairs in expected] == [
            (each.words, each.tags_in_file or each.tags) for each in read
        ], name
        read = list(read_examples(Columns(task="text"), str(tmp_path / name), BadRows()))
        assert [(each.text, each.label) for each in read] == texts, name
