"""`python -m data` with bad inputs."""

from collections.abc import Sequence

import pytest
from bad_inputs import NESTED, Change, Refused, bad, cut, edit, put, put_folder

WIKIPEDIA, VOCABULARY = "data wikipedia dump.xml --output new", "data vocabulary text.txt --output new"
TOKENIZE = "data tokenize text.txt --tokenizer tokenizer --output new"
TOKENIZE_AGAIN = "data tokenize text.txt --tokenizer tokenizer --output blocks"
ATTACK = "data attack texts.csv --task text --output new.csv"
NATURAL = f"{ATTACK} --kind natural --misspellings misspellings.json"
TAGS = "data attack tags.conll --task tagging --output new.conll"
QUESTIONS = "data attack qa.json --task qa --output new.json"

CASES = [
    bad("no-command", "data wikipeda", "wikipedia", status=2),
    bad("dump-missing", "data wikipedia none.xml --output new", "none.xml"),
    bad("dump-is-a-folder", "data wikipedia blocks --output new", "blocks"),
    bad("dump-empty", WIKIPEDIA, "dump.xml", put("dump.xml")),
    bad("dump-is-text", "data wikipedia text.txt --output new", "text.txt"),
    bad("dump-cut", "data wikipedia dump.xml.bz2 --output new", "dump.xml.bz2", put("dump.xml.bz2", b"BZh9")),
    bad("dump-workers", f"{WIKIPEDIA} --workers 0", "--workers"),
    bad("dump-shard", f"{WIKIPEDIA} --shard 3/2", "--shard"),
    bad("dump-shard-text", f"{WIKIPEDIA} --shard half", "--shard"),
    bad("dump-pages", f"{WIKIPEDIA} --max-pages -1", "--max-pages"),
    bad("dump-output-is-a-file", "data wikipedia dump.xml --output text.txt", "text.txt"),
    bad("dump-output-holds-something", "data wikipedia dump.xml --output blocks", "blocks"),
    bad("dump-output-missing", "data wikipedia dump.xml", "--output", status=2),
    bad("text-missing", "data vocabulary none.txt --output new", "none.txt"),
    bad("text-empty", VOCABULARY, "text.txt", put("text.txt")),
    bad("text-of-blanks", VOCABULARY, "text.txt", put("text.txt", " \n\n \n")),
    bad("text-no-utf8", VOCABULARY, "text.txt", put("text.txt", b"caf\xe9 \n\n" * 20)),
    bad("text-of-another-ending", "data vocabulary a.docx --output new", "a.docx", put("a.docx", "x")),
    bad(
        "text-cut-gzip", "data vocabulary a.txt.gz --output new", "a.txt.gz", put("a.txt.gz", b"\x1f\x8b\x08")
    ),
    bad("text-no-json", "data vocabulary a.jsonl --output new", "a.jsonl", put("a.jsonl", "{]\n")),
    bad("text-nested-json", "data vocabulary a.jsonl --output new", "a.jsonl", put("a.jsonl", NESTED)),
    bad("text-no-key-text", "data vocabulary a.jsonl --output new", "a.jsonl", put("a.jsonl", '{"a": 1}\n')),
    bad(
        "text-is-a-number", "data vocabulary a.jsonl --output new", "a.jsonl", put("a.jsonl", '{"text": 1}\n')
    ),
    bad("text-no-parquet", "data vocabulary a.parquet --output new", "a.parquet", put("a.parquet", "PAR1")),
    bad("text-empty-folder", "data vocabulary empty --output new", "empty", put_folder("empty")),
    bad("vocabulary-size", f"{VOCABULARY} --vocab-size 49", "--vocab-size"),
    bad("vocabulary-size-huge-text", f"{VOCABULARY} --vocab-size 1e400", "--vocab-size"),
    bad("vocabulary-words-nan", f"{VOCABULARY} --words nan", "--words"),
    bad("vocabulary-length", f"{VOCABULARY} --max-length 2", "--max-length"),
    bad("vocabulary-switch", f"{VOCABULARY} --lowercase=maybe", "--lowercase"),
    bad("vocabulary-words-empty", f"{VOCABULARY} --word-vocabulary w.txt", "w.txt", put("w.txt")),
    bad(
        "vocabulary-words-without-unk",
        f"{VOCABULARY} --word-vocabulary w.txt",
        "w.txt",
        put("w.txt", "a\nb\n"),
    ),
    bad(
        "vocabulary-characters-no-utf8",
        f"{VOCABULARY} --character-vocabulary c.txt",
        "c.txt",
        put("c.txt", b"\xe9\n"),
    ),
    bad("vocabulary-tokenizer-empty", f"{VOCABULARY} --tokenizer empty", "empty", put_folder("empty")),
    bad("vocabulary-output-is-a-file", "data vocabulary text.txt --output texts.csv", "texts.csv"),
    bad("vocabulary-output-is-input", "data vocabulary text.txt --output text.txt --overwrite", "text.txt"),
    bad("vocabulary-output-holds-something", "data vocabulary text.txt --output plain", "plain"),
    bad("vocabulary-output-in-a-file", "data vocabulary text.txt --output text.txt/new", "text.txt/new"),
    bad("tokenize-no-tokenizer", "data tokenize text.txt --output new", "--tokenizer", status=2),
    bad("tokenize-tokenizer-missing", "data tokenize text.txt --output new --tokenizer none", "none"),
    bad("tokenize-tokenizer-empty", TOKENIZE, "tokenizer", put_folder("tokenizer")),
    bad("tokenize-tokenizer-cut", TOKENIZE, "tokenizer", cut("tokenizer/tokenizer.json")),
    bad("tokenize-tokenizer-list", TOKENIZE, "tokenizer", put("tokenizer/tokenizer.json", "[]")),
    bad("tokenize-tokenizer-nested", TOKENIZE, "tokenizer", put("tokenizer/tokenizer.json", NESTED)),
    bad(
        "tokenize-tokenizer-config-list", TOKENIZE, "tokenizer", put("tokenizer/tokenizer_config.json", "[]")
    ),
    bad("tokenize-tokenizer-no-model", TOKENIZE, "tokenizer", edit("tokenizer/tokenizer.json", model=None)),
    bad("tokenize-characters-empty", TOKENIZE, "characters.txt", put("tokenizer/characters.txt")),
    bad("tokenize-words-without-unk", TOKENIZE, "words.txt", put("tokenizer/words.txt", "the\na\n")),
    bad("tokenize-block-size", f"{TOKENIZE} --block-size 2", "--block-size"),
    bad("tokenize-block-size-negative", f"{TOKENIZE} --block-size -5", "--block-size"),
    bad(
        "tokenize-output-holds-something",
        "data tokenize text.txt --tokenizer tokenizer --output plain",
        "plain",
    ),
    bad(
        "tokenize-output-is-a-file",
        "data tokenize text.txt --tokenizer tokenizer --output texts.csv",
        "texts.csv",
    ),
    bad("tokenize-job-list", TOKENIZE_AGAIN, "blocks", put("blocks/job.json", "[]")),
    bad("tokenize-job-cut", TOKENIZE_AGAIN, "blocks", cut("blocks/job.json")),
    bad("tokenize-other-job", "data tokenize texts.csv --tokenizer tokenizer --output blocks", "texts.csv"),
    bad("attack-missing", "data attack none.csv --task text --output new.csv", "none.csv"),
    bad("attack-no-task", "data attack texts.csv --output new.csv", "--task", status=2),
    bad("attack-unknown-task", "data attack texts.csv --task txt --output new.csv", "--task"),
    bad("attack-folder", "data attack blocks --task text --output new.csv", "blocks"),
    bad("attack-empty", ATTACK, "texts.csv", put("texts.csv")),
    bad("attack-no-rows", ATTACK, "texts.csv", put("texts.csv", "text,label\n")),
    bad("attack-short-row", ATTACK, "texts.csv", put("texts.csv", "text,label\na,b\nc\n")),
    bad("attack-no-column", f"{ATTACK} --text-column message", "message"),
    bad("attack-column-twice", ATTACK, "texts.csv", put("texts.csv", "text,text,label\na,b,c\n")),
    bad("attack-no-utf8", ATTACK, "texts.csv", put("texts.csv", b"text,label\ncaf\xe9,a\n")),
    bad("attack-open-quote", ATTACK, "texts.csv", put("texts.csv", 'text,label\n"a,b\n')),
    bad("attack-other-ending", "data attack texts.csv --task text --output new.tsv", "new.tsv"),
    bad("attack-same-file", "data attack texts.csv --task text --output texts.csv --overwrite", "texts.csv"),
    bad(
        "attack-same-file-other-name",
        "data attack texts.csv --task text --output plain/../texts.csv",
        "texts.csv",
    ),
    bad("attack-output-exists", ATTACK, "new.csv", put("new.csv", "mine")),
    bad("attack-output-is-a-folder", ATTACK, "new.csv", put_folder("new.csv")),
    bad("attack-rate", f"{ATTACK} --rate 1.5", "--rate"),
    bad("attack-rate-nan", f"{ATTACK} --rate nan", "--rate"),
    bad("attack-kind", f"{ATTACK} --kind typos", "--kind"),
    bad("attack-language", f"{ATTACK} --language xx", "--language"),
    bad("attack-seed", f"{ATTACK} --seed one", "--seed"),
    bad("attack-misspellings-missing", f"{ATTACK} --kind natural --misspellings none.json", "none.json"),
    bad("attack-misspellings-list", NATURAL, "misspellings.json", put("misspellings.json", "[1]")),
    bad("attack-misspellings-nested", NATURAL, "misspellings.json", put("misspellings.json", NESTED)),
    bad("attack-contexts", f"{ATTACK} --contexts", "--contexts"),
    bad("attack-separator", f"{ATTACK} --separator ''", "--separator"),
    bad("attack-tags-short", TAGS, "tags.conll", put("tags.conll", "the O\nfox\n")),
    bad("attack-tags-column", f"{TAGS} --tag-number 7", "tags.conll"),
    bad("attack-squad-empty", QUESTIONS, "qa.json", put("qa.json")),
    bad("attack-squad-list", QUESTIONS, "qa.json", put("qa.json", "[1, 2]")),
    bad("attack-squad-nested", QUESTIONS, "qa.json", put("qa.json", NESTED)),
    bad("attack-squad-data", QUESTIONS, "qa.json", put("qa.json", '{"data": 3}')),
    bad(
        "attack-squad-no-context",
        QUESTIONS,
        "qa.json",
        put("qa.json", '{"data": [{"paragraphs": [{"qas": []}]}]}'),
    ),
    bad("attack-squad-nan", QUESTIONS, "qa.json", put("qa.json", '{"data": NaN}')),
]


@pytest.mark.parametrize(("command", "message", "changes", "status"), CASES)
def test_is_refused(
    command: str, message: str, changes: Sequence[Change], status: int, refused: Refused
) -> None:
    refused(command, message, changes, status)
