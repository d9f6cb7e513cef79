"""What the language stages stand on: words that stay those of their run."""

import pytest

from anymo_jax.language.settings import save_words
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.run_folder import open_run
from configs import instruct, motion_lm
from experiments.stages.instruct import check_label_prompt
from experiments.stages.language import open_backbone
from experiments.validate import trained_recipe
from tests.motion.test_windows import clip, write


@pytest.fixture
def motions(tmp_path):
    """Two folders of motion of which other things are said."""
    texts = {"first": ("a person walks",), "second": ("someone vaults a gate",)}
    return [
        MotionWindows(write(tmp_path / name, [[clip(300, told)]]), split="train")
        for name, told in texts.items()
    ]


def test_a_run_keeps_its_words_on_other_motion(motions, tmp_path):
    config = motion_lm.get_config("tiny")
    folder = open_run(tmp_path / "run", config)
    first = open_backbone(config, motions[0])
    save_words(first.text, first.config, folder)
    anew = open_backbone(config, motions[1])
    again = open_backbone(trained_recipe(str(folder)), motions[1])
    said = ["a person vaults a gate"]
    assert again.text.encode(said) == first.text.encode(said)
    assert anew.text.encode(said) != first.text.encode(said)
    assert again.config == first.config


@pytest.mark.parametrize("choice", ["learned", "person"])
@pytest.mark.parametrize("tower", ["shared", "sentences"])
def test_learned_labels_need_something_to_learn(choice, tower):
    config = instruct.get_config("tiny")
    config.label_prompt, config.joint.tower = choice, tower
    check_label_prompt(config)
    config.joint.soft_prompt = 0
    if (choice, tower) == ("learned", "shared"):
        with pytest.raises(ValueError, match=r"joint\.soft_prompt = 0 has none"):
            check_label_prompt(config)
    else:
        check_label_prompt(config)
