#!/usr/bin/env python3
"""Compares the estimated memory of runs with the peak that the system measures.

    cargo build --release -p xtask && python3 benches/memory.py

Prints a row per spec: the estimate of `run --plan`, the largest resident set of the run, and their ratio.
Linux only. A run is cut after a number of steps that is large enough for all of its matrices to exist.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(__file__).parents[1] / "target" / "release" / "xtask"
PIXELS = {"centre": True, "sphere": True, "pca": None}


def dense(width, layers, inputs=10):
    return {"architecture": "dense", "inputs": inputs, "width": width, "hidden_layers": layers,
            "activation": {"kind": "softplus", "beta": 5}, "bias": True}


def convolutional(width):
    return {"architecture": "convolutional", "image": {"height": 28, "width": 28, "channels": 1},
            "width": width, "blocks": 2, "convolutions": 2, "window": 5, "padding": 1,
            "activation": {"kind": "relu"}, "bias": True}


def flow(steps, **fields):
    return {"kind": "flow", "stop": {"max_steps": steps}, **fields}


SPECS = {
    "dense, n = 1000, h = 100": {"network": dense(100, 3), "alpha": 1},
    "dense, n = 3000, h = 400, L = 5": {
        "data": {"n_train": 3000}, "network": dense(400, 5), "alpha": 1, "dynamics": flow(30)},
    "dense, n = 500, h = 2000": {
        "data": {"n_train": 500}, "network": dense(2000, 3), "alpha": 1, "dynamics": flow(8)},
    "reference scheme, n = 2000": {
        "data": {"n_train": 2000}, "network": dense(200, 3), "alpha": 1,
        "dynamics": flow(30, scheme={"scheme": "reference"})},
    "convolutional, flow, n = 1000": {
        "data": {"n_train": 1000, "inputs": PIXELS, "n_kernel": 50}, "network": convolutional(16),
        "alpha": 1, "dynamics": flow(12)},
    "convolutional, stochastic": {
        "data": {"n_train": 1000, "inputs": PIXELS, "n_kernel": 50}, "network": convolutional(16),
        "alpha": 1, "loss": {"kind": "hinge"},
        "dynamics": {"kind": "stochastic", "stop": {"max_steps": 300}}},
    "frozen kernels, n = 1000": {
        "data": {"n_train": 1000, "n_test": 2000}, "network": dense(100, 3), "alpha": 1,
        "frozen": ["initial", "end", "infinite-width"]},
    "all pixels, n = 1000": {
        "data": {"n_train": 1000, "inputs": PIXELS}, "network": dense(100, 3, 784), "alpha": 1},
    "2000 kernel points": {
        "data": {"n_train": 200, "n_test": 1000, "n_kernel": 2000}, "network": dense(100, 3),
        "alpha": 100},
}


def measure(spec):
    """Estimated and measured bytes of one run."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run.json"
        file.write_text(json.dumps(spec))
        call = [PROGRAM, "run", file, "--out", folder, "--jobs", "1", "--quiet"]
        plan = subprocess.run([*call, "--plan", "--json"], check=True, capture_output=True, text=True)
        child = subprocess.Popen(call, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            sys.exit(f"a run ended with status {status}: {spec}")
        return json.loads(plan.stdout)["memory_bytes"], 1024 * usage.ru_maxrss


def main():
    print("| run | estimate | peak | ratio |\n|---|---|---|---|")
    for name, spec in SPECS.items():
        estimate, peak = measure(spec)
        print(f"| {name} | {estimate / 1e6:.0f} MB | {peak / 1e6:.0f} MB | {estimate / peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
