"""Head-worn IMUs of video: Ego4D, Ego-Exo4D and its atomic descriptions."""

import io
import json
import random

import numpy as np
import pytest

from anymo_jax.datasets import engine
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.raw.egoexo4d_atomic import (
    Description,
    count_words,
    draw,
    read_atomic,
    rewrite,
)
from anymo_jax.datasets.recording import FORCE, RATE
from tests.datasets.raw.layouts import motion, stream_of, write

UIDS = [f"{i:08d}-dd75-4d30-99f2-4e93a286abda" for i in range(3)]


def read(name, root):
    return list(DATASETS[name].read(root))


def npy(array, **more):
    buffer = io.BytesIO()
    np.save(buffer, array, **more)
    return buffer.getvalue()


def lists(root, train="", val="", test=""):
    for name, text in (("train", train), ("val", val), ("test", test)):
        write(root / f"{name}.txt", text)


def ego4d_csv(imu, gap=None):
    stamps = 5000.123 + np.arange(len(imu)) * 5
    rows = [
        f"{i},0,{t:.3f}," + ",".join(f"{v:.6f}" for v in (*row[3:], *row[:3]))
        for i, (t, row) in enumerate(zip(stamps, imu, strict=True))
    ]
    for i in gap or ():
        rows[i] = f"{i},0,{stamps[i]:.3f},,,,,,"
    names = "index,component_idx,canonical_timestamp_ms,gyro_x,gyro_y,gyro_z,"
    return names + "accl_x,accl_y,accl_z\n" + "\n".join(rows) + "\n"


def test_ego4d_reads_its_own_files_by_the_lists(tmp_path):
    imu = motion(12, 200)
    write(tmp_path / f"v2/imu/{UIDS[0]}.csv", ego4d_csv(imu, gap=range(500, 600)))
    write(tmp_path / f"v2/imu/{UIDS[1]}.csv", ego4d_csv(imu))
    job = (
        "jobs related to construction/renovation company (director of work, tiler, "
        "plumber, electrician, handyman, etc)"
    )
    lists(tmp_path, f"{UIDS[1]}\tCooking\n", "", f"{UIDS[0]}\t{job}\n{UIDS[2]}\tbike\n")
    one, two = read("ego4d", tmp_path)
    assert (one.split, two.split) == ("test", "train")
    classes = DATASETS["ego4d"].vocabulary.classes
    assert classes[one.spans.label[0]] == "construction / renovation jobs"
    assert classes[two.spans.label[0]] == "cooking"
    force = stream_of(one, "head", FORCE)
    kept = np.delete(np.arange(2400), np.arange(500, 600))
    np.testing.assert_allclose(force.values, imu[kept, :3], atol=1e-5)
    rate = stream_of(one, "head", RATE).values
    np.testing.assert_allclose(rate, imu[kept, 3:], atol=1e-5)
    assert any("rows without accelerometer: under 10 %" in n for n in one.notes)
    windows = engine.build(DATASETS["ego4d"], [one, two])
    assert len(windows) == 4


def test_ego4d_sorts_stamps_and_drops_repeats(tmp_path):
    lines = ego4d_csv(motion(12, 200)).splitlines()
    lines[100:103] = lines[102:99:-1]
    lines.insert(300, lines[300])
    write(tmp_path / f"{UIDS[0]}.csv", "\n".join(lines))
    lists(tmp_path, test=f"{UIDS[0]}\tbike\n")
    (recording,) = read("ego4d", tmp_path)
    force = stream_of(recording, "head", FORCE)
    np.testing.assert_allclose(force.values, motion(12, 200)[:, :3], atol=1e-5)
    assert {n.split(",")[1].strip()[:8] for n in recording.notes} == {
        *("stamps g", "repeated")
    }


