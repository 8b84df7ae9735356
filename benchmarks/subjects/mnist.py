"""Ten epochs of MNIST: time, time to two accuracies, accuracy and memory, each in a new process."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

TITLE = "ten epochs of MNIST at batch 128, Adam with a cosine schedule (training time)"
SIZE = ""
PARTS = {
    "ten epochs": "s",
    "to 97 % of the test images": "s",
    "to 98 % of the test images": "s",
    "test accuracy": "% at the end",
    "peak memory": "MB",
}
ROUNDS = 3
SCRIPT = Path(__file__).parents[1] / "mnist_training.py"


def runs(quick):
    ours, theirs = ["minigrad"], ["torch"]
    contestants = {"minigrad": ours}
    if importlib.util.find_spec("torch"):
        contestants |= {"torch": theirs, "torch, no DataLoader": [*theirs, "--by-hand"]}
    epochs = 1 if quick else 10
    return {
        name: lambda number, words=words: train(*words, "--epochs", epochs, "--seed", number)
        for name, words in contestants.items()
    }


def train(*words):
    command = [sys.executable, *(f"-W{w}" for w in sys.warnoptions), SCRIPT, *words]
    run = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True)
    result = json.loads(run.stdout)
    figures = {
        "ten epochs": result["seconds"],
        "test accuracy": 100 * result["history"][-1][1],
        "peak memory": result["peak memory"],
    }
    for percent in (97, 98):
        reached = (time for time, part in result["history"] if part >= percent / 100)
        figures[f"to {percent} % of the test images"] = next(reached, None)
    return figures
