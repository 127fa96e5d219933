"""Settings of an attack, the same for every command that makes one."""

from dataclasses import dataclass

from charbert.commands.paths import FILE
from charbert.commands.settings import Settings, option
from charbert.commands.text_files import TextSettings
from charbert.noise import KEYBOARDS, KINDS, Attack, describe_kinds, load_attack


@dataclass(kw_only=True)
class AttackSettings(Settings):
    """Which words of a file are changed, and how."""

    kind: str = option(Attack.kind, f"kind of noise: {describe_kinds()}", choices=KINDS, section="noise")
    rate: float = option(Attack.rate, "share of the eligible words to change", minimum=0, maximum=1)
    seed: int = option(Attack.seed, "seed of the draws")
    language: str = option(Attack.language, "whose keyboard is used", choices=KEYBOARDS)
    misspellings: str | None = option(
        None, "natural: list of misspellings; without one, codespell's", reads=FILE
    )

    def load_attack(self) -> Attack:
        """The attack that they describe.

        Raises:
            CharBertError: as `charbert.noise.load_attack`.
        """
        return load_attack(self.kind, self.rate, self.seed, self.language, self.misspellings)


@dataclass(kw_only=True)
class AttackTextSettings(AttackSettings, TextSettings):
    """Options of `charbert attack`."""