def test_ego4d_reads_the_arrays_of_comodo(tmp_path):
    imu = motion(12, 200)
    filled = imu.copy()
    filled[50:60, 3:] = 0
    write(tmp_path / f"processed_imu/{UIDS[0]}.npy", npy(filled.T))
    stamps = npy(100.0 + np.arange(2400) * 5.0)
    write(tmp_path / f"processed_imu/{UIDS[0]}_timestamps.npy", stamps)
    lists(tmp_path, val=f"{UIDS[0]}\twatching tv\n")
    (recording,) = read("ego4d", tmp_path)
    assert recording.split == "validation"
    rate = stream_of(recording, "head", RATE)
    assert np.isnan(rate.values[50:60]).all()
    np.testing.assert_allclose(rate.values[60:], imu[60:, 3:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rate.time, np.arange(2400) / 200)
    assert "stamps in ms" in recording.notes


def egoexo4d(root, takes, order=(0, 1, 2, 3, 4, 5)):
    """Arrays of some takes with stamps in ns, and takes.json."""
    for i, name in enumerate(takes):
        imu = motion(20, 200, seed=i)
        write(root / f"processed_imu/{name}.npy", npy(imu.T[list(order)]))
        stamps = npy(3e12 + np.arange(4000) * 5e6)
        write(root / f"processed_imu/{name}_timestamps.npy", stamps)
    told = [
        {
            "take_uid": f"u{i}",
            "take_name": name,
            "parent_task_name": kind,
            "participant_uid": 300 + i,
        }
        for i, (name, kind) in enumerate(takes.items())
    ]
    write(root / "takes.json", json.dumps(told))


def test_egoexo4d_reads_the_takes_of_the_lists(tmp_path):
    egoexo4d(tmp_path, {"a_1": "Dance", "b_1": "Music"})
    lists(tmp_path, "b_1\tMusic\nc_1\tMusic\n", "", "a_1\tDance\n")
    one, two = read("egoexo4d", tmp_path)
    assert (one.split, two.split) == ("test", "train")
    assert (one.subject, two.subject) == ("300", "301")
    assert (one.spans.label[0], two.spans.label[0]) == (3, 5)
    force = stream_of(two, "head", FORCE)
    np.testing.assert_allclose(force.values, motion(20, 200, 1)[:, :3], rtol=1e-5)
    assert "stamps in ns" in two.notes
    windows = engine.build(DATASETS["egoexo4d"], [one, two])
    assert len(windows) == 8


def test_arrays_with_the_gyroscope_first_are_turned_round(tmp_path):
    egoexo4d(tmp_path, {"a_1": "Dance"}, order=(3, 4, 5, 0, 1, 2))
    lists(tmp_path, test="a_1\tDance\n")
    (recording,) = read("egoexo4d", tmp_path)
    force = stream_of(recording, "head", FORCE).values
    np.testing.assert_allclose(force, motion(20, 200)[:, :3], rtol=1e-5)
    assert any("swapped" in note for note in recording.notes)


def test_stamps_that_do_not_tell_samples_apart_are_not_used(tmp_path):
    egoexo4d(tmp_path, {"a_1": "Dance"})
    lists(tmp_path, test="a_1\tDance\n")
    # COMODO counts seconds in float32: 5 ms are lost beside days.
    coarse = (np.float32(2e6) + np.arange(4000, dtype=np.float32) / 200) * 1e9
    write(tmp_path / "processed_imu/a_1_timestamps.npy", npy(coarse))
    (recording,) = read("egoexo4d", tmp_path)
    np.testing.assert_allclose(recording.streams[0].time, np.arange(4000) / 200)
    assert any("counted instead" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npy(np.zeros((5, 90))), r"a_1\.npy: an array of shape \(5, 90\), expected"),
        (npy(np.array([{"x": 1}]), allow_pickle=True), r"a_1\.npy: no readable"),
        (npy(np.array(["x"])), r"a_1\.npy: not an array of numbers"),
        (npy(np.zeros((6, 90)))[:500], r"a_1\.npy: no readable"),
    ],
)
def test_an_array_that_cannot_be_read_is_named(tmp_path, data, message):
    write(tmp_path / "a_1.npy", data)
    lists(tmp_path, test="a_1\tDance\n")
    with pytest.raises(ValueError, match=message):
        read("egoexo4d", tmp_path)


def test_vrs_is_refused_with_the_tool_that_converts_it(tmp_path):
    write(tmp_path / "takes/a_1/aria01_noimagestreams.vrs", b"fake")
    lists(tmp_path, test="a_1\tDance\n")
    with pytest.raises(ValueError, match=r"convert_imu_vrs_egoexo\.py .*pyvrs"):
        read("egoexo4d", tmp_path)


