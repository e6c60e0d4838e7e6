"""Sends a run to Weights & Biases: follows `metrics.jsonl` and `events.jsonl` in its folder until its standard input is closed.

Arguments: folder of the run, project, `online` or `offline`. What was sent, and the id of the run there, are kept in
`sinks/wandb.json`, so that a resumed run goes on with it. Key and server come from the environment, as for every program
that uses `wandb`.
"""

import json
import os
import sys
import threading
import time
import tomllib
import uuid
from pathlib import Path

import wandb

folder, project, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
STATE = folder / "sinks/wandb.json"
SECONDS = 1.0
# Time for the last lines after the input was closed: another thread of the trainer writes them.
LAST_SECONDS = 3.0
# All of the first points, then one a second on average: metrics.jsonl has all.
BURST = 1000


class Lines:
    """New whole lines of a file that another process appends to, and may cut off or replace."""

    def __init__(self, path):
        self.path, self.file, self.rest = path, None, b""

    def new(self):
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return
        if self.file:
            held = os.fstat(self.file.fileno())
            if held.st_ino != found.st_ino or found.st_size < self.file.tell():
                self.file.close()
                self.file = None
        if not self.file:
            self.file, self.rest = open(self.path, "rb"), b""
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                pass  # A damaged line.


def numbers(line):
    """The numbers of an iteration under `group/key`, as in the other tools."""
    for key, value in line.items():
        group = GROUPS.get(key)
        if group is None:
            continue
        tag = f"{group}/{key}"
        if key == "results":
            yield from zip((f"{tag}/{part}" for part in ("black", "white", "draws")), value)
        elif key == "alarms":
            yield tag, len(value)
        elif isinstance(value, dict):
            yield from ((f"{tag}/{part}", count) for part, count in value.items() if isinstance(count, (int, float)))
        elif isinstance(value, (int, float)):
            yield tag, value


def main():
    # An agent of a sweep there has chosen the id.
    state = {"id": os.environ.get("WANDB_RUN_ID") or uuid.uuid4().hex[:8], "iteration": 0, "evaluation": 0, "restored": 0.0}
    try:
        state |= json.loads(STATE.read_text())
    except FileNotFoundError:
        STATE.write_text(json.dumps(state))
    config = tomllib.loads((folder / "config.toml").read_text())
    name = folder.resolve().name
    run = wandb.init(project=project, id=state["id"], name=name, mode=mode, dir=folder / "sinks", resume="allow")
    run.config.update(config, allow_val_change=True)
    run.define_metric("run/plies")
    run.define_metric("*", step_metric="run/plies")

    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), closed.set()), daemon=True).start()
    metrics, events = Lines(folder / "metrics.jsonl"), Lines(folder / "events.jsonl")
    begin, end = time.time(), None
    allowance, newest, left_out = BURST, 0.0, None
    is_over = False
    while not is_over:
        if closed.wait(SECONDS if end is None else 0.05) and end is None:
            end = time.monotonic() + LAST_SECONDS
        for event in events.new():
            match event["event"]:
                case "evaluation" if event["iteration"] > state["evaluation"]:
                    state["evaluation"] = event["iteration"]
                    tag = f"evaluation/{event['opponent']}"
                    low, high = event["interval"]
                    score = {f"{tag}/score": event["score"], f"{tag}/low": low, f"{tag}/high": high}
                    run.log({"run/plies": event["plies"]} | score)
                case "alarm":
                    run.summary[f"alarms/{event['id']}"] = f"iteration {event['iteration']}: {event['text']}"
                case "restored" if event["time"] > state["restored"]:
                    state["restored"] = event["time"]
                    for key in ("iteration", "evaluation"):
                        state[key] = min(state[key], event["iteration"])
                    metrics = Lines(folder / "metrics.jsonl")
                case "run_ended" if event["time"] > begin:
                    is_over = True
        # After the events: the iterations before the end of a run are written before it.
        for line in metrics.new():
            if line["iteration"] <= state["iteration"]:
                continue
            state["iteration"] = line["iteration"]
            allowance, newest = min(allowance + max(line["time"] - newest, 0), BURST), line["time"]
            left_out = line
            if allowance >= 1:
                allowance -= 1
                run.log(dict(numbers(line)))
                left_out = None
        is_over = is_over or end is not None and time.monotonic() > end
        if is_over and left_out:
            run.log(dict(numbers(left_out)))
        fresh = STATE.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(STATE)
    run.finish()


GROUPS = json.loads(os.environ["KEISEI_METRIC_GROUPS"])
if __name__ == "__main__":
    main()
