"""A language model that reads motion: Qwen2 with the IMU vocabulary (section 3.3).

    text ids -> rows of the language model        code ids -> g(e_jk)
      -> decoder -> logits of text and new ids    (motion LM, captions, choices)
                 -> latent-attention poolers -> heads -> joint space  (Eq. 5)

Params are a plain dict: "qwen" and "imu" from the first stage on, "joint" in the
second. The codebooks are frozen and come as an argument.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.language import imu_embedding
from anymo_jax.language.heads import (
    HeadConfig,
    ImuHead,
    TextHead,
    head_axes,
    init_heads,
)
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.pooler import (
    LatentAttentionPooler,
    PoolerConfig,
    init_pooler,
    pooler_axes,
)
from anymo_jax.language.qwen2 import Qwen2, Qwen2Config
from anymo_jax.language.qwen2 import axes as qwen2_axes
from anymo_jax.language.qwen2 import init as init_qwen2
from anymo_jax.language.soft_prompt import (
    SOFT_PROMPT_AXES,
    init_soft_prompt,
    prepend,
)

SHARED, SENTENCES = "shared", "sentences"


@dataclasses.dataclass(frozen=True)
class MotionLanguageConfig:
    """Sizes of the language model and of what it knows of motion; static.

    Attributes:
      qwen: the backbone.
      vocabulary: which ids are what.
      projector: from code vectors to the backbone's rows.

    Raises:
      ValueError: where the widths do not fit, or the backbone has too few text rows.
    """

    qwen: Qwen2Config
    vocabulary: ImuVocabulary
    projector: ProjectorConfig

    def __post_init__(self):
        self.vocabulary.check_text_rows(self.qwen.vocab_size)
        if self.projector.width != self.qwen.hidden_size:
            raise ValueError(
                f"projector.width = {self.projector.width} is not the backbone's "
                f"hidden_size {self.qwen.hidden_size}; make them equal"
            )


@dataclasses.dataclass(frozen=True)
class JointConfig:
    """Sizes of what leads to the joint space; static.

    Attributes:
      pooler: of the backbone's states; one for motion, one for text.
      head: of the projection heads.
      soft_prompt: learned tokens before a text; 0 for none.
      tower: "shared", texts go through the backbone as in the paper, or "sentences",
        they come as vectors of a frozen sentence encoder.
      sentence_width: of those vectors.
    """

    pooler: PoolerConfig
    head: HeadConfig
    soft_prompt: int = 8
    tower: str = SHARED
    sentence_width: int = 384

    def __post_init__(self):
        if self.tower not in (SHARED, SENTENCES):
            raise ValueError(
                f"tower = {self.tower!r}; give {SHARED!r} or {SENTENCES!r}"
            )

    @property
    def text_head(self) -> HeadConfig:
        """The text side's head, which has no residual."""
        width = self.head.width if self.tower == SHARED else self.sentence_width
        return dataclasses.replace(self.head, width=width, residual=0.0)


def init(
    key: Key[Array, ""],
    config: MotionLanguageConfig,
    codebooks: Float[Array, "G K C"],
    qwen: dict | None = None,
) -> dict:
    """Fresh {"qwen", "imu"}; the backbone's params may be given."""
    for_qwen, for_imu = jax.random.split(key)
    if qwen is None:
        qwen = init_qwen2(for_qwen, config.qwen)
    imu = imu_embedding.init_imu(
        for_imu, config.vocabulary, config.projector, codebooks
    )
    return {"qwen": qwen, "imu": imu}


def axes(config: MotionLanguageConfig) -> dict:
    """Logical axes like the params of `init`."""
    imu = imu_embedding.imu_axes(config.projector)
    return {"qwen": qwen2_axes(config.qwen), "imu": imu}


def init_joint(key: Key[Array, ""], config: JointConfig) -> dict:
    """Fresh {"imu_pooler", "imu_head", "text_head"}, and what the shared tower adds."""
    keys = jax.random.split(key, 5)
    params = {
        "imu_pooler": init_pooler(keys[0], config.pooler),
        "imu_head": init_heads(keys[1], config.head)["imu"],
        "text_head": init_heads(keys[2], config.text_head)["text"],
    }
    if config.tower == SHARED:
        params["text_pooler"] = init_pooler(keys[3], config.pooler)
        if config.soft_prompt:
            params["soft_prompt"] = init_soft_prompt(
                keys[4], config.pooler.width, config.soft_prompt
            )
    return params