def test_lists_that_share_a_recording_or_a_broken_line_are_refused(tmp_path):
    egoexo4d(tmp_path, {"a_1": "Dance"})
    lists(tmp_path, "a_1\tDance\n", test="a_1\tDance\n")
    with pytest.raises(ValueError, match=r"test\.txt, line 1: a_1 .* train as well"):
        read("egoexo4d", tmp_path)
    lists(tmp_path, test="\na_1 Dance\n")
    with pytest.raises(ValueError, match=r"test\.txt, line 2: 'a_1 Dance' is no name"):
        read("egoexo4d", tmp_path)
    lists(tmp_path, test="a_1\tBallet\n")
    with pytest.raises(ValueError, match="a_1 has the unknown label 'Ballet'"):
        read("egoexo4d", tmp_path)


def test_texts_are_rewritten_without_the_annotators_names():
    text = "C passes the ball to man X with C's left hand,  and woman  X sees c."
    assert rewrite(text) == (
        "the person passes the ball to another person with the person's left hand, and "
        "another person sees the person."
    )
    assert count_words("The person's well-known 2 hands.") == 5


KINDS = tuple(DATASETS["egoexo4d"].vocabulary.classes)


def described(time, text="C picks up the red ball with both of the hands", **more):
    return {"subject": "C", "text": text, "timestamp": time, "unsure": False} | more


def annotate(root, split, by_take):
    annotations = {
        uid: [{"annotation_uid": "x", "descriptions": entries}]
        for uid, entries in by_take.items()
    }
    text = json.dumps({"annotations": annotations})
    write(root / f"annotations/atomic_descriptions_{split}.json", text)


def atomic(root):
    """Two takes of every kind, with two descriptions that count in each."""
    takes = {f"t{i}": KINDS[i % 8] for i in range(16)}
    egoexo4d(root, takes)
    entries = {
        f"u{i}": [
            described(3.0 + i / 10),
            described(7.0, subject="O"),
            described(8.0, unsure=True),
            described(9.0, text="C runs"),
            described(None),
            described(0.5),
        ]
        for i in range(16)
    }
    annotate(root, "train", {uid: entries[uid] for uid in list(entries)[:10]})
    annotate(root, "val", {uid: entries[uid] for uid in list(entries)[10:]})


def test_the_subset_is_balanced_centred_and_drawn_by_seed(tmp_path):
    atomic(tmp_path)
    recordings = list(read_atomic(tmp_path, per_class=3))
    labels = np.concatenate([r.spans.label for r in recordings])
    np.testing.assert_array_equal(np.bincount(labels), [3] * 8)
    for recording in recordings:
        take = int(recording.source.split("/t")[-1].removesuffix(".npy"))
        assert recording.subject == str(300 + take)
        assert set(recording.spans.start) <= {0.0, 3.0 + take / 10 - 2.5}
        np.testing.assert_allclose(recording.spans.end - recording.spans.start, 5)
        assert set(recording.spans.text) == {
            "the person picks up the red ball with both of the hands"
        }
    again = list(read_atomic(tmp_path, per_class=3))
    other = list(read_atomic(tmp_path, per_class=3, seed=7))

    def drawn(those):
        return [(r.source, r.spans.start.tolist()) for r in those]

    assert drawn(again) == drawn(recordings) != drawn(other)
    windows = engine.build(DATASETS["egoexo4d_atomic"], recordings)
    assert len(windows) == len(windows.texts) == 24


def test_the_draw_follows_the_published_rule():
    """Shuffled kind by kind by one generator, then once more all together."""
    order = "Rock Climbing,Basketball,Dance,Cooking,Health,Bike Repair,Soccer,Music"
    found = [
        Description(f"{kind}{i}", kind, "text", "text", 1.0, "")
        for i in range(6)
        for kind in KINDS
    ]
    generator = random.Random(42)
    expected = []
    for kind in order.split(","):
        takes = [f"{kind}{i}" for i in range(6)]
        generator.shuffle(takes)
        expected += takes[:4]
    generator.shuffle(expected)
    assert [d.take for d in draw(found, per_class=4)] == expected


def test_too_few_descriptions_of_a_kind_are_named(tmp_path):
    atomic(tmp_path)
    with pytest.raises(ValueError, match="4 descriptions of Rock Climbing, 5 wanted"):
        list(read_atomic(tmp_path, per_class=5))
    (tmp_path / "annotations/atomic_descriptions_val.json").unlink()
    with pytest.raises(
        ValueError, match=r"atomic_descriptions_val.*--parts annotations"
    ):
        list(read_atomic(tmp_path))
    write(tmp_path / "annotations/atomic_descriptions_val.json", '{"annotations": {')
    with pytest.raises(ValueError, match=r"_val\.json: no readable JSON"):
        list(read_atomic(tmp_path))
