import re
from dataclasses import fields

import numpy as np
import pytest

from higgs_tutorial.physics import detector, features, generator, kinematics
from higgs_tutorial.physics import simulate as module
from higgs_tutorial.physics.detector import ISOLATION, JET_ETA, JET_PT, LEPTON_ETA, LEPTON_PT
from higgs_tutorial.physics.kinematics import wrap
from higgs_tutorial.physics.parameters import Parameters, parse
from higgs_tutorial.physics.simulate import CHUNK, simulate, simulate_into


def test_shapes_types_and_classes(simulated):
    x, y = simulated
    assert x.shape == (CHUNK + 1000, 28)
    assert x.dtype == y.dtype == np.float32
    assert y.shape == (CHUNK + 1000,)
    assert set(np.unique(y)) == {0.0, 1.0}
    assert abs(y.mean() - 0.53) < 4 * 0.5 / np.sqrt(len(y))
    assert np.isfinite(x).all()
    # Mixed: no run of one class is longer than chance allows.
    assert np.diff(np.flatnonzero(y)).max() < 40


def test_same_seed_same_rows_whatever_the_workers(simulated):
    x, y = simulate(CHUNK + 1000, seed=11, workers=1)
    np.testing.assert_array_equal(x, simulated[0])
    np.testing.assert_array_equal(y, simulated[1])
    x, _ = simulate(CHUNK + 1000, seed=11, workers=3)
    np.testing.assert_array_equal(x, simulated[0])


def test_a_smaller_request_is_the_start_of_a_larger_one(simulated):
    x, y = simulate(100, seed=11)
    np.testing.assert_array_equal(x, simulated[0][:100])
    np.testing.assert_array_equal(y, simulated[1][:100])


def test_other_seeds_and_chunks_are_other_rows(simulated):
    other, _ = simulate(100, seed=12)
    identity = lambda x: x[:, 3].astype(float) + 1000 * x[:, 22]  # noqa: E731
    assert not np.isin(identity(other), identity(simulated[0])).any()
    assert not np.isin(identity(simulated[0][CHUNK:]), identity(simulated[0][:CHUNK])).any()


def test_into_a_memory_map_with_progress(tmp_path, simulated):
    out = np.lib.format.open_memmap(tmp_path / "rows.npy", "w+", np.float32, (CHUNK + 1000, 29))
    done = []
    simulate_into(out, seed=11, workers=2, on_chunk=done.append)
    assert done == [CHUNK, 1000]
    np.testing.assert_array_equal(out[:, 1:], simulated[0])
    np.testing.assert_array_equal(out[:, 0], simulated[1])


