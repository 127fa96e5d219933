"""Settings of distillation, for every command that trains: the teacher, the student, weights of the loss."""

from dataclasses import dataclass, fields

from charbert.commands.paths import MODEL, check_exists
from charbert.commands.settings import Settings, option, shown_name
from charbert.errors import CharBertError

STUDENT_LAYERS = "layers of the student, taken at even distances from its teacher's; all else it gets whole"


@dataclass(kw_only=True)
class DistillationSettings(Settings):
    """What a training with a teacher has beside its own settings.

    Temperature and weights are those that DistilBERT was published with: Sanh et al. 2019 (arXiv:1910.01108),
    Sections 2 and 3, and the command line in its code, `--alpha_ce 5.0 --alpha_mlm 2.0 --alpha_cos 1.0`.
    """

    teacher: str | None = option(
        None,
        "model that a smaller student learns from: folder or hub id; the student starts from it, in place of "
        "model or backbone",
        reads=MODEL,
        section="distillation",
    )
    student_layers: int | None = option(None, STUDENT_LAYERS, minimum=1)
    temperature: float = option(2.0, "divides the scores of both before their softmax", above=0)
    soft_weight: float = option(5.0, "weight of the loss on the teacher's scores", minimum=0)
    hard_weight: float = option(2.0, "weight of the loss on the labels, that of an ordinary run", minimum=0)
    cosine_weight: float = option(
        1.0, "weight of the loss on the directions of the teacher's last states", minimum=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.teacher is None) != (self.student_layers is None):
            raise CharBertError("--teacher and --student-layers belong together: give both, or neither")
        changed = [
            each for each in fields(self) if each.name in self.loss and each.default != self.loss[each.name]
        ]
        if self.teacher is None and changed:
            raise CharBertError(f"{shown_name(changed[0])}: needs --teacher and --student-layers")
        if not self.soft_weight + self.hard_weight + self.cosine_weight:
            raise CharBertError("--soft-weight, --hard-weight, --cosine-weight: one must be above 0")

    def check_paths(self) -> None:
        if self.teacher is not None:  # first: it stands in the place of the model, which is looked for too
            check_exists("--teacher", self.teacher, self.__dataclass_fields__["teacher"].metadata["reads"])
        super().check_paths()

    @property
    def loss(self) -> dict[str, float]:
        """What `Distillation` takes beside the models."""
        names = ("temperature", "soft_weight", "hard_weight", "cosine_weight")
        return {name: getattr(self, name) for name in names}
