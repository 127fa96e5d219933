"""transformers' tests of models and configurations, over every head of a CharBERT."""

import unittest
from typing import Any

import tiny
import torch
from transformers_tests.test_configuration_common import ConfigTester
from transformers_tests.test_modeling_common import ModelTesterMixin

import charbert

BATCH, LENGTH = 3, 7
BOTH_CHANNELS = (charbert.CharBertModel, charbert.CharBertForPreTraining)
TOKEN_CHANNEL = tuple(head for head in tiny.HEADS if head not in BOTH_CHANNELS)


class Tester:
    """The sizes, the configuration and the inputs that the tests ask for."""

    batch_size, seq_length, num_choices, num_hidden_layers = BATCH, LENGTH, 4, 2
    hidden_size, num_attention_heads = 32, 4
    is_training = True

    def __init__(self, kind: str, hidden_states_types: int, **changes: Any) -> None:
        self.kind, self.num_hidden_states_types, self.changes = kind, hidden_states_types, changes

    def get_config(self) -> Any:
        # Eager, since many tests ask for attention weights.
        return tiny.config(self.kind, num_labels=2, attn_implementation="eager", **self.changes)

    def prepare_config_and_inputs_for_common(self) -> tuple[Any, dict[str, torch.Tensor]]:
        config, generator = self.get_config(), torch.Generator().manual_seed(0)

        def draw(size: tuple[int, ...], low: int, high: int) -> torch.Tensor:
            return torch.randint(low, high, size, generator=generator)

        widths = draw((BATCH, LENGTH), 2, 5)  # one to three characters, and a blank
        ends = widths.cumsum(1)
        return config, {
            "input_ids": draw((BATCH, LENGTH), 5, config.vocab_size),
            "attention_mask": torch.ones(BATCH, LENGTH, dtype=torch.long),
            "char_input_ids": draw((BATCH, 4 * LENGTH), 1, config.character_vocabulary_size),
            "start_ids": ends - widths,
            "end_ids": ends - 2,
        }


class CharBertTests(ModelTesterMixin):
    """What all of them share."""

    model_tester: Tester
    additional_model_inputs = tiny.SPELLED
    test_can_init_all_missing_weights_before_2023 = True
    _is_composite = True

    def test_config(self) -> None:
        ConfigTester(self, config_class=charbert.CharBertConfig).run_common_tests()

    def _prepare_for_class(self, inputs_dict: Any, model_class: Any, return_labels: bool = False) -> Any:
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels)
        if return_labels and model_class is charbert.CharBertForPreTraining:
            inputs |= {
                name: torch.zeros(BATCH, LENGTH, dtype=torch.long) for name in ("labels", "nlm_labels")
            }
        return inputs


class BertEncoderModelTest(CharBertTests, unittest.TestCase):
    all_model_classes = BOTH_CHANNELS
    model_tester = Tester("bert", 2, spelling_length=500)


class BertHeadsModelTest(CharBertTests, unittest.TestCase):
    all_model_classes = TOKEN_CHANNEL
    model_tester = Tester("bert", 1, spelling_length=500)


VARIANT = {"interaction": "paper", "interaction_per_layer": True, "char_encoder": "embedding"}


class RobertaEncoderModelTest(CharBertTests, unittest.TestCase):
    all_model_classes = BOTH_CHANNELS
    model_tester = Tester("roberta", 2, **VARIANT)


class RobertaHeadsModelTest(CharBertTests, unittest.TestCase):
    all_model_classes = TOKEN_CHANNEL
    model_tester = Tester("roberta", 1, **VARIANT)
    # Masked LM does not read the character channel, of which the last interaction is its own here.
    test_all_params_have_gradient = False
