"""Reads back what a run has told its sinks, each with the sink's own software.

Arguments: the sink, the program `trainer-native`, and an empty folder. Prints a line for each check; ends with an error if one
fails. Servers are real ones, on this machine alone. `trainer-native/tests/sinks.rs` calls it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sink, program, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
os.chdir(folder)
RUN = Path("run")
TINY = "--preset tiny --set run.evaluate_plies=128 --set run.evaluate_games=2".split()


def command(*args):
    return [program, "train", "--plain", *args]


def train(*args, budget=256, fails=False):
    """Starts the run, or goes on with it, and waits until it has ended. Returns its digest."""
    begin = ["--resume", RUN] if RUN.exists() else ["--out", RUN, *TINY]
    done = subprocess.run(command(*begin, "--plies", str(budget), *args), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    summary = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (int(summary["failures of sinks"]) > 0) == fails, done.stderr + done.stdout
    return summary["digest"]


def start(*args):
    return subprocess.Popen(command("--out", RUN, *TINY, *args), stderr=subprocess.DEVNULL)


def kill(process, iterations):
    """Kills the run when it has done some iterations and is in the midst of another."""
    wait_for(lambda: len(lines("metrics.jsonl")) >= iterations)
    process.kill()
    process.wait()


def lines(name):
    path = RUN / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def metrics():
    found = lines("metrics.jsonl")
    assert [line["iteration"] for line in found] == list(range(1, len(found) + 1))
    return found


def evaluations():
    return [line for line in lines("events.jsonl") if line["event"] == "evaluation"]


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            found = what()
        except OSError:
            found = None
        if found:
            return found
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.05)


def get(url, body=None):
    """Answer to a GET; to a POST where there is a body, which is JSON."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
    # Not through a proxy.
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).read().decode()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def numbers():
    """Number of each metric by tag, for each iteration by its plies."""
    groups = json.loads(os.environ["KEISEI_METRIC_GROUPS"])
    found = {}
    for line in metrics():
        numbers = found[line["plies"]] = {}
        for key, group in groups.items():
            value = line[key]
            if key == "results":
                numbers |= {f"{group}/{key}/{part}": count for part, count in zip(("black", "white", "draws"), value)}
            elif key == "reasons":
                numbers |= {f"{group}/{key}/{reason}": count for reason, count in value.items()}
            elif key == "alarms":
                numbers[f"{group}/{key}"] = len(value)
            elif isinstance(value, (int, float)):
                numbers[f"{group}/{key}"] = value
    return found


def compare(name, read, close=1e-7):
    """Compares what the software has read, numbers by tag and plies, with the files of the run: each iteration once, with all tags.
    Numbers of 32 bits may be written in more digits there."""
    wanted = numbers()
    for plies, numbers_there in wanted.items():
        for tag, value in numbers_there.items():
            points = [found for step, found in read(tag) if step == plies]
            assert len(points) == 1, (tag, plies, points)
            assert abs(points[0] - value) <= close * abs(value), (tag, plies, points, value)
    steps = [step for step, _ in read("losses/value_loss")]
    assert steps == list(wanted), steps
    for evaluation in evaluations():
        found = dict(read(f"evaluation/{evaluation['opponent']}/score"))
        assert abs(found[evaluation["plies"]] - evaluation["score"]) < 1e-6
    assert evaluations(), "no evaluation was played"
    print(f"{name}: {len(wanted)} iterations of {len(numbers_there)} numbers and {len(evaluations())} evaluations are equal")


def check_tensorboard():
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    kill(start("--plies", "100000", "--set", "run.checkpoint_plies=256"), 7)
    killed_at = len(lines("metrics.jsonl"))
    train(budget=1024)
    train(budget=1280)
    assert killed_at >= 7 and len(metrics()) == 20
    files = list((RUN / "tensorboard").iterdir())
    assert len(files) == 3, files
    board = EventAccumulator(str(RUN / "tensorboard"), {"scalars": 0, "tensors": 0}).Reload()
    compare("EventAccumulator", lambda tag: [(event.step, event.value) for event in board.Scalars(tag)], close=1e-6)
    times = [event.wall_time for event in board.Scalars("run/plies")]
    assert times == sorted(times) and abs(times[-1] - metrics()[-1]["time"]) < 1e-3
    text = board.Tensors("settings")[-1].tensor_proto.string_val[0].decode()
    assert "| ppo.clip_coef | 0.2 |" in text, text
    content = board.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["net.channels"].number_value == 8 and settings["run.device"].string_value == "auto"
    print(f"EventAccumulator: {len(settings)} hyper-parameters and the settings as text")

    port = free_port()
    program = [sys.executable, "-m", "tensorboard.main", "--logdir", "run/tensorboard", "--port", str(port), "--host", "127.0.0.1"]
    server = subprocess.Popen(program, stderr=subprocess.DEVNULL)
    try:
        tags = wait_for(lambda: json.loads(get(f"http://127.0.0.1:{port}/data/plugin/scalars/tags")))
        [(name, tags)] = tags.items()
        assert "losses/value_loss" in tags and "Cross-entropy" in tags["losses/value_loss"]["description"], tags

        def read(tag):
            url = f"http://127.0.0.1:{port}/data/plugin/scalars/scalars?run={name}&tag={tag}"
            return [(step, value) for _, step, value in json.loads(get(url))]

        compare("tensorboard", read, close=1e-6)
        settings = get(f"http://127.0.0.1:{port}/data/plugin/text/text?run={name}&tag=settings")
        assert "ppo.clip_coef" in settings
        experiment = json.loads(get(f"http://127.0.0.1:{port}/data/plugin/hparams/experiment", b"{}"))
        assert "net.channels" in [parameter["name"] for parameter in experiment["hparamInfos"]], experiment
        print("tensorboard: the settings as text and as hyper-parameters")
    finally:
        server.terminate()
        server.wait()