def joint_axes(config: JointConfig) -> dict:
    """Logical axes like the params of `init_joint`."""
    found = {
        "imu_pooler": pooler_axes(config.pooler),
        "imu_head": head_axes(config.head)["imu"],
        "text_head": head_axes(config.text_head)["text"],
    }
    if config.tower == SHARED:
        found["text_pooler"] = pooler_axes(config.pooler)
        if config.soft_prompt:
            found["soft_prompt"] = SOFT_PROMPT_AXES
    return found


def embed(
    params: dict,
    config: MotionLanguageConfig,
    rows: Float[Array, "N D"],
    tokens: Int[Array, "B L"],
) -> Float[Array, "B L D"]:
    """Input embeddings of text and code tokens.

    Args:
      params: of `init`.
      config: static.
      rows: of `imu_embedding.input_rows`, once a step.
      tokens: ids.
    """

    def lookup(ids):
        return Qwen2(config.qwen).apply({"params": params["qwen"]}, ids, method="embed")

    return imu_embedding.embed(config.vocabulary, tokens, lookup, rows)


def states(
    params: dict,
    config: MotionLanguageConfig,
    embeddings: Float[Array, "B L D"],
    mask: Bool[Array, "B L"],
) -> Float[Array, "B L D"]:
    """Hidden states after the backbone's last norm, zero where the mask is."""
    with jax.named_scope("qwen2"):
        return Qwen2(config.qwen).apply({"params": params["qwen"]}, embeddings, mask)


def logits(
    params: dict, config: MotionLanguageConfig, hidden: Float[Array, "B L D"]
) -> Float[Array, "B L V"]:
    """Scores of every text and new id, float32."""
    text = Qwen2(config.qwen).apply({"params": params["qwen"]}, hidden, method="logits")
    head = params["imu"]["head"]
    return imu_embedding.all_logits(config.vocabulary, text, head, hidden)


def joint_imu(
    params: dict,
    config: JointConfig,
    hidden: Float[Array, "B L D"],
    embeddings: Float[Array, "B L D"],
    is_code: Bool[Array, "B L"],
) -> Float[Array, "B J"]:
    """Unit vectors of IMU prompts, pooled over their code tokens.

    Args:
      params: of `init_joint`.
      config: static.
      hidden, embeddings: of the prompts, out of the backbone and into it.
      is_code: their code tokens.
    """
    with jax.named_scope("joint_imu"):
        pooler = LatentAttentionPooler(config.pooler)
        pooled = pooler.apply({"params": params["imu_pooler"]}, hidden, is_code)
        head = {"params": params["imu_head"]}
        return ImuHead(config.head).apply(head, pooled, embeddings, is_code)


def joint_text(
    params: dict,
    language: MotionLanguageConfig,
    config: JointConfig,
    embeddings: Float[Array, "B L D"],
    mask: Bool[Array, "B L"],
    span: Bool[Array, "B L"],
    prompted: Bool[Array, "B"],
) -> Float[Array, "B J"]:
    """Unit vectors of texts through the backbone, behind the soft prompt or alone.

    Args:
      params: all of the model's, "joint" among them.
      language, config: static.
      embeddings: of the texts' tokens.
      mask: real tokens.
      span: those that are pooled: the content, without what a wording adds.
      prompted: texts that the soft prompt stands before; all False where
        `config.soft_prompt` is 0.
    """
    joint = params["joint"]
    with jax.named_scope("joint_text"):
        if config.soft_prompt:
            prompt = joint["soft_prompt"]
            embeddings, mask, span = prepend(prompt, embeddings, mask, span, prompted)
        hidden = states(params, language, embeddings, mask)
        pooler = LatentAttentionPooler(config.pooler)
        pooled = pooler.apply({"params": joint["text_pooler"]}, hidden, span)
        head = {"params": joint["text_head"]}
        return TextHead(config.text_head).apply(head, pooled)


def joint_sentences(
    params: dict, config: JointConfig, vectors: Float[Array, "B S"]
) -> Float[Array, "B J"]:
    """Unit vectors of texts that a frozen sentence encoder has embedded."""
    head = {"params": params["text_head"]}
    return TextHead(config.text_head).apply(head, jnp.asarray(vectors, jnp.float32))