def test_an_error_in_the_progress_stops_the_work(simulated):
    out = np.empty((3 * CHUNK, 29), np.float32)

    def interrupt(rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_into(out, workers=2, on_chunk=interrupt)


def test_no_events():
    x, y = simulate(0)
    assert x.shape == (0, 28)
    assert y.shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate(-1), "negative"),
        (lambda: simulate(2.5), "whole number"),
        (lambda: simulate(10, seed=-1), "seed"),
        (lambda: simulate(10, workers=0), "workers"),
        (lambda: simulate_into(np.empty((3, 28), np.float32)), r"\[events, 29\]"),
        (lambda: simulate_into(np.empty((3, 29))), "float32"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_selection_holds(simulated):
    lepton_pt, lepton_eta, lepton_phi, met, _ = (
        physical := features.to_physical(simulated[0].astype(float)).T
    )[:5]
    pt, eta, phi, tag = (physical[5 + value : 21 : 4] for value in range(4))
    assert lepton_pt.min() > LEPTON_PT - 1e-4
    assert np.abs(lepton_eta).max() < LEPTON_ETA + 1e-3
    assert pt.min() > JET_PT - 1e-4
    assert np.abs(eta).max() < JET_ETA + 1e-3
    assert met.min() >= 0
    assert np.abs(phi).max() < np.pi + 1e-3
    distance = np.hypot(eta - lepton_eta, wrap(phi - lepton_phi))
    assert distance.min() > ISOLATION - 3e-3
    tags = np.round(tag)
    np.testing.assert_allclose(tag, tags, atol=1e-4)
    assert set(np.unique(tags)) == {0, 1, 2}
    assert (tags > 0).sum(axis=0).max() == 2


def test_tag_columns_hold_the_files_values(simulated):
    for column, value in zip((8, 12, 16, 20), (2.173076, 2.214872, 2.548224, 3.101962), strict=True):
        np.testing.assert_allclose(np.unique(simulated[0][:, column]), [0, value / 2, value], rtol=1e-6)


def test_momenta_lie_on_the_files_grid(simulated):
    physical = features.to_physical(simulated[0].astype(float))
    for column, step in ((0, 0.01), (1, 0.001), (5, 0.01), (6, 0.001), (17, 0.01), (18, 0.001)):
        phase = np.exp(2j * np.pi * physical[:, column] / step)
        assert np.abs(phase - 1).max() < 0.1


def test_high_level_columns_are_functions_of_the_others(simulated):
    x, _ = simulated
    high = features.high_level(x[:, :21])
    error = np.abs(high / x[:, 21:] - 1)
    two = (x[:, [8, 12, 16, 20]] > 0).sum(axis=1) == 2
    assert (error[:, 2] < 1e-4).all()  # m_lv
    assert (error[two, 4] < 1e-4).all()  # m_bb
    listed = two & (error[:, 0] < 1e-4)
    assert 0.45 < listed[two].mean() < 0.85  # the others used a fifth or sixth jet
    assert (error[listed] < 1e-4).mean() > 0.999  # an unlisted pair's m_jj may come as close by chance


def test_classes_differ_as_the_physics_says(simulated):
    x, y = simulated
    m_bb, m_wbb = (features.to_physical(x[y == k])[:, [25, 26]].T for k in (1, 0))
    near = [np.mean(np.abs(m - 115) < 25) for m in (m_bb[0], m_wbb[0])]
    assert near[0] > 1.3 * near[1]  # h0 -> b b
    assert np.abs(np.corrcoef(x[:, 2], y)[0, 1]) < 0.03  # azimuths tell nothing


def test_version_names_the_rows():
    assert isinstance(module.SIMULATOR_VERSION, str)
    assert module.SIMULATOR_VERSION


@pytest.mark.parametrize("signal", [True, False])
def test_example_events_for_pictures(signal):
    partons, measured = module.example_events(50, signal, seed=3)
    assert all(p.shape == (4, 50) for p in partons.values())
    assert measured["jet_pt"].shape == (8, 50)
    assert ((measured["jet_tag"] > 0).sum(axis=0) == 2).all()
    assert ((measured["jet_pt"] > JET_PT).sum(axis=0) >= 4).all()
    lepton = partons["lepton"]
    np.testing.assert_allclose(np.hypot(lepton[1], lepton[2]), measured["lepton_pt"], rtol=1e-9)
    # The missing energy points, more often than not, where the neutrino went.
    toward = np.cos(np.arctan2(partons["neutrino"][2], partons["neutrino"][1]) - measured["missing_phi"])
    assert np.median(toward) > 0.5
    again = module.example_events(50, signal, seed=3)[1]
    np.testing.assert_array_equal(again["jet_pt"], measured["jet_pt"])


@pytest.fixture(scope="module")
def with_truth():
    return simulate(CHUNK + 1000, seed=11, truth=True)


def test_truth_changes_no_row_and_not_by_the_workers(simulated, with_truth):
    np.testing.assert_array_equal(with_truth[0], simulated[0])
    np.testing.assert_array_equal(with_truth[1], simulated[1])
    again = simulate(CHUNK + 1000, seed=11, truth=True, workers=3)[2]
    np.testing.assert_array_equal(again, with_truth[2])


def test_truth_is_of_the_same_events(with_truth):
    x, y, truth = with_truth
    p = {name: truth[name].T.astype(float) for name in generator.PARTONS}
    physical = features.to_physical(x.astype(float))
    np.testing.assert_allclose(np.hypot(*p["lepton"][1:3]), physical[:, 0], atol=0.006)
    np.testing.assert_allclose(truth["jet_pt"][:, :4], physical[:, 5:21:4], atol=0.006)
    np.testing.assert_array_equal(truth["jet_tag"][:, :4], np.round(physical[:, 8:21:4]))
    h0 = kinematics.mass(p["bottom_1"] + p["bottom_2"])
    np.testing.assert_allclose(h0[y == 1], generator.LIGHT_HIGGS, rtol=1e-3)  # single precision
    tops = [p["bottom_1"] + p["lepton"] + p["neutrino"], p["bottom_2"] + p["quark_1"] + p["quark_2"]]
    for top in tops:
        assert abs(np.median(kinematics.mass(top)[y == 0]) - generator.TOP) < 0.2


def test_truth_says_which_jet_came_from_which_parton(with_truth):
    truth = with_truth[2]
    present = truth["jet_pt"] > 0
    assert ((truth["jet_origin"] > 0) == present).all()
    assert present[:, 4].mean() > 0.4  # the fifth jet, which no column tells
    for number, name in enumerate(detector.QUARKS):
        holds = truth["jet_origin"] >> number & 1 > 0
        assert holds.sum(axis=1).max() <= 1
        p = truth[name].T.astype(float)
        event, jet = np.nonzero(truth["jet_origin"] == 1 << number)  # it alone
        distance = np.hypot(
            truth["jet_eta"][event, jet] - kinematics.pseudorapidity(p)[event],
            wrap(truth["jet_phi"][event, jet] - kinematics.azimuth(p)[event]),
        )
        assert np.median(distance) < 0.15


def response(truth):
    """Median of listed over partonic pT of jets that hold nothing but a quark of the W."""
    event, jet = np.nonzero(truth["jet_origin"] == 4)
    p = truth["quark_1"][event]
    pt = np.hypot(p[:, 1], p[:, 2])
    return np.median((truth["jet_pt"][event, jet] / pt)[pt > 60])


def test_parameters_vary_the_detector_and_nothing_else(with_truth):
    up = simulate(CHUNK + 1000, seed=11, parameters={"response": 1.05}, truth=True)
    np.testing.assert_allclose(response(up[2]) / response(with_truth[2]), 1.05, atol=0.01)
    assert abs(up[0][:, 0].mean() / with_truth[0][:, 0].mean() - 1) < 0.02
    same = simulate(200, seed=11, parameters=Parameters())[0]
    np.testing.assert_array_equal(same, with_truth[0][:200])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"respons": 1.05}, "there is no parameter 'respons'; do you mean response?"),
        ({"zzz": 1.0}, "it must be one of: gluon_rise, "),
        ({"response": "1.05"}, "response is '1.05'; it must be a finite number"),
        ({"response": float("nan")}, "response is nan; it must be a finite number"),
        ({"response": -1.0}, "response is -1; it must be from 0.01 to 100"),
        ({"fsr": 1.5}, "fsr is 1.5; it must be from 0 to 1"),
        ({"tag_eta": 2.5}, "tag_eta is 2.5; it must be below tag_eta_end"),
    ],
)
def test_impossible_parameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        simulate(10, parameters=changes)


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", [f.name for f in fields(Parameters)])
def test_every_possible_value_simulates_or_says_why_not(name, end, monkeypatch):
    monkeypatch.setattr(module, "HOPELESS", 3000)
    value = Parameters.__dataclass_fields__[name].metadata["possible"][end]
    try:
        x = module.simulate_chunk(0, 0, Parameters.of({name: value}), rows=20)
    except ValueError as error:
        assert re.search("passes the selection|must be below", str(error))  # noqa: PT017
        return
    assert np.isfinite(x).all()


def test_parameters_that_leave_no_event_end_with_an_error(monkeypatch):
    monkeypatch.setattr(module, "HOPELESS", 3000)
    with pytest.raises(ValueError, match=r"none of .* events passes the selection with these parameters"):
        simulate(10, parameters={"response": 0.01})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["response"], "'response': it must be NAME=VALUE"),
        (["response=x"], "response is 'x'; it must be a finite number"),
        (["fsr=0.1", "fsr=0.2"], "fsr is given twice"),
        (["frs=0.1"], "do you mean fsr?"),
    ],
)
def test_what_is_no_parameter_is_said(texts, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(texts)


def test_parameters_are_read_from_text():
    assert parse(["response=1.05", "fsr = 2e-1"]) == {"response": 1.05, "fsr": 0.2}


def test_truth_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"truth must be an array \[3\]"):
        simulate_into(np.empty((3, 29), np.float32), truth=np.empty(2, module.TRUTH))