def check_prometheus():
    from prometheus_client.parser import text_string_to_metric_families

    # A port that is taken is a failure, and is tried again.
    run = start("--plies", "1000000", "--set", "sinks.prometheus=127.0.0.1:0")
    try:
        address = wait_for(lambda: (RUN / "sinks/prometheus.txt").read_text().strip())
        ask = lambda: get(f"http://{address}/metrics")
        wait_for(lambda: "keisei_evaluation_score{" in ask() and "keisei_losses_value_loss" in ask())
        families = {family.name: family for family in text_string_to_metric_families(ask())}
    finally:
        run.send_signal(signal.SIGTERM)
        run.wait()
    value = lambda name: families[name].samples[0].value
    assert families["keisei_losses_value_loss"].type == "gauge" and families["keisei_events"].type == "counter"
    assert families["keisei_losses_value_loss"].documentation.startswith("Cross-entropy of the outcome")
    plies, count = value("keisei_run_plies"), 0
    for tag, wanted in numbers()[plies].items():
        parts = tag.split("/")
        name = f"keisei_{parts[0]}_{parts[1]}"
        samples = families[name].samples
        if len(parts) == 3:
            samples = [sample for sample in samples if parts[2] in sample.labels.values()]
        [sample] = samples
        assert abs(sample.value - wanted) <= 1e-7 * abs(wanted), (tag, sample, wanted)
        count += 1
    [info] = families["keisei_run_info"].samples
    assert info.labels["run"] == "run" and value("keisei_running") == 1
    assert "keisei_sink_failures" not in families
    assert families["keisei_evaluation_score"].samples[0].labels == {"opponent": evaluations()[0]["opponent"]}
    print(f"prometheus_client: {count} numbers of the iteration at {plies:.0f} plies are equal")


def check_mlflow():
    from mlflow import MlflowClient

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    quick = ["sinks.attempts=2", "sinks.first_delay=0.01", "sinks.pause=0.1", "sinks.mlflow_experiment=shogi 将棋"]
    sets = [arg for setting in [f"sinks.mlflow={url}", *quick] for arg in ("--set", setting)]

    def serve():
        program = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        places = ["--backend-store-uri", "sqlite:///mlflow.db", "--default-artifact-root", "artifacts"]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        log = open("mlflow.log", "a")
        server = subprocess.Popen(program + places, stdout=log, stderr=log, env=environment, start_new_session=True)
        wait_for(lambda: get(f"{url}/health") == "OK", 120)
        return server

    def end(server):
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()

    server = serve()
    try:
        train(*sets, budget=256)
        server = end(server)
        # What a server misses is sent later.
        train(budget=512, fails=True)
        server = serve()
        train("--set", "ppo.clip_coef=0.1", budget=640)
        client = MlflowClient(url)
        [experiment] = [found for found in client.search_experiments() if found.name == "shogi 将棋"]
        [run] = client.search_runs([experiment.experiment_id])
        history = lambda tag: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, tag)]
        compare("MlflowClient", history)
        assert run.info.run_name == "run" and run.info.status == "FINISHED", run.info
        assert len(run.data.params) > 40 and run.data.params["ppo.clip_coef"] == "0.2", run.data.params
        assert "ppo.clip_coef = 0.1" in run.data.tags["changed_after_iteration_8"], run.data.tags
        print(f"MlflowClient: {len(run.data.params)} parameters, the change of one, and the state of the run")
    finally:
        if server:
            end(server)


