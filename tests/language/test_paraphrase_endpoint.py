"""A client against a scripted endpoint: rounds, failures, the cache, the command."""

import dataclasses
import json
import urllib.request

import pytest

from anymo_jax.language.paraphrase.cache import Cache, prompt_version
from anymo_jax.language.paraphrase.client import (
    AnswerError,
    Endpoint,
    EndpointError,
    ask,
    read_json,
)
from anymo_jax.language.paraphrase.corpus import by_endpoint, by_rules, primary_texts
from anymo_jax.language.paraphrase.rounds import (
    Paraphrased,
    Variant,
    paraphrase_in_rounds,
)
from anymo_jax.language.paraphrase.store import read_paraphrases, write_paraphrases
from anymo_jax.language.templates import load_templates
from experiments.paraphrase import make_endpoint, summary
from tests.language.scripted_endpoint import (
    ScriptedEndpoint,
    agreeable,
    asked_for,
    hanging,
    paraphrases,
    step_of,
    verdicts,
)

TEXT = "a person waves"
QUESTION = [{"role": "user", "content": "Write 5 paraphrases"}]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    # Openers are kept between calls; a kept one would still know the proxy.
    monkeypatch.setattr(urllib.request, "_opener", None)


def endpoint(server, **options):
    options = {"timeout_s": 10.0, "backoff_s": 0.0, "key": "s3cret"} | options
    return Endpoint(server.base_url, "model-x", **options)


def rounds(script):
    """What the rounds make of a text, and the steps that were asked."""
    with ScriptedEndpoint(script) as server:
        asking = endpoint(server)
        made = paraphrase_in_rounds(TEXT, lambda m: ask(asking, m), load_templates())
        return made, [step_of(q) for q in server.questions], server.questions


def test_a_request_is_what_the_protocol_asks_for():
    with ScriptedEndpoint(lambda question, number: "hello") as server:
        assert ask(endpoint(server), QUESTION) == "hello"
        (headers,), (body,) = server.headers, server.bodies
    assert headers["path"] == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer s3cret"
    assert body["model"] == "model-x" and body["messages"] == QUESTION
    assert "s3cret" not in repr(endpoint(server))


def test_all_pass_at_once():
    made, steps, questions = rounds(agreeable)
    assert steps == ["generate", "verify"]
    assert made.passes == 1
    assert made.accepted == tuple(f"variant 0.{n}" for n in range(5))
    assert all(TEXT in question for question in questions)


def test_a_rejected_set_is_generated_anew_three_passes_at_most():
    def reject(question, number):
        if step_of(question) == "verify":
            return verdicts([False] * 5)
        return paraphrases(5, number)

    made, steps, _ = rounds(reject)
    assert steps == ["generate", "verify"] * 3
    assert made.passes == 3
    assert made.accepted == ()
    assert [v.text for v in made.variants] == [f"variant 4.{n}" for n in range(5)]
    assert {v.reason for v in made.variants} == {"says too much"}


def test_rejected_variants_alone_are_repaired_and_accepted_ones_stay():
    judged = iter([(1, 0, 1, 0, 1), (1, 1, 1, 0, 1), (0, 0, 0, 0, 0)])

    def some(question, number):
        if step_of(question) == "verify":
            return verdicts([bool(p) for p in next(judged)])
        return paraphrases(asked_for(question), number)

    made, steps, questions = rounds(some)
    assert steps == ["generate", "verify", *["repair", "verify"] * 2]
    assert [asked_for(q) for q in questions] == [5, 5, 2, 5, 1, 5]
    assert made.passes == 3
    # The last pass rejects what was repaired, and cannot take back the others.
    assert made.accepted == ("variant 0.0", "variant 0.2", "variant 0.4", "variant 2.1")
    assert "variant 0.1 (says too much)" in questions[2]
    assert "1. variant 0.0\n2. variant 0.2\n3. variant 0.4" in questions[2]


def test_variants_worded_alike_do_not_pass_whatever_the_verifier_says():
    same = ["A person waves.", "someone waves", "Someone  waves", "x", "y"]

    def alike(question, number):
        if step_of(question) == "generate":
            return json.dumps({"paraphrases": same})
        return agreeable(question, number)

    made, steps, questions = rounds(alike)
    assert steps == ["generate", "verify", "repair", "verify"]
    assert asked_for(questions[2]) == 2
    assert made.accepted == ("someone waves", "x", "y", "variant 2.0", "variant 2.1")


WRONG = (
    "I would rather not.",
    "{broken",
    paraphrases(4, 0),
    json.dumps({"paraphrases": "five"}),
    json.dumps({"paraphrases": ["a", "b", "c", "d", ""]}),
    json.dumps({"paraphrases": ["a", "b", "c", "d", 5]}),
    json.dumps({"paraphrases": ["a", "b", "c", "d", "e\nf"]}),
    json.dumps({"paraphrases": ["a", "b", "c", "d", "e" * 500]}),
)


