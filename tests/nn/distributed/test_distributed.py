"""Replicas that share the work compute what one device computes: on one machine and on two."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from contextlib import ExitStack
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from making import make_events

from higgs_tutorial.nn import LogisticRegression, evaluate, train

HERE = Path(__file__).parent
SECONDS = 900  # far above what a process takes, so only one that hangs is stopped


def environment(**more):
    return {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "no_grpc_proxy": "127.0.0.1,localhost",
        **more,
    }


def start(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, str(HERE / "replicas_script.py"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
    )


def start_workers(*arguments, count=2):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]}
    return [
        start(
            *arguments, TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        )
        for index in range(count)
    ]


def finish(process):
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, err[-3000:]
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def outcomes():
    """What one device, two devices and two processes make of the same runs."""
    processes = {"one": [start("one")], "two": [start("two")], "workers": start_workers("workers")}
    try:
        found = {name: [finish(process) for process in group] for name, group in processes.items()}
    finally:
        for process in (process for group in processes.values() for process in group):
            process.kill()
            process.communicate()
    return {name: [{run["case"]: run for run in runs} for runs in group] for name, group in found.items()}


CASES = ["logistic", "weighted stream", "dropout", "synchronized"]


def assert_close(ours, theirs):
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=2e-6)
    assert ours["aucs"] == pytest.approx(theirs["aucs"], abs=2e-5)
    for name, values in theirs["weights"].items():
        assert ours["weights"][name] == pytest.approx(values, rel=1e-4, abs=1e-5), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("how", ["two", "workers"])
def test_replicas_give_the_result_of_one(outcomes, how, case):
    one = outcomes["one"][0][case]
    for found in outcomes[how]:
        assert_close(found[case], one)
    assert one["losses"][-1] < one["losses"][0]


def test_two_workers_and_two_devices_agree_on_every_worker(outcomes):
    first, second = outcomes["workers"]
    assert first == second


def test_statistics_of_each_replica_are_another_thing(outcomes):
    """With synchronized=False the result is not that of one device, but two devices and workers agree."""
    one, two = outcomes["one"][0]["per replica"], outcomes["two"][0]["per replica"]
    assert two["losses"] != pytest.approx(one["losses"], rel=1e-4)
    assert two["aucs"][-1] == pytest.approx(one["aucs"][-1], abs=0.05)
    assert_close(outcomes["workers"][0]["per replica"], two)
    assert one == {**outcomes["one"][0]["synchronized"], "case": "per replica"}


def test_each_event_is_seen_once_an_epoch(outcomes):
    for how in ("one", "two", "workers"):
        for found in outcomes[how]:
            assert found["seen"]["counts"] == [1.0] * 53


def test_mistakes_are_explained(outcomes):
    says = outcomes["two"][0]["mistakes"]["says"]
    assert "make the model within strategy.scope()" in says["model"]
    assert "make the optimizer" not in says["model"]
    assert "make it within strategy.scope()" in says["optimizer"]
    assert "clipnorm would act on each replica's part" in says["clipnorm"]


def test_workers_with_different_runs_are_refused():
    first, second = start_workers("differ")
    says = [finish(process)[0]["says"] for process in (first, second)]
    assert "another one is not the chief's" in says[0]
    assert "seed of this one is not the chief's" in says[1]


def run_here(script, **more):
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=SECONDS,
    )


MAKE = """
from higgs_tutorial.nn.distributed.cluster import make_strategy
try:
    make_strategy("multiworker", timeout=3)
except (ValueError, ConnectionError) as error:
    print(type(error).__name__, error, flush=True)
import os
os._exit(0)
"""


def test_a_worker_that_never_comes_is_not_waited_for_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as free:
        cluster = {"worker": ["127.0.0.1:1", f"127.0.0.1:{free.getsockname()[1]}"]}
    config = {"cluster": cluster, "task": {"type": "worker", "index": 1}}
    done = run_here(MAKE, TF_CONFIG=json.dumps(config))
    assert done.returncode == 1
    assert "Timeout (0:00:03)" in done.stderr


def test_a_wrong_tf_config_is_explained(monkeypatch):
    from higgs_tutorial.nn.distributed.cluster import make_strategy

    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match=r"needs 'TF_CONFIG' in TF_CONFIG='\{"):
        make_strategy("multiworker")
    for wrong in ("{", "[]", '{"cluster": {"worker": []}}', '{"cluster": {"worker": ["a:1"]}, "task": {}}'):
        monkeypatch.setenv("TF_CONFIG", wrong)
        with pytest.raises(ValueError, match=r"TF_CONFIG"):
            make_strategy("multiworker")
    with pytest.raises(ValueError, match="must be one of: mirrored, multiworker"):
        make_strategy("tpu")


def read_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {process.stderr.read()[-2000:]}")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_worker_ends_the_others_and_a_restart_goes_on(tmp_path, outcomes):
    pair = start_workers("resume", tmp_path, 1000)
    with pair[0], pair[1]:
        for process in pair:
            read_until(process, '"epoch": 2')
        pair[1].send_signal(signal.SIGKILL)
        killed = time.monotonic()
        out, err = pair[0].communicate(timeout=SECONDS)
        assert time.monotonic() - killed < 60
    assert pair[0].returncode == 7, err[-3000:]
    lost = json.loads(out.splitlines()[-1])["says"]
    assert "another worker was lost; start all of them again" in lost
    last = max(int(file.stem.split("-")[1]) for file in tmp_path.glob("epoch-*.npz"))
    again = [finish(process) for process in start_workers("resume", tmp_path, last + 2)]
    assert again[0] == again[1]
    assert [line["epoch"] for line in again[0][:-1]] == [last + 1, last + 2]
    whole = [finish(process)[-1] for process in start_workers("resume", tmp_path / "whole", last + 2)]
    assert whole[0]["scores"] == again[0][-1]["scores"]  # bitwise


def test_models_trained_under_a_strategy_are_let_go():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    events = make_events(60)
    alive = []
    for seed in range(3):
        with strategy.scope():
            model, optimizer = LogisticRegression(seed=seed), keras.optimizers.SGD(0.1)
            train(model, events, optimizer, 30, seed=1)
            evaluate(model, events)
        alive += [weakref.ref(model), weakref.ref(optimizer)]
        del model, optimizer
        gc.collect()
    assert [made() for made in alive] == [None] * 6
