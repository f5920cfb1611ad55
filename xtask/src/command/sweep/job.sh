#!/bin/bash
# One task of an array: the runs that `xtask sweep submit` wrote for it.
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --requeue
#SBATCH --open-mode=append
# SIGTERM to the worker two minutes before the time limit, or up to a minute earlier: Slurm looks
# at the clock every 30 seconds.
#SBATCH --signal=TERM@120

# The number alone may name the whole array: its last task has the number of the array.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID

# Slurm may send SIGTERM to this shell too. The shell then waits for the worker, which gets it as well.
trap : TERM

# srun starts a step of the job, and `scancel --signal=TERM` and the signal before the time limit
# go to steps. It does not inherit the number of cores.
srun --nodes=1 --ntasks=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-{cpus}}" --input=none --mpi=none \
    {program} sweep work {folder} "$SLURM_ARRAY_TASK_ID"
status=$?

# 130: the worker was stopped, made progress, and wrote checkpoints; the same task continues. Slurm
# would also start a cancelled task again, so the state decides: it is RUNNING only if the time is not
# over and nobody has cancelled the task or put it back into the queue already.
if [ "$status" -eq 130 ] && [ "$(squeue --noheader --jobs="$task" --format=%T)" = RUNNING ]; then
    echo "job.sh: stopped; back into the queue" >&2
    scontrol requeue "$task" || echo "job.sh: not in the queue: xtask sweep resume submits it again" >&2
fi
exit "$status"