@pytest.mark.parametrize("wrong", WRONG)
def test_answers_of_another_form_are_asked_for_again(wrong):
    made, steps, _ = rounds(lambda q, n: wrong if n < 2 else agreeable(q, n))
    assert steps == ["generate"] * 3 + ["verify"]
    assert len(made.accepted) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        verdicts([True] * 4),
        json.dumps({"verdicts": ["yes"] * 5}),
        json.dumps({"verdicts": [{"passes": "yes"}] * 5}),
        json.dumps({"verdicts": [{}] * 5}),
    ],
)
def test_verdicts_of_another_form_are_asked_for_again(wrong):
    made, steps, _ = rounds(lambda q, n: wrong if n == 1 else agreeable(q, n))
    assert steps == ["generate", "verify", "verify"]
    assert len(made.accepted) == 5


def test_a_model_that_never_answers_in_form_is_given_up():
    with pytest.raises(AnswerError, match="3 answers to 'generate' in a row"):
        rounds(lambda question, number: "no")


def test_json_between_fences_is_read():
    assert read_json('Sure!\n```json\n{"a": [1]}\n```') == {"a": [1]}
    with pytest.raises(AnswerError, match="no JSON object"):
        read_json("[1, 2]")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_failures_that_pass_are_tried_again(status):
    pauses = []

    def failing(question, number):
        return "hello" if number == 3 else (status, {}, b"busy")

    with ScriptedEndpoint(failing) as server:
        asking = endpoint(server, backoff_s=0.5)
        assert ask(asking, QUESTION, sleep=pauses.append) == "hello"
    assert pauses == [0.5, 1.0, 2.0]


def test_a_server_may_ask_for_a_longer_pause():
    pauses = []

    def limited(question, number):
        wait = ["7", "999999", "Wed, 21 Oct 2015 07:28:00 GMT"][min(number, 2)]
        return "hello" if number == 3 else (429, {"Retry-After": wait}, b"")

    with ScriptedEndpoint(limited) as server:
        ask(endpoint(server, backoff_s=0.5), QUESTION, sleep=pauses.append)
    assert pauses == [7.0, 60.0, 2.0]


def test_failures_for_good_say_what_was_the_last():
    with ScriptedEndpoint(lambda q, n: (500, {}, b"out of memory")) as server:
        with pytest.raises(EndpointError, match=r"failed 3 times.*500: out of memory"):
            ask(endpoint(server, retries=2), QUESTION)
        assert len(server.questions) == 3


def test_a_server_that_hangs_is_left_after_the_timeout():
    with ScriptedEndpoint(hanging(0.6)) as server:
        asking = endpoint(server, timeout_s=0.1, retries=1)
        with pytest.raises(EndpointError, match=r"failed 2 times.*Timeout"):
            ask(asking, QUESTION)


def test_a_server_that_is_not_there_is_named():
    with ScriptedEndpoint(agreeable) as server:
        gone = endpoint(server, retries=0)
    with pytest.raises(EndpointError, match=r"http://127.0.0.1:\d+/v1 failed 1 times"):
        ask(gone, QUESTION)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_is_told_at_once_and_without_the_key(status):
    with ScriptedEndpoint(lambda q, n: (status, {}, b"no such model")) as server:
        with pytest.raises(
            EndpointError, match="no such model; check base_url"
        ) as told:
            ask(endpoint(server), QUESTION)
        assert len(server.questions) == 1
    assert "s3cret" not in str(told.value)


