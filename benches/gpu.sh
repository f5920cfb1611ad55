#!/usr/bin/env bash
# Tests and benchmarks on a machine with an NVIDIA GPU, in under eight minutes after the build: the
# test suites on the device, the tasks of a run compared with PyTorch, small runs in batches, and a
# part of the paper's grid. One session on a rented machine is enough.
#
#   bash benches/gpu.sh                      builds in the repository and runs
#   bash benches/gpu.sh --collect FOLDER     builds and copies the programs to a folder
#   bash benches/gpu.sh --programs FOLDER    runs these programs, on a machine without a compiler
#
# Builds with the LibTorch whose variables are set, or else with that of .libtorch/env.sh (`cargo
# xtask setup-tch --cuda`). Results are written to results/gpu, or to the folder in OUT.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-results/gpu}
device=${REGIME_TEST_DEVICE:-cuda:0}
export REGIME_TEST_DEVICE=$device

collect() {
    [ -n "${LIBTORCH:-}" ] || { bash xtask/setup-tch.sh --cuda && . .libtorch/env.sh; }
    mkdir -p "$1"
    cargo build --release --package xtask --features tch
    cp "${CARGO_TARGET_DIR:-target}/release/xtask" "$1"
    for name in regime-models regime-train regime-study; do
        # Cargo prints the path of each program in brackets at the end of a line.
        program=$(cargo test --release --no-run --package $name --features tch --test suite 2>&1 |
            tee /dev/stderr | sed -n 's/.*Executable.*(\(.*\))/\1/p')
        cp "$program" "$1/$name"
    done
}

case "${1:-}" in
    "") programs=$(mktemp -d); trap 'rm -rf "$programs"' EXIT; collect "$programs" ;;
    --collect) collect "$2"; exit ;;
    --programs) programs=$2 ;;
    *) echo "gpu.sh: there is no flag '$1': choose --collect FOLDER, --programs FOLDER or none" >&2; exit 2 ;;
esac
mkdir -p "$out"
step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

step "tasks of a run, compared with PyTorch"
"$programs/xtask" bench --backend tch --device "$device" --json "$out/peers.json" | tee "$out/peers.txt"

step "the smoke profile in batches, with 4 and with 40 seeds"
for seeds in 4 40; do
    time "$programs/xtask" reproduce finding-1 --profile smoke --seeds $seeds --backend tch \
        --device "$device" --jobs 3 --out "$out/smoke-$seeds" 2>&1 | tail -2
done

step "the suites, on $device"
for name in regime-models regime-train regime-study; do
    timeout 120 "$programs/$name" libtorch 2>&1 | tail -30 | grep -E '^test result|FAILED|panicked' ||
        echo "$name: no result"
done

step "a part of the paper's grid: as many runs of finding-1 as fit into ${CUT_S:-150} s"
timeout --signal INT --kill-after 60 "${CUT_S:-150}" "$programs/xtask" reproduce finding-1 \
    --profile paper --seeds 2 --backend tch --device "$device" --jobs "${JOBS:-4}" --out "$out/paper" 2>&1 | tail -5 || true
printf 'records: '
find "$out/paper/runs" -name '*.json' ! -name '*.checkpoint.json' 2>/dev/null | wc -l || true
step "done"
