"""Rules that vary wording: sound grammar, and nothing of the meaning touched."""

import functools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.language.paraphrase.clause import GERUND, SIMPLE, parse, rewrite_actor
from anymo_jax.language.paraphrase.lexicon import gerund, third_person
from anymo_jax.language.paraphrase.meaning import same_meaning
from anymo_jax.language.paraphrase.rules import paraphrase
from anymo_jax.motion.pace import tempo_range
from anymo_jax.motion.procedural import ACTIVITIES

SLOTS = {
    "pace": "quickly",
    "speed": "slowly",
    "effort": "with moderate effort",
    "tempo": "30 per minute",
    "steps": "104 steps per minute",
    "rate": "60 degrees per second",
    "speed_km_h": "8 km/h",
    "hand": "left",
    "other": "right",
    "side": "right",
    "direction": "down",
    "stance": "sitting",
    "grip": "one hand",
    "arms": "stretched forward",
    "size": "small",
    "radius": "2.4 m",
    "riser": "17 cm",
    "grade": "9 per cent",
}
# Of the open motion capture.
CAPTURED = (
    "a person walks and turns left actively",
    "a person steps to the right rhythmically, as if to music",
    "a person raises both hands like an elderly person",
    "a person walks backwards without confidence",
    "a person gestures to guide someone tiredly",
    "basketball - forward dribble, 90-degree right turns, crossover dribble",
    "dance - small jetes, attitude/arabesque, shifted-axis pirouette, turn",
    "Start Walk Stop",
    "run/jog",
    "walk on uneven terrain",
    "C picks up two cups and then slowly walks forward.",
)
# Every third wording, which is two of each activity.
LIBRARY = [
    caption.format_map(SLOTS)
    for activity in ACTIVITIES.values()
    for caption in activity.captions
][::3]
CAPTIONS = tuple(dict.fromkeys([*LIBRARY, *CAPTURED]))
# Words whose number and order stay, whatever they are in the grammar.
KEPT = re.compile(
    r"\b(?:left|right|up|upstairs|uphill|upwards|down|downstairs|downwards|forward|"
    r"backwards?|clockwise|counter|both|one|two|each|again|then|without|not|hardly|"
    r"\d[\d.]*|slow\w*|fast|quick\w*|brisk\w*|slowly|first|before|after)\b"
)
# Beginnings of verbs that change little else, and what each form of them begins with.
ACTIONS = re.compile(
    r"\b(walk|jog|run|jump|hop|wav|rais|lower|push|pull|turn|sit|stand|(?:l[iy](?=e|ing))|"
    r"kneel|throw|catch|kick|eat|drink|writ|typ|read|open|clos|clap|punch|squat|lung)"
)


def actions(text):
    return [found.replace("ly", "li") for found in ACTIONS.findall(text)]


def kept(text):
    return KEPT.findall(re.sub(r"over and over|repeatedly", "again and again", text))


@functools.cache
def variants_of(caption):
    return paraphrase(caption)


@pytest.mark.parametrize(
    ("verb", "third", "ing"),
    [
        ("walk", "walks", "walking"),
        ("run", "runs", "running"),
        ("ride", "rides", "riding"),
        ("lie", "lies", "lying"),
        ("carry", "carries", "carrying"),
        ("play", "plays", "playing"),
        ("do", "does", "doing"),
        ("have", "has", "having"),
        ("catch", "catches", "catching"),
        ("squat", "squats", "squatting"),
        ("row", "rows", "rowing"),
        ("box", "boxes", "boxing"),
        ("open", "opens", "opening"),
        ("stir", "stirs", "stirring"),
        ("kneel", "kneels", "kneeling"),
    ],
)
def test_forms_of_verbs(verb, third, ing):
    assert (third_person(verb), gerund(verb)) == (third, ing)


