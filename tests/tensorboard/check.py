"""Compares what TensorBoard reads from event files with the logs beside them: see README.md."""

import json
import math
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# Names in the log by the tags of TensorBoard.
STEP = {"step/loss": "loss", "step/lr": "lr"}
EPOCH = {
    "train/loss": "train_loss",
    "train/error": "train_error",
    "train/lr": "lr",
    "train/images_per_second": "images_per_second",
    "test/loss": "test_loss",
    "test/error": "test_error",
}


def wanted(log):
    """The last value of each (tag, step): a run that went on from a checkpoint logs some steps again."""
    values = {}
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        tags = {"step": STEP, "epoch": EPOCH}.get(entry["kind"], {})
        for tag, name in tags.items():
            if isinstance(entry.get(name), (int, float)):
                values[tag, entry["step"]] = entry[name]
    return values


def check(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()["scalars"]
    found = {(tag, event.step): event.value for tag in tags for event in events.Scalars(tag)}
    for key, value in wanted(folder / "log.jsonl").items():
        assert key in found, f"{folder}: {key} is not in the event file"
        assert math.isclose(found[key], value, rel_tol=1e-6), f"{folder}: {key} is {found[key]}, the log says {value}"
    return len(found)


def main():
    logs = sorted(pathlib.Path(sys.argv[1]).glob("trained/*/log.jsonl"))
    assert logs, f"there is no run below {sys.argv[1]}"
    count = sum(check(log.parent) for log in logs)
    print(f"{len(logs)} runs, {count} scalars: TensorBoard reads what was logged")


main()
