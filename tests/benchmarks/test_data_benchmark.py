import json
import subprocess
import sys
from pathlib import Path

import dumps
import tiny

ROOT = Path(__file__).parents[2]


def test_the_benchmark_prints_a_table_and_writes_its_numbers(tmp_path: Path) -> None:
    text = " ".join(tiny.SENTENCES) * 10
    dump = tmp_path / "dump.xml"
    dump.write_text(dumps.export(*(dumps.page(number, text) for number in range(60))), encoding="utf-8")
    json_file = tmp_path / "numbers.json"
    sizes = ["--rounds", "2", "--copies", "1", "--tokenizer", "wordpiece"]
    done = subprocess.run(
        [sys.executable, "benchmarks/data.py", "--dump", str(dump), *sizes, "--json", str(json_file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(json_file.read_text())
    ratio = numbers["wordpiece: examples / tokenizer"]
    assert 0.1 < ratio < 100
    assert f"{ratio:.2f}" in done.stdout
    assert {"extraction, 1 worker", "two workers / one", "machine", "versions"} <= numbers.keys()


def test_a_dump_that_is_none_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "dump.xml").write_text("nothing")
    done = subprocess.run(
        [sys.executable, "benchmarks/data.py", "--dump", str(tmp_path / "dump.xml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
