import pytest

from charbert.errors import CharBertError
from pretrain.noise_schedule import Noise, NoisePoint, NoiseSchedule

CONSTANT = Noise(0.15, ("drop", "add"))


def curriculum(*points: str) -> NoiseSchedule:
    return NoiseSchedule([NoisePoint.parse(point, CONSTANT) for point in points])


def test_constant_noise_is_the_same_at_every_step() -> None:
    assert {NoiseSchedule.constant(CONSTANT).noise_at(step) for step in (0, 1, 10**6)} == {CONSTANT}


def test_the_probability_moves_between_points() -> None:
    along = curriculum("0:0", "100:0.2", "200:0.1")
    probabilities = [along.noise_at(step).probability for step in (0, 50, 100, 150, 200, 999)]
    assert probabilities == pytest.approx([0, 0.1, 0.2, 0.15, 0.1, 0.1])


def test_before_the_first_point_its_noise_holds() -> None:
    assert curriculum("100:0.2:swap").noise_at(3) == Noise(0.2, ("swap",))


def test_the_kinds_change_at_a_point() -> None:
    along = curriculum("0:0.1:swap", "100:0.1:swap+keyboard")
    assert along.noise_at(99).edits == ("swap",)
    assert along.noise_at(100).edits == ("swap", "keyboard")


def test_a_point_without_kinds_has_those_of_the_settings() -> None:
    assert curriculum("0:0.1").noise_at(0).edits == CONSTANT.edits


def test_a_range_is_drawn_from_and_moves_between_points() -> None:
    along = curriculum("0:0-0.6", "100:0.2-0.4:ocr", "200:0.3")
    found = [along.noise_at(step, draw).probability for step in (0, 50, 200) for draw in (0, 0.5)]
    assert found == pytest.approx([0, 0.3, 0.1, 0.3, 0.3, 0.3])
    assert along.edits == {"drop", "add", "ocr"}


def test_a_probability_may_have_an_exponent() -> None:
    assert NoisePoint.parse("0:5e-2", CONSTANT) == NoisePoint(0, Noise(0.05, ("drop", "add")))
    assert NoisePoint.parse("0:1E-2-5e-1", CONSTANT) == NoisePoint(0, Noise(0.01, ("drop", "add")), 0.5)


@pytest.mark.parametrize(
    "text",
    (
        "",
        "0",
        "0:much",
        "x:0.1",
        "0:0.1:typo",
        "-1:0.1",
        "0:1.5",
        "0:0.1:drop,add",
        "0:0.6-0.1",
        "0:0.1-",
        "0:-0.1",
    ),
)
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(CharBertError, match="must"):
        NoisePoint.parse(text, CONSTANT)


@pytest.mark.parametrize("points", ((), ("10:0.1", "5:0.2"), ("5:0.1", "5:0.2")))
def test_points_must_rise(points: tuple[str, ...]) -> None:
    with pytest.raises(CharBertError, match="rising steps"):
        curriculum(*points)
