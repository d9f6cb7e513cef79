"""Other people's packings, written here in their own layout."""

import itertools
import json
import zipfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.anymo_bench import open_anymo_bench
from anymo_jax.datasets.bundles.comodo import open_comodo
from anymo_jax.datasets.bundles.npz import open_npz
from anymo_jax.datasets.bundles.unimts import open_unimts
from anymo_jax.datasets.bundles.unimts_facts import ARCHIVE
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.raw import DATASETS
from tests.datasets import signals

GRAVITY = 9.80665


def write_unimts(folder, name, exchanged=False):
    """One dataset of the archive: six windows a split, in its own units and columns."""
    known = ARCHIVE[name]
    firsts = [f for d in known.devices for f in (d.force, d.rate) if f is not None]
    seconds = 5.0
    length = round(seconds * known.rate_hz)
    truth = {}
    (folder / name).mkdir(parents=True)
    for number, split in enumerate(("train", "test")):
        label = np.arange(6) * (known.classes - 1) // 5
        values = np.zeros((6, length, max(firsts) + 3), np.float32)
        for place, device in enumerate(known.devices):
            long = signals.worn(6 * seconds, known.rate_hz, seed=10 * number + place)
            long[:, 3:] *= 3.0 if device.site == "ankle" else 1.0
            windows = long.reshape(6, length, 6)
            worn = np.ones(6, bool)
            if device.labels:
                worn = (label >= device.labels[0]) & (label < device.labels[1])
            truth[split, device.site] = windows, worn
            first, second = device.force, device.rate
            if exchanged and device.site in ("chest", "ankle"):
                other = {"chest": "ankle", "ankle": "chest"}[device.site]
                (twin,) = (d for d in known.devices if d.site == other)
                first, second = twin.force, twin.rate
            force = (windows[..., :3] - known.force_offset) / known.force
            values[worn, :, first : first + 3] = force[worn]
            if second is not None:
                values[worn, :, second : second + 3] = windows[worn, :, 3:] / known.rate
        np.save(folder / name / f"X_{split}.npy", values)
        np.save(folder / name / f"y_{split}.npy", label)
    paper = DATASETS[known.paper].vocabulary.classes if known.paper else None
    words = paper or [f"class {i}" for i in range(known.classes)]
    told = {str(i): [word, "another word"] for i, word in enumerate(words)}
    (folder / name / f"{name}.json").write_text(json.dumps({"label_dictionary": told}))
    return truth