def leveldb_records(data, start):
    """Records of a file in the format of LevelDB's logs, whose first bytes are left out: blocks of 32 KiB, where a record may lie in
    several parts."""
    whole, place = b"", 0
    while place + 7 <= len(data):
        left = 32768 - (place + start) % 32768
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        if left < 7 or kind == 0:
            place += left
            continue
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # A whole record, or its last part.
            yield whole
            whole = b""


def check_wandb():
    from wandb.proto import wandb_internal_pb2

    os.environ |= {"WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    train("--set", "sinks.wandb=offline", "--set", f"sinks.wandb_python={sys.executable}", budget=256)
    train(budget=512)
    files = sorted(RUN.glob("sinks/wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime)
    assert len(files) == 2, files
    history, ids, config, summary = [], set(), {}, {}
    for path in files:
        for record in map(wandb_internal_pb2.Record.FromString, leveldb_records(path.read_bytes()[7:], 7)):
            if record.HasField("history"):
                item = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
                history.append(item)
            if record.HasField("run"):
                ids.add(record.run.run_id)
                assert record.run.project == "keisei" and record.run.display_name == "run"
                config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            config |= {item.key: json.loads(item.value_json) for item in record.config.update}
    assert len(ids) == 1, ids
    assert config["ppo"]["clip_coef"] == 0.2 and config["net"]["channels"] == 8, config
    # Plies stand beside each evaluation too.
    rows = lambda tag: [item for item in history if "run/iteration" in item or tag.startswith("evaluation")]
    compare("wandb", lambda tag: [(item["run/plies"], item[tag]) for item in rows(tag) if tag in item])
    print("wandb: the settings, and both parts of the run under one id")


def check_store():
    import boto3

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    os.environ |= {"AWS_ENDPOINT": url, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "NO_PROXY": "127.0.0.1"}
    quick = ["sinks.store=s3://shogi/agents", "sinks.attempts=2", "sinks.first_delay=0.01", "sinks.pause=0.1"]
    sets = [arg for setting in quick for arg in ("--set", setting)]
    # The store is away: the run goes on, and what is missing there is found after a restart.
    first = train(*sets, budget=256, fails=True)
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: get(f"{url}/moto-api/"))
        s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        s3.create_bucket(Bucket="shogi")
        before = [path.name for path in (RUN / "checkpoints").glob("*.checkpoint")]
        train(budget=384)
        objects = {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket="shogi")["Contents"]}
        # The newest of those that were missing; the run may have deleted older ones by now.
        assert first and f"agents/run/checkpoints/{max(before)}" in objects, (before, objects)
        copy = Path("copy")
        for key in objects:
            path = copy / Path(key).relative_to("agents/run")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket="shogi", Key=key)["Body"].read())
        local = [*(RUN / "checkpoints").glob("*.checkpoint"), *(RUN / name for name in ("metrics.jsonl", "events.jsonl", "config.toml", "curve.svg"))]
        for path in local:
            assert (copy / path.relative_to(RUN)).read_bytes() == path.read_bytes(), path
        newest = (copy / "models" / f"{len(metrics()):08}.model").read_bytes()
        assert newest == (RUN / "model.model").read_bytes()
        print(f"boto3: {len(objects)} objects, {len(local) + 1} of them equal to the files of the run")
        args = ["--resume", copy, "--plies", "512", "--set", "sinks.store=", "--set", "sinks.attempts=1"]
        done = subprocess.run(command(*args), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert f"digest {train(budget=512)}" in done.stdout
        print("boto3: a run that was downloaded goes on as the original does")
    finally:
        server.terminate()
        server.wait()


def check_all():
    """The digest of a run does not depend on its sinks, on one thread or two."""
    from_sinks = {}
    for name, sets in {
        "none": ["sinks.curve=false", "sinks.tensorboard=false"],
        "all": [
            "sinks.prometheus=127.0.0.1:0",
            f"sinks.mlflow=http://127.0.0.1:{free_port()}",
            "sinks.wandb=offline",
            "sinks.wandb_python=no-such-python",
            f"sinks.store={folder}/no/bucket",
            "sinks.attempts=1",
        ],
    }.items():
        for threads in (1, 2):
            args = [arg for setting in [*sets, f"run.threads={threads}"] for arg in ("--set", setting)]
            from_sinks[name, threads] = train(*args, budget=512, fails=name == "all")
            RUN.rename(f"{name}-{threads}")
    assert len({digest for (name, threads), digest in from_sinks.items() if threads == 1}) == 1, from_sinks
    assert len(set(from_sinks.values())) == 1, from_sinks
    print("one digest with no sink and with all, on one thread and two")


{
    "tensorboard": check_tensorboard,
    "prometheus": check_prometheus,
    "mlflow": check_mlflow,
    "wandb": check_wandb,
    "store": check_store,
    "all": check_all,
}[sink]()
