"""What every command leaves behind: `results.json`, and an exit status."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

import charbert
from charbert.commands.results import new_folder, write_results
from charbert.errors import CharBertError, run_command


class TestResults:
    def test_are_flat_numbers_with_settings_versions_and_seed_beside_them(self, tmp_path: Path) -> None:
        path = write_results(tmp_path, {"eval_f1": 0.5, "steps": 3}, {"learning_rate": 1e-4}, seed=7)
        content = json.loads(path.read_text())
        versions = content.pop("versions")
        assert path == tmp_path / "results.json"
        assert content == {"eval_f1": 0.5, "steps": 3, "settings": {"learning_rate": 1e-4}, "seed": 7}
        assert versions["charbert"] == charbert.__version__
        assert versions.keys() == {"charbert", "torch", "transformers", "tokenizers"}

    def test_have_null_for_what_is_no_number(self, tmp_path: Path) -> None:
        content = json.loads(write_results(tmp_path, {"a": float("nan"), "b": -float("inf")}, {}).read_text())
        assert (content["a"], content["b"]) == (None, None)

    def test_replace_older_ones_and_leave_nothing_else(self, tmp_path: Path) -> None:
        write_results(tmp_path, {"steps": 1}, {})
        write_results(tmp_path, {"steps": 2}, {})
        assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
        assert json.loads((tmp_path / "results.json").read_text())["steps"] == 2


@dataclass
class Output:
    output: str
    overwrite: bool = True


@pytest.mark.parametrize("output", [".", "..", "new"])
def test_an_output_folder_gets_what_was_made_and_nothing_else(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "there" / "here"
    here.mkdir(parents=True)
    (here / "mine").write_text("of the user")
    monkeypatch.chdir(here)
    with new_folder(Output(output)) as made:
        (made / "model").write_text("new")
    assert made.name == Path(output).resolve().name
    assert (here / "mine").read_text() == "of the user"
    assert [path.name for path in tmp_path.rglob("m*")].count("model") == 1
    assert Path(output, "model").read_text() == "new"


class TestExitStatus:
    def test_is_0_where_all_went_well(self) -> None:
        assert run_command(lambda arguments: None, []) == 0

    @pytest.mark.parametrize("error", [CharBertError("two\n  lines"), OSError("two\n  lines")])
    def test_is_1_and_one_line_for_a_mistake(
        self, error: Exception, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail(arguments: object) -> None:
            raise error

        assert run_command(fail, []) == 1
        assert capsys.readouterr().err == "error: two lines\n"

    def test_is_1_for_an_interruption(self, capsys: pytest.CaptureFixture[str]) -> None:
        def stop(arguments: object) -> None:
            raise KeyboardInterrupt

        assert run_command(stop, []) == 1
        assert capsys.readouterr().err == "interrupted\n"

    def test_of_a_defect_is_its_traceback(self) -> None:
        with pytest.raises(ZeroDivisionError):
            run_command(lambda arguments: print(1 / 0), [])

    def test_arguments_are_handed_on(self) -> None:
        seen: list[str] = []
        run_command(seen.extend, ["--steps", "3"])
        assert seen == ["--steps", "3"]
