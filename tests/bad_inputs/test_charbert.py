"""`charbert correct`, `charbert attack` and `charbert export` with bad inputs."""

from collections.abc import Sequence

import pytest
from bad_inputs import Change, Refused, bad, cut, edit, put, remove

CORRECT, ATTACK = "charbert correct text.txt --model plain", "charbert attack text.txt --output new.txt"
EXPORT = "charbert export text --output new"
ATTACK_LINES = "charbert attack a.jsonl --output new.jsonl"

CASES = [
    bad("correct-model-missing", "charbert correct text.txt --model ./none", "none"),
    bad("correct-plain-model", CORRECT, "plain"),
    bad("correct-fine-tuned-model", "charbert correct text.txt --model text", "text"),
    bad("correct-threshold", f"{CORRECT} --threshold 2", "--threshold"),
    bad("correct-top-k", f"{CORRECT} --top-k 0", "--top-k"),
    bad("correct-device", "charbert correct text.txt --model text --device gpu", "--device"),
    bad("correct-known-missing", f"{CORRECT} --known none.txt", "--known"),
    bad("correct-known-no-utf8", f"{CORRECT} --known a.txt", "a.txt", put("a.txt", b"\xff\xfe")),
    bad("attack-missing", "charbert attack none.txt --output new.txt", "none.txt"),
    bad("attack-folder", "charbert attack blocks --output new.txt", "blocks"),
    bad("attack-kind", f"{ATTACK} --kind typo", "--kind"),
    bad("attack-rate", f"{ATTACK} --rate 1.5", "--rate"),
    bad("attack-format", f"{ATTACK} --format csv", "--format"),
    bad("attack-misspellings", f"{ATTACK} --misspellings misspellings.json", "misspellings"),
    bad("attack-no-utf8", "charbert attack a.txt --output new.txt", "line 2", put("a.txt", b"a\n\xff\n")),
    bad("attack-no-json", ATTACK_LINES, "line 1", put("a.jsonl", "{]\n")),
    bad("attack-no-key", ATTACK_LINES, "--text-key", put("a.jsonl", '{"text": "a"}\n{"body": "a"}\n')),
    bad("attack-no-text", ATTACK_LINES, "--text-key", put("a.jsonl", '{"text": 1}\n')),
    bad("attack-cut-gzip", "charbert attack a.gz --output new.txt", "a.gz", put("a.gz", b"\x1f\x8b\x08")),
    bad("attack-output-is-there", "charbert attack text.txt --output texts.csv", "texts.csv"),
    bad("attack-onto-itself", "charbert attack text.txt --output text.txt --overwrite", "text.txt"),
    bad("attack-output-is-a-folder", "charbert attack text.txt --output blocks", "blocks"),
    bad("export-missing", "charbert export ./none --output new", "./none"),
    bad("export-no-output", "charbert export text", "--output", status=2),
    bad("export-no-model", "charbert export blocks --output new", "blocks"),
    bad("export-plain-model", "charbert export plain --output new", "plain"),
    bad("export-released", "charbert export released --output new", "charbert convert"),
    bad("export-recognizer", "charbert export recognizer --output new", "recognizer"),
    bad(
        "export-head",
        EXPORT,
        "CharBertForX",
        edit("text/config.json", architectures=["CharBertForX"]),
    ),
    bad("export-no-head", EXPORT, "architecture", edit("text/config.json", architectures=None)),
    bad("export-opset", f"{EXPORT} --opset 9", "--opset"),
    bad("export-opset-of-tomorrow", f"{EXPORT} --opset 99", "--opset"),
    bad("export-damaged", EXPORT, "text", cut("text/model.safetensors")),
    bad("export-no-tokenizer", EXPORT, "text", remove("text/tokenizer.json")),
    bad("export-output-is-there", "charbert export text --output blocks", "blocks"),
    bad("export-onto-itself", "charbert export text --output text --overwrite", "text"),
]


@pytest.mark.parametrize(("command", "message", "changes", "status"), CASES)
def test_a_bad_input_ends_in_one_line(
    refused: Refused, command: str, message: str, changes: Sequence[Change], status: int
) -> None:
    refused(command, message, changes, status)
