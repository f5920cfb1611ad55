#!/usr/bin/env python3
"""Times the commands that read a whole store, on a store of many records.

    cargo build --release --package xtask
    python3 benches/store.py [records, default 100000]

One run is computed, and its record is copied under as many seeds: the seed of the spec, the key and the
checksum are replaced, as `docs/clusters.md` describes the files. `store verify` then finds no damage, so the copies
are what the program itself would have written. Needs some gigabytes below the folder for temporary files.
"""

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.join(os.path.dirname(__file__), "..", "target", "release", "xtask")

SPEC = {
    "network": {"architecture": "dense", "inputs": 10, "width": 32, "hidden_layers": 3,
                "activation": {"kind": "relu"}, "bias": True},
    "alpha": 1.0,
    "data": {"n_train": 100, "n_test": 1000, "n_kernel": 50},
}


def canonical(value):
    """The JSON text that is hashed: `regime_lab::canonical_form`."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        digits = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:e([-+]\d+))?", repr(value + 0.0))
        sign, whole, part, power = digits.groups()
        part, power = part or "", int(power or 0)
        power += len(whole) - 1
        digits = whole + part
        stripped = digits.lstrip("0")
        power -= len(digits) - len(stripped) if stripped else 0
        stripped = stripped.rstrip("0") or "0"
        power = 0 if stripped == "0" else power
        return f"{sign}{stripped[0]}{'.' + stripped[1:] if stripped[1:] else ''}e{power}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    entries = (json.dumps(k) + ":" + canonical(v) for k, v in sorted(value.items()))
    return "{" + ",".join(entries) + "}"


def copy(text, spec, header, seed):
    """The record with another seed: its key and its bytes."""
    named = {"kind": header["kind"], "spec": {**spec, "seed": seed}, "version": header["version"]}
    key = hashlib.sha256(canonical(named).encode()).hexdigest()
    body = text[:-83].replace(header["key"], key, 1)
    body = body.replace(f'\n    "seed": {spec["seed"]}', f'\n    "seed": {seed}', 1).encode()
    tail = f',\n  "sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'
    return key, body + tail.encode()


def timed(name, *arguments):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
    print(f"{name}: {wall:.1f} s, {cpu:.1f} CPU-seconds, at most {after.ru_maxrss / 1e6:.1f} GB; {last}")
    return done.returncode


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("base.json", "w", encoding="utf-8") as file:
            json.dump(SPEC, file)
        sweep = {"base": SPEC, "axes": [{"seed": list(range(n))}]}
        with open("many.json", "w", encoding="utf-8") as file:
            json.dump(sweep, file)
        subprocess.run([PROGRAM, "--quiet", "run", "base.json"], check=True, stdout=subprocess.DEVNULL)
        (name,) = os.listdir("results/runs")
        with open(f"results/runs/{name}", encoding="utf-8") as file:
            text = file.read()
        header = json.loads(text)
        for seed in range(n):
            key, record = copy(text, header["spec"], header, seed)
            with open(f"results/runs/{key}.json", "wb") as file:
                file.write(record)
        assert len(os.listdir("results/runs")) == n, "the copies have other keys than the original"
        print(f"{n} records of {len(text) / 1e3:.0f} kB")
        worst = timed("store verify", "store", "verify")
        worst |= timed("store export", "store", "export", "--parquet", "runs.parquet", "--npz", "arrays.npz")
        worst |= timed("sweep status", "sweep", "status", "many.json")
        worst |= timed("sweep collect", "sweep", "collect", "many.json")
        worst |= timed("run, nothing to compute", "run", "many.json")
        return worst


sys.exit(main())
