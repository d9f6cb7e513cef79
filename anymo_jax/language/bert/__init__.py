"""A BERT-family text tower: sentence vectors from a Hugging Face directory.

config      what an encoder is;  load: its weights, and where MiniLM lies
model       the Transformer, its pooling and unit norm
sentences   texts to vectors for users;  cache: the vectors on disk
"""

from anymo_jax.language.bert.config import BertConfig
from anymo_jax.language.bert.load import find_minilm, load_bert
from anymo_jax.language.bert.model import Bert, bert_axes, embed_texts, init_bert
from anymo_jax.language.bert.sentences import SentenceEncoder

__all__ = [
    "Bert",
    "BertConfig",
    "SentenceEncoder",
    "bert_axes",
    "embed_texts",
    "find_minilm",
    "init_bert",
    "load_bert",
]
