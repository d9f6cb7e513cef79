"""A BERT directory of random weights and a vocabulary of letters and a few words."""

import json
import string

import numpy as np
from safetensors.numpy import save_file

WIDTH, MIDDLE, LAYERS, HEADS, POSITIONS = 16, 24, 2, 4, 32
_WORDS = ("a", "person", "walks", "sits", "upstairs", "and", ",")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = string.ascii_lowercase
VOCABULARY = tuple(
    dict.fromkeys((*_SPECIAL, *_WORDS, *_LETTERS, *(f"##{x}" for x in _LETTERS)))
)
CONFIG = {
    "model_type": "bert",
    "vocab_size": len(VOCABULARY),
    "hidden_size": WIDTH,
    "intermediate_size": MIDDLE,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": POSITIONS,
}


def tensors(seed=0):
    """Random tensors by Hugging Face's keys, without a prefix."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(0, 0.3, shape).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": normal(len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": normal(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": normal(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + normal(WIDTH),
        "embeddings.LayerNorm.bias": normal(WIDTH),
    }
    for i in range(LAYERS):
        into = f"encoder.layer.{i}."
        dense = {
            **{
                f"attention.self.{x}": (WIDTH, WIDTH) for x in ("query", "key", "value")
            },
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (MIDDLE, WIDTH),
            "output.dense": (WIDTH, MIDDLE),
        }
        for name, shape in dense.items():
            found[f"{into}{name}.weight"] = normal(*shape)
            found[f"{into}{name}.bias"] = normal(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"{into}{name}.weight"] = 1 + normal(WIDTH)
            found[f"{into}{name}.bias"] = normal(WIDTH)
    return found


def write_bert(folder, arrays=None, **fields):
    """Writes a directory and returns it; `fields` go into its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", {**CONFIG, **fields})
    save_file(tensors() if arrays is None else arrays, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    return folder


def write_json(path, content):
    """Writes a file of a directory."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