SILENT = b'{"choices": [{"message": {"content": null}}]}'


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"choices": []}', b"\xff", SILENT]
)
def test_a_body_that_is_no_completion_is_an_answer_of_another_form(body):
    with (
        ScriptedEndpoint(lambda q, n: (200, {}, body)) as server,
        pytest.raises(AnswerError, match=r"no chat completion|content is empty"),
    ):
        ask(endpoint(server), QUESTION)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"base_url": "file:///etc/passwd"},
            "base_url = 'file:///etc/passwd'",
        ),
        ({"base_url": "localhost:8000"}, "give an http or https address"),
        ({"model": ""}, "model is empty"),
        ({"timeout_s": 0.0}, "timeout_s = 0 must be positive"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Endpoint(**{"base_url": "http://x/v1", "model": "m", **options})


ANSWER = Paraphrased((Variant("someone waves", True), Variant("x", False, "why")), 2)


def test_the_cache_keeps_what_was_answered_and_drops_a_torn_line(tmp_path):
    path = tmp_path / "cache.jsonl"
    with Cache(path, model="m", version="1") as cache:
        cache.add("one\ntwo", ANSWER)
        cache.add("naïve", ANSWER)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with Cache(path, model="m", version="1") as cache:
        assert cache.get("one\ntwo") == ANSWER
        assert cache.get("naïve") is None
        cache.add("naïve", ANSWER)
    assert path.read_bytes() == whole
    for other in ({"model": "n", "version": "1"}, {"model": "m", "version": "2"}):
        with Cache(path, **other) as cache:
            assert cache.get("naïve") is None


def test_a_damaged_cache_is_refused_by_its_line(tmp_path):
    path = tmp_path / "cache.jsonl"
    path.write_text('{"model": "m"}\n')
    with pytest.raises(ValueError, match=r"cache\.jsonl:1: not an entry of this cache"):
        Cache(path, model="m", version="1")
    path.write_text("")
    Cache(path, model="m", version="1").close()


def test_two_runs_do_not_share_a_cache(tmp_path):
    path = tmp_path / "cache.jsonl"
    with (
        Cache(path, model="m", version="1"),
        pytest.raises(ValueError, match="another run writes to this cache"),
    ):
        Cache(path, model="m", version="1")
    Cache(path, model="m", version="1").close()


def test_the_version_tells_instructions_apart():
    templates = load_templates()
    changed = dict(templates.paraphrase) | {"system": "Be terse."}
    assert prompt_version(templates) == prompt_version(load_templates())
    other = dataclasses.replace(templates, paraphrase=changed)
    assert prompt_version(other) != prompt_version(templates)


TEXTS = [f"a person does thing {n}" for n in range(6)]


def run(script, path, **options):
    told = []
    with ScriptedEndpoint(script) as server:
        with Cache(path, model="model-x", version="1") as cache:
            made = by_endpoint(
                *(TEXTS, endpoint(server, retries=0), load_templates(), cache),
                progress=lambda done, total: told.append((done, total)),
                **options,
            )
        return made, server.questions, told


def test_no_text_is_asked_for_twice(tmp_path):
    path = tmp_path / "cache.jsonl"
    made, questions, told = run(agreeable, path)
    assert list(made.paraphrases) == TEXTS and not made.failed
    assert {len(v) for v in made.paraphrases.values()} == {5}
    assert len(questions) == 12 and told[-1] == (6, 6)
    again, questions, _ = run(agreeable, path)
    assert again == made and questions == []


def test_a_run_that_breaks_off_carries_on(tmp_path):
    path = tmp_path / "cache.jsonl"

    def down(question, number):
        return agreeable(question, number) if number < 5 else (500, {}, b"down")

    with pytest.raises(EndpointError, match="run again later"):
        run(down, path, workers=1)
    made, questions, _ = run(agreeable, path)
    # Two were answered before, of the third one question.
    assert len(questions) == 8
    assert list(made.paraphrases) == TEXTS


def test_texts_without_a_usable_answer_are_told_and_asked_for_again(tmp_path):
    path = tmp_path / "cache.jsonl"

    def odd(question, number):
        return "no" if "thing 3" in question else agreeable(question, number)

    made, _, told = run(odd, path)
    assert list(made.failed) == [TEXTS[3]]
    assert list(made.paraphrases) == TEXTS[:3] + TEXTS[4:]
    assert told[-1] == (6, 6)
    again, questions, _ = run(agreeable, path)
    assert len(questions) == 2 and not again.failed


def test_the_file_of_paraphrases(tmp_path):
    path = tmp_path / "deep" / "paraphrases.json"
    write_paraphrases(path, {"b": ("x",), "a": ("y", "naïve")})
    assert read_paraphrases(path) == {"a": ("y", "naïve"), "b": ("x",)}
    assert [p.name for p in path.parent.iterdir()] == ["paraphrases.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "p.json: not JSON"),
        ("[]", "p.json: expected an object"),
        ('{"a": "b"}', "p.json: 'a': expected a list of texts, found 'b'"),
        ('{"a": ["b", ""]}', "p.json: 'a': expected a list of texts"),
    ],
)
def test_a_wrong_file_of_paraphrases_is_refused(tmp_path, content, message):
    path = tmp_path / "p.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_paraphrases(path)
    with pytest.raises(ValueError, match="no such file; write it by experiments"):
        read_paraphrases(tmp_path / "none.json")


def test_which_texts_are_paraphrased():
    several = tuple(f"wording {n}" for n in range(6))
    told = [
        {"texts": texts} for texts in (("b",), several, (), ("a", "c"), ("b",), ("",))
    ]
    assert primary_texts(told, every=False) == ["b", "a"]
    assert primary_texts(told, every=True) == ["b", "wording 0", "a"]


def test_the_summary_counts_variants():
    lines = summary(by_rules(["a person waves", "someone sits"])).splitlines()
    assert lines[:2] == ["2 texts", "       2 texts with 5 paraphrases"]


def test_a_key_is_read_from_the_environment_only(monkeypatch):
    given = {"base_url": "http://x/v1", "model": "m", "timeout_s": 1.0}
    monkeypatch.setenv("SOME_KEY", "abc")
    assert make_endpoint(key_variable="SOME_KEY", **given).key == "abc"
    assert make_endpoint(key_variable="", **given).key == ""
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(ValueError, match="SOME_KEY: this environment variable is not"):
        make_endpoint(key_variable="SOME_KEY", **given)
