#!/bin/bash
# A grid on a Slurm cluster: every task of an array computes its share of the runs. The arguments
# of this script are those of `cargo xtask`; docs/clusters.md describes its use.
#
#     mkdir -p results
#     sbatch --array=1-40 docs/examples/slurm.sh reproduce all --profile paper
#
#SBATCH --job-name=regime
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --output=results/slurm-%A_%a.out
#SBATCH --open-mode=append
# SIGTERM five minutes before the time limit: unfinished runs leave checkpoints.
#SBATCH --signal=TERM@300

if [ "${SLURM_ARRAY_TASK_MIN:-0}" -ne 1 ] || [ "$SLURM_ARRAY_TASK_MAX" -ne "$SLURM_ARRAY_TASK_COUNT" ]; then
    echo "submit the whole array with --array=1-N: finished shares end at once" >&2
    exit 2
fi
share="$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
# srun does not inherit the number of cores.
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    target/release/xtask "$@" --jobs "$SLURM_CPUS_PER_TASK" --share "$share"
status=$?

# 130: stopped by the signal; the same task continues from the checkpoints.
if [ "$status" -eq 130 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$status"