@pytest.mark.parametrize(
    ("text", "simple", "participle"),
    [
        ("a person is walking", "someone walks", "walking"),
        ("waving the hand", "someone waves the hand", "waving the hand"),
        (
            "someone folds a shirt and puts it away",
            "someone folds a shirt and puts it away",
            "folding a shirt and putting it away",
        ),
        (
            "someone is sitting and turns screws",
            "someone sits and turns screws",
            "sitting and turning screws",
        ),
        (
            "the subject slowly rises and then hardly moves",
            "someone slowly rises and then hardly moves",
            "slowly rising and then hardly moving",
        ),
        ("take a ball and throw it", "someone takes a ball and throws it", None),
        ("a person does squats and lunges", "someone does squats and lunges",
         "doing squats and lunges"),
        ("throwing a ball, catching it", None, "throwing a ball, catching it"),
        ("push-ups at 38 per minute", "someone does push-ups at 38 per minute", None),
    ],
)  # fmt: skip
def test_aspects(text, simple, participle):
    clause = parse(text)
    turned = clause.in_form(SIMPLE, "someone")
    assert simple is None if turned is None else str(turned) == simple
    if participle is not None:
        assert str(clause.in_form(GERUND, "")) == participle


@pytest.mark.parametrize(
    "text", ["walk", "sit to stand", "run/jog", "soccer - kick ball"]
)
def test_names_are_no_clauses(text):
    assert parse(text) is None


def test_what_is_said_of_certain_people_stays_theirs():
    variants = paraphrase("a tennis player hits serves")
    assert "a tennis player is hitting serves" in variants
    assert all("tennis player" in variant for variant in variants)


def test_manner_moves():
    assert "someone slowly walks" in {
        variant.replace("the wearer", "someone").replace("a person", "someone")
        for text in ("someone walks slowly", "the subject walks slowly")
        for variant in paraphrase(text, 20)
    }
    variants = paraphrase("someone walks at a steady pace", 40)
    assert any(v.startswith("at a steady pace, ") for v in variants)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions_keep_their_meaning(caption):
    variants = variants_of(caption)
    said = rewrite_actor(caption)
    assert len(variants) == 5
    assert len({v.lower() for v in variants} | {said.lower()}) == 6
    for variant in variants:
        assert kept(variant) == kept(said), variant
        assert actions(variant) == actions(said), variant
        assert tempo_range([variant]) == tempo_range([said]), variant
        assert not re.search(r"\ba [aeio]|\ban [^aeioux]|  |\bis is\b", variant)


def test_most_captions_need_no_frame():
    framed = [c for c in CAPTIONS if ": " in variants_of(c)[0] and ": " not in c]
    assert len(framed) / len(CAPTIONS) < 0.15


def test_variants_hang_on_the_text_alone():
    assert paraphrase("a person waves") == paraphrase("a  person   waves")
    assert len(paraphrase("a person waves", 2)) == 2
    assert paraphrase("a person waves", 0) == ()
    assert all(v.endswith(".") for v in paraphrase("A person waves."))
    with pytest.raises(ValueError, match="text is empty"):
        paraphrase("  ")


WORDS = """
a person someone the is and then walks walking slowly left right up down two hand raises
C , at pace steps push-ups in way swing . (
"""


@given(st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=9))
def test_any_words_give_distinct_variants_of_the_same_meaning(words):
    text = " ".join(words)
    try:
        variants = paraphrase(text)
    except ValueError:
        assert not text.strip(" .")
        return
    assert len({v.lower() for v in variants}) == len(variants) <= 5
    for variant in variants:
        assert kept(variant) == kept(rewrite_actor(text))


@pytest.mark.parametrize(
    "variant",
    [
        "a person walks upstairs with the left hand raised",
        "a person walks upstairs with the right hand raised twice",
        "a person quickly walks upstairs with the right hand raised",
        "a person walks downstairs with the right hand raised",
        "a person runs upstairs with the right hand raised",
        "a person does not walk upstairs with the right hand raised",
        "with the right hand raised, a person walks upstairs then stops",
    ],
)
def test_other_meanings_are_told_apart(variant):
    text = "a person walks upstairs with the right hand raised"
    assert not same_meaning(text, variant)
    assert same_meaning(text, "someone is walking upstairs with the right hand raised")


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("C walks", "a person walks"),
        ("#C C lifts a cup", "a person lifts a cup"),
        ("C's hand moves", "a person's hand moves"),
        ("Clapping", "Clapping"),
        ("vitamin C", "vitamin C"),
        ("a person walks", "a person walks"),
    ],
)
def test_actor_markers(text, rewritten):
    assert rewrite_actor(text) == rewritten
