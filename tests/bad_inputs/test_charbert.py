"""`charbert correct` and `charbert attack` with bad inputs."""

from collections.abc import Sequence

import pytest
from bad_inputs import Change, Refused, bad, put

CORRECT, ATTACK = "charbert correct text.txt --model plain", "charbert attack text.txt --output new.txt"
ATTACK_LINES = "charbert attack a.jsonl --output new.jsonl"

CASES = [
    bad("correct-no-model", "charbert correct text.txt", "--model", status=2),
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
]


@pytest.mark.parametrize(("command", "message", "changes", "status"), CASES)
def test_a_bad_input_ends_in_one_line(
    refused: Refused, command: str, message: str, changes: Sequence[Change], status: int
) -> None:
    refused(command, message, changes, status)
