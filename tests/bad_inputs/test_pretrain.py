"""`python -m pretrain`, `charbert` and `python -m benchmarks` with bad inputs."""

from collections.abc import Sequence

import pytest
from bad_inputs import NESTED, Change, Refused, bad, cut, edit, put, put_folder, remove

PRETRAIN, RECOGNIZER = "pretrain pretrain.yaml", "pretrain recognizer recognizer.yaml"
PLACES = "data: blocks\ntokenizer: tokenizer\noutput: new\n"
CONVERT = "charbert convert released --output new"

CASES = [
    bad("config-missing", "pretrain none.yaml", "none.yaml"),
    bad("config-is-a-folder", "pretrain blocks", "blocks"),
    bad("config-empty", PRETRAIN, "--data", put("pretrain.yaml"), status=2),
    bad("config-list", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", "- a\n")),
    bad("config-no-yaml", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", "a: [\n")),
    bad("config-two-documents", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", "a: 1\n---\nb: 1\n")),
    bad("config-nested", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", NESTED)),
    bad("config-no-utf8", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", b"data: caf\xe9\n")),
    bad("config-zero-byte", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", b"data: a\0b\n")),
    bad(
        "config-object",
        PRETRAIN,
        "pretrain.yaml",
        put("pretrain.yaml", "data: !!python/object/apply:os.getcwd []\n"),
    ),
    bad("config-key-twice", PRETRAIN, "'seed' twice", put("pretrain.yaml", "seed: 1\nseed: 2\n")),
    bad(
        "config-key-with-dash-and-without",
        PRETRAIN,
        "'max_steps' twice",
        put("pretrain.yaml", "max-steps: 1\nmax_steps: 2\n"),
    ),
    bad("config-key-is-a-list", PRETRAIN, "pretrain.yaml", put("pretrain.yaml", "? [a]\n: 1\n")),
    bad("config-unknown-key", PRETRAIN, "hidden_size", edit("pretrain.yaml", hiddensize=3)),
    bad("config-null", PRETRAIN, "--max-steps", put("pretrain.yaml", f"{PLACES}max_steps: null\n")),
    bad("config-mapping", PRETRAIN, "--max-steps", put("pretrain.yaml", f"{PLACES}max_steps: {{a: 1}}\n")),
    bad(
        "config-infinite", PRETRAIN, "--learning-rate", put("pretrain.yaml", f"{PLACES}learning_rate: .inf\n")
    ),
    bad("option-unknown", f"{PRETRAIN} --learnin-rate 1", "--learning-rate", status=2),
    bad("option-without-value", f"{PRETRAIN} --seed", "--seed: expected one argument", status=2),
    bad("two-configs", f"{PRETRAIN} text.yaml", "text.yaml", status=2),
    bad("learning-rate-negative", f"{PRETRAIN} --learning-rate -1", "--learning-rate"),
    bad("learning-rate-nan", f"{PRETRAIN} --learning-rate nan", "--learning-rate"),
    bad("learning-rate-inf", f"{PRETRAIN} --learning-rate inf", "--learning-rate"),
    bad("weight-decay", f"{PRETRAIN} --weight-decay=-inf", "--weight-decay"),
    bad("gradient-norm", f"{PRETRAIN} --max-grad-norm nan", "--max-grad-norm"),
    bad("beta2", f"{PRETRAIN} --adam-beta2 1.5", "--adam-beta2"),
    bad("hidden-size-zero", f"{PRETRAIN} --hidden-size 0", "--hidden-size"),
    bad("hidden-size-negative", f"{PRETRAIN} --hidden-size -32", "--hidden-size"),
    bad("heads", f"{PRETRAIN} --num-attention-heads 3", "--hidden-size"),
    bad("dropout", f"{PRETRAIN} --dropout 2", "--dropout"),
    bad("char-size-odd", f"{PRETRAIN} --char-embedding-size 0", "--char-embedding-size"),
    bad("steps", f"{PRETRAIN} --max-steps 0", "--max-steps"),
    bad("steps-huge", f"{PRETRAIN} --max-steps 1e400", "--max-steps"),
    bad("steps-fraction", f"{PRETRAIN} --max-steps 1.5", "--max-steps"),
    bad("seed-negative", f"{PRETRAIN} --seed -1", "--seed"),
    bad("seed-huge", f"{PRETRAIN} --seed 99999999999999999999", "--seed"),
    bad("batch", f"{PRETRAIN} --batch-size 0", "--batch-size"),
    bad("noise", f"{PRETRAIN} --noise-probability 1.01", "--noise-probability"),
    bad("edits", f"{PRETRAIN} --noise-edits drop fly", "--noise-edits"),
    bad("schedule", f"{PRETRAIN} --lr-scheduler-type linaer", "--lr-scheduler-type"),
    bad("noise-schedule", f"{PRETRAIN} --noise-schedule 0:2", "--noise-schedule"),
    bad("noise-schedule-text", f"{PRETRAIN} --noise-schedule often", "--noise-schedule"),
    bad("length", f"{PRETRAIN} --longest-input 8", "--longest-input"),
    bad("architecture", f"{PRETRAIN} --architecture electra", "--architecture"),
    bad("resume-and-overwrite", f"{PRETRAIN} --resume --overwrite", "--resume"),
    bad("backbone-and-model", f"{PRETRAIN} --backbone plain --model text", "--backbone"),
    bad("data-missing", f"{PRETRAIN} --data none", "none"),
    bad("data-is-a-file", f"{PRETRAIN} --data text.txt", "text.txt"),
    bad("data-is-no-dataset", f"{PRETRAIN} --data plain", "plain"),
    bad("data-arrow-missing", PRETRAIN, "blocks", remove("blocks/blocks-00000.arrow")),
    bad("data-arrow-cut", PRETRAIN, "blocks-00000.arrow", cut("blocks/blocks-00000.arrow")),
    bad("data-arrow-empty", PRETRAIN, "blocks-00000.arrow", put("blocks/blocks-00000.arrow")),
    bad("data-job-list", PRETRAIN, "job.json", put("blocks/job.json", "[]")),
    bad("data-job-nested", PRETRAIN, "job.json", put("blocks/job.json", NESTED)),
    bad("evaluation-takes-all", f"{PRETRAIN} --eval-examples 100000", "--eval-examples"),
    bad("tokenizer-missing", f"{PRETRAIN} --tokenizer none", "none"),
    bad("tokenizer-of-other-data", f"{PRETRAIN} --tokenizer plain", "plain"),
    bad("tokenizer-words-without-unk", PRETRAIN, "words.txt", put("tokenizer/words.txt", "the\n")),
    bad("tokenizer-words-missing", PRETRAIN, "words.txt", remove("tokenizer/words.txt")),
    bad("tokenizer-characters-missing", PRETRAIN, "characters.txt", remove("tokenizer/characters.txt")),
    bad("output-is-a-file", f"{PRETRAIN} --output text.txt", "text.txt"),
    bad("output-holds-a-run", f"{PRETRAIN} --output text", "text"),
    bad("output-is-input", f"{PRETRAIN} --output blocks --overwrite", "blocks"),
    bad("output-holds-input", f"{PRETRAIN} --output . --overwrite", "holds an input"),
    bad("backbone-empty", f"{PRETRAIN} --backbone empty", "empty", put_folder("empty")),
    bad(
        "backbone-of-another-family",
        f"{PRETRAIN} --backbone plain",
        "plain",
        edit("plain/config.json", model_type="electra"),
    ),
    bad(
        "backbone-deberta",
        f"{PRETRAIN} --backbone plain",
        "plain",
        edit("plain/config.json", model_type="deberta-v2"),
    ),
    bad("backbone-config-list", f"{PRETRAIN} --backbone plain", "plain", put("plain/config.json", "[]")),
    bad("backbone-config-nested", f"{PRETRAIN} --backbone plain", "plain", put("plain/config.json", NESTED)),
    bad(
        "backbone-weights-missing", f"{PRETRAIN} --backbone plain", "plain", remove("plain/model.safetensors")
    ),
    bad("backbone-of-another-vocabulary", f"{PRETRAIN} --backbone plain", "tokenizer"),
    bad("model-is-plain", f"{PRETRAIN} --model plain", "plain"),
    bad("recognizer-no-data", "pretrain recognizer recognizer.yaml --data none", "none"),
    bad("recognizer-size", f"{RECOGNIZER} --embedding-size 0", "--embedding-size"),
    bad("recognizer-unknown-key", RECOGNIZER, "embeding_size", edit("recognizer.yaml", embeding_size=3)),
    bad("recognizer-words-missing", RECOGNIZER, "words.txt", remove("tokenizer/words.txt")),
    bad("recognizer-words-without-unk", RECOGNIZER, "words.txt", put("tokenizer/words.txt", "the\n")),
    bad("recognizer-learning-rate", f"{RECOGNIZER} --learning-rate inf", "--learning-rate"),
    bad("recognizer-output-holds-something", f"{RECOGNIZER} --output plain", "plain"),
    bad("convert-missing", "charbert convert ./none --output new", "none"),
    bad("convert-no-output", "charbert convert released", "--output", status=2),
    bad("convert-empty", "charbert convert empty --output new", "empty", put_folder("empty")),
    bad("convert-weights-cut", CONVERT, "released", cut("released/pytorch_model.bin")),
    bad("convert-weights-empty", CONVERT, "released", put("released/pytorch_model.bin")),
    bad("convert-weights-text", CONVERT, "released", put("released/pytorch_model.bin", "hello")),
    bad("convert-weights-missing", CONVERT, "released", remove("released/pytorch_model.bin")),
    bad("convert-config-list", CONVERT, "released", put("released/config.json", "[]")),
    bad("convert-config-empty", CONVERT, "released", put("released/config.json")),
    bad("convert-head", f"{CONVERT} --head tokens", "--head"),
    bad("convert-plain", "charbert convert plain --output new", "plain"),
    bad("convert-characters-missing", f"{CONVERT} --character-vocabulary none.txt", "none.txt"),
    bad("convert-characters-empty", f"{CONVERT} --character-vocabulary c.txt", "c.txt", put("c.txt")),
    bad(
        "convert-characters-of-another-size",
        f"{CONVERT} --character-vocabulary c.txt --tokenizer plain",
        "3 characters",
        put("c.txt", "a\nb\n<unk>\n"),
    ),
    bad("convert-onto-itself", "charbert convert released --output released --overwrite", "released"),
    bad("convert-output-is-a-file", "charbert convert released --output text.txt", "text.txt"),
    bad("benchmark-size", "benchmarks wikitext --characters 1", "--characters"),
    bad("benchmark-kind", "benchmarks attacks --kinds typo", "--kinds"),
    bad("benchmark-text", "benchmarks masking none.txt --tokenizer tokenizer", "none.txt"),
    bad("benchmark-unknown-option", "benchmarks gru --size 3", "--size", status=2),
]


@pytest.mark.parametrize(("command", "message", "changes", "status"), CASES)
def test_is_refused(
    command: str, message: str, changes: Sequence[Change], status: int, refused: Refused
) -> None:
    refused(command, message, changes, status)