@pytest.mark.parametrize("name", ARCHIVE)
def test_every_dataset_of_the_unimts_archive(name, tmp_path):
    truth = write_unimts(tmp_path / "UniMTS_data", name)
    facts = open_unimts(tmp_path, name)
    known = ARCHIVE[name]
    recordings = list(facts.read(tmp_path))
    assert [r.split for r in recordings] == ["train"] * 6 + ["test"] * 6
    for index, recording in enumerate(recordings):
        worn = {
            site: windows[index % 6]
            for (split, site), (windows, there) in truth.items()
            if split == recording.split and there[index % 6]
        }
        assert {stream.site for stream in recording.streams} == set(worn)
        for stream in recording.streams:
            half = slice(0, 3) if stream.kind == "force" else slice(3, 6)
            wanted = worn[stream.site][:, half]
            np.testing.assert_allclose(stream.values, wanted, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(np.diff(stream.time), 1 / known.rate_hz)
    windows = build(facts, recordings)
    assert len(windows) == 12
    assert any("no subjects" in flag for flag in windows.flags)


def test_nodes_of_the_unimts_archive_are_those_of_table_9():
    for name, known in ARCHIVE.items():
        if known.paper:
            mine = {XSENS.index(device.node) for device in known.devices}
            assert mine == set(DATASETS[known.paper].nodes.values()), name


def test_ankle_and_chest_of_pamap_are_told_apart(tmp_path):
    truth = write_unimts(tmp_path, "PAMAP", exchanged=True)
    recordings = list(open_unimts(tmp_path, "PAMAP").read(tmp_path))
    assert "exchanged" in recordings[0].notes[0]
    (ankle,) = (
        s for s in recordings[2].streams if (s.site, s.kind) == ("ankle", "rate")
    )
    wanted, _ = truth["train", "ankle"]
    np.testing.assert_allclose(ankle.values, wanted[2][:, 3:], atol=1e-5)


def test_the_unimts_zip_is_read_as_its_folder_is(tmp_path):
    write_unimts(tmp_path / "UniMTS_data", "WISDM")
    path = tmp_path / "UniMTS_data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((tmp_path / "UniMTS_data").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
            archive.writestr(f"__MACOSX/{file.relative_to(tmp_path)}", b"x")
    folder = tmp_path / "UniMTS_data"
    mine = build(open_unimts(path, "WISDM"), open_unimts(path, "WISDM").read(path))
    other = build(
        open_unimts(folder, "WISDM"), open_unimts(folder, "WISDM").read(folder)
    )
    np.testing.assert_array_equal(mine.signal, other.signal)


def test_faults_of_the_unimts_archive_are_named(tmp_path):
    with pytest.raises(ValueError, match="no dataset 'Nothing'"):
        open_unimts(tmp_path, "Nothing")
    with pytest.raises(ValueError, match=r"no file USCHAD/USCHAD.json"):
        open_unimts(tmp_path, "USCHAD")
    write_unimts(tmp_path, "USCHAD")
    folder = tmp_path / "USCHAD"
    facts = open_unimts(tmp_path, "USCHAD")
    values = np.load(folder / "X_train.npy", allow_pickle=False)
    np.save(folder / "X_train.npy", values[..., :5])
    with pytest.raises(ValueError, match=r"X_train.npy is float32.*6 columns"):
        list(facts.read(tmp_path))
    np.save(folder / "X_train.npy", values)
    np.save(folder / "y_train.npy", np.arange(6) + 10)
    with pytest.raises(ValueError, match=r"labels beside .* must be 0 to 11"):
        list(facts.read(tmp_path))
    (folder / "y_train.npy").write_bytes(b"\x93NUMPY\x01\x00garbage")
    with pytest.raises(ValueError, match=r"y_train.npy: not a readable npy"):
        list(facts.read(tmp_path))
    told = json.loads((folder / "USCHAD.json").read_text())["label_dictionary"]
    told.pop("11")
    (folder / "USCHAD.json").write_text(json.dumps({"label_dictionary": told}))
    with pytest.raises(ValueError, match="names 11 classes, 12 are expected"):
        open_unimts(tmp_path, "USCHAD")


def test_an_order_of_classes_that_differs_is_told(tmp_path):
    write_unimts(tmp_path, "UCIHAR")
    path = tmp_path / "UCIHAR" / "UCIHAR.json"
    told = json.loads(path.read_text())["label_dictionary"]
    told["3"], told["5"] = told["5"], told["3"]
    path.write_text(json.dumps({"label_dictionary": told}))
    odd = [
        f for f in open_unimts(tmp_path, "UCIHAR").flags if "check that the order" in f
    ]
    assert len(odd) == 2


@pytest.fixture
def comodo(tmp_path):
    lines = {
        "train": [("a_1", "Cooking"), ("b_2", "Bike Repair")],
        "test": [("c_3", "Cooking")],
    }
    (tmp_path / "processed_imu").mkdir()
    truth = {}
    for split, rows in lines.items():
        text = "".join(f"{name}\t{label}\n" for name, label in rows)
        (tmp_path / f"{split}.txt").write_text(text)
        for seed, (name, _) in enumerate(rows):
            truth[name] = signals.worn(23.0, 200.0, seed)
            array = truth[name].T.astype(np.float64)
            np.save(tmp_path / "processed_imu" / f"{name}.npy", array)
            np.save(tmp_path / "processed_imu" / f"{name}_timestamps.npy", array[0])
    return tmp_path, truth


def test_comodo_arrays_are_whole_windows_of_the_head(comodo):
    folder, truth = comodo
    facts = open_comodo(folder)
    windows = build(facts, facts.read(folder))
    assert windows.classes == ("Bike Repair", "Cooking")
    assert [windows.classes[i] for i in windows.label[[0, 4, 8]]] == [
        "Cooking",
        "Bike Repair",
        "Cooking",
    ]
    # 23 s are four windows of 5 s; the rest is dropped, as COMODO does.
    assert len(windows) == 12
    assert windows.card["dropped"] == {"remainders shorter than 5 s": 3}
    assert set(np.diff(windows.offsets)) == {300}
    assert windows.node.tolist() == [XSENS.index("Head")]
    still = np.linalg.norm(truth["a_1"][:, :3], axis=1)
    assert np.median(
        np.linalg.norm(windows.window(0)[:, 0, :3], axis=1)
    ) == pytest.approx(np.median(still), abs=0.3)


def test_comodo_zeros_are_missing_and_its_faults_are_named(comodo):
    folder, truth = comodo
    array = truth["a_1"].T.copy()
    array[:, 400:1400] = 0.0
    np.save(folder / "processed_imu" / "a_1.npy", array)
    facts = open_comodo(folder)
    recording = next(facts.read(folder))
    assert np.isnan(recording.streams[0].values[400:1400]).all()
    assert "zeros" in recording.notes[0]
    np.save(folder / "processed_imu" / "a_1.npy", array.T)
    with pytest.raises(
        ValueError, match=r"a_1.npy: float32\[4600, 6\]; expected floats"
    ):
        list(facts.read(folder))
    (folder / "processed_imu" / "a_1.npy").unlink()
    with pytest.raises(
        ValueError, match=r"no file a_1.npy, which the train split names"
    ):
        list(facts.read(folder))
    (folder / "test.txt").write_text("c_3 Cooking\n")
    with pytest.raises(
        ValueError, match=r"test.txt, line 1: expected a recording, a tab"
    ):
        open_comodo(folder)


def write_bench(path, rows, first=0):
    schema = pyarrow.schema(
        [
            ("sample_id", pyarrow.string()),
            ("session_id", pyarrow.string()),
            ("subject_id", pyarrow.string()),
            ("label", pyarrow.string()),
            ("label_id", pyarrow.int32()),
            ("imu", pyarrow.list_(pyarrow.list_(pyarrow.float32(), 18))),
        ]
    )
    names = ("walking", "standing", "sitting")
    table = pyarrow.Table.from_pylist(
        [
            {
                "sample_id": f"s{first + i}",
                "session_id": "a",
                "subject_id": f"person {i % 2}",
                "label": names[(first + i) % 3],
                "label_id": (first + i) % 3,
                "imu": imu.tolist(),
            }
            for i, imu in enumerate(rows)
        ],
        schema=schema,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, compression="zstd")


def test_anymo_bench_windows_come_as_they_are(tmp_path):
    name = "AnyMo-Bench-50-US"
    lengths = (300, 60, 217, 300)
    devices = [signals.worn(15.0, 60.0, seed) for seed in range(3)]
    whole = np.concatenate(devices, axis=1)
    edges = np.cumsum([0, *lengths])
    rows = [whole[a:b].copy() for a, b in itertools.pairwise(edges)]
    rows[2][:100, 6:12] = 0.0
    folder = tmp_path / "data" / name
    write_bench(folder / "train-00000.parquet", rows[:3])
    write_bench(folder / "test-00000.parquet", rows[3:], first=3)
    facts = open_anymo_bench(tmp_path, name)
    windows = build(facts, facts.read(tmp_path))
    assert windows.classes == ("walking", "standing", "sitting")
    assert np.diff(windows.offsets).tolist() == list(lengths)
    np.testing.assert_allclose(windows.window(1).reshape(60, 18), rows[1], atol=1e-5)
    assert np.isnan(windows.window(2)[:100, 1]).all()
    np.testing.assert_allclose(windows.window(2)[:, 0], rows[2][:, :6], atol=1e-5)
    assert [windows.splits[i] for i in windows.split] == ["train"] * 3 + ["test"]
    assert [XSENS.names[n] for n in windows.node] == ["Head", "L_Forearm", "R_Forearm"]
    with pytest.raises(ValueError, match="no AnyMo-Bench-150-US/train"):
        open_anymo_bench(tmp_path, "AnyMo-Bench-150-US")
    (folder / "test-00000.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match=r"test-00000.parquet: not a readable Parquet"):
        open_anymo_bench(tmp_path, name)


def npz_arrays():
    return dict(
        x=signals.worn(60.0, 50.0).reshape(6, 500, 1, 6),
        y=np.arange(6) % 2,
        classes=np.array(["sitting", "walking"]),
        sites=np.array(["left wrist"]),
        subject=np.array([1, 1, 2, 2, 3, 3]),
        fs=50.0,
    )


def test_an_npz_file_of_windows(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **npz_arrays())
    facts = open_npz(path)
    windows = build(facts, facts.read(path))
    assert windows.classes == ("sitting", "walking")
    assert windows.label.tolist() == [0, 1] * 3
    assert [windows.subjects[i] for i in windows.subject] == [
        "1",
        "1",
        "2",
        "2",
        "3",
        "3",
    ]
    assert [XSENS.names[n] for n in windows.node] == ["L_Forearm"]
    # 500 samples at 50 Hz last 9.98 s from first to last.
    assert set(np.diff(windows.offsets)) == {599}
    ragged = npz_arrays()
    ragged["offsets"] = np.arange(7) * 500
    ragged["x"] = ragged["x"].reshape(-1, 1, 6)
    np.savez(tmp_path / "ragged.npz", **ragged)
    other = open_npz(tmp_path / "ragged.npz")
    again = build(other, other.read(tmp_path / "ragged.npz"))
    np.testing.assert_array_equal(again.signal, windows.signal)


NPZ_FAULTS = {
    "field y must index classes": dict(y=np.array([0, 1, 0, 1, 0, -1])),
    "field y must index": dict(y=np.array([0, 1, 0, 1, 0, 2])),
    "beside 5 windows": dict(y=np.arange(5) % 2),
    "field y is float64": dict(y=np.zeros(6)),
    "field x is float32": dict(x=np.zeros((6, 500, 6), np.float32)),
    "field x must be finite": dict(x=np.full((6, 500, 1, 6), np.inf)),
    "field fs must be positive": dict(fs=0.0),
    "field sites: unknown site 'moon'.*sites='moon=left wrist'": dict(
        sites=np.array(["moon"])
    ),
    "field classes must differ": dict(classes=np.array(["a", "a"])),
    "field offsets must rise": dict(
        x=np.zeros((3000, 1, 6), np.float32),
        offsets=np.array([0, 500, 400, 1500, 2000, 2500, 3000]),
    ),
    "pickled objects": dict(subject=np.array([None] * 6)),
}


@pytest.mark.parametrize("said", NPZ_FAULTS)
def test_faults_of_an_npz_file_are_named(said, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **npz_arrays() | NPZ_FAULTS[said])
    with pytest.raises(ValueError, match=rf"mine.npz: .*{said}"):
        open_npz(path)


@pytest.mark.parametrize(
    "rate_hz, samples", [(20, 298), (25, 298), (50, 299), (60, 300)]
)
def test_windows_end_at_their_last_sample(rate_hz, samples, tmp_path):
    count = 5 * rate_hz
    signal = signals.worn(2 * 5.0, rate_hz).reshape(2, count, 1, 6)
    path = tmp_path / "my.npz"
    arrays = dict(npz_arrays(), x=signal, y=np.array([0, 1]), fs=np.float32(rate_hz))
    arrays |= dict(subject=np.array([1, 2]), sites=np.array(["left wrist"]))
    arrays.pop("offsets", None)
    np.savez(path, **arrays)
    facts = open_npz(path)
    made = build(facts, facts.read(path))
    assert np.diff(made.offsets).tolist() == [samples, samples]
    last = (samples - 1) / 60
    assert last <= (count - 1) / rate_hz < last + 1 / 60
