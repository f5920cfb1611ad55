#!/usr/bin/env bash
# `xtask sweep` on a real Slurm of one machine with two slots, which this script starts and stops:
#
#     xtask/tests/slurm.sh target/debug/xtask
#
# Sweeps are submitted, workers stopped and killed, tasks put back into the queue and cancelled, and the
# tables compared with those that were computed without Slurm, byte for byte. Needs Debian's packages
# slurm-wlm and munge, and installs them if they are missing. Needs no systemd and no control groups.
set -euo pipefail

# The longest wait for anything, in seconds.
readonly patience=${PATIENCE:-180}

begin=$(date +%s)
step() { printf -- '-- %s (%s s)\n' "$1" $(($(date +%s) - begin)); }
fail() { echo "slurm.sh: $1" >&2; exit 1; }

[ $# -eq 1 ] && [ -x "$1" ] || { echo "usage: slurm.sh PROGRAM, such as target/debug/xtask" >&2; exit 2; }
program=$(realpath "$1")
xtask() { "$program" "$@"; }
export PATH=$PATH:/usr/sbin:/sbin

# wait_for WHAT COMMAND…: until the command succeeds.
wait_for() {
    local what=$1 end=$(($(date +%s) + patience))
    shift
    until "$@" > /dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || fail "waited $patience s without success: $what"
        sleep 0.2
    done
}

# --- Slurm ---

install_packages() {
    local root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends slurm-wlm munge > /dev/null
}

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); do
        (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null || break
    done
    echo "$port"
}

write_configuration() {
    local host user
    host=$(hostname -s) user=$(id -un)
    # A job that goes back into the queue waits for cred_expire, by default two minutes.
    cat > "$SLURM_CONF" << END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=5
OverTimeLimit=0
MessageTimeout=20
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000000
PartitionName=test Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

start_slurm() {
    mkdir "$folder/state" "$folder/spool"
    write_configuration
    head -c 128 /dev/urandom > "$folder/munge.key"
    chmod 400 "$folder/munge.key"
    # Its own munge; --force, because the folder for temporary files may be writable by others.
    munged --force --foreground --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munge.pid" --log-file="$folder/munge.log" --seed-file="$folder/munge.seed" \
        > "$folder/munge.out" 2>&1 &
    daemons=($!)
    wait_for "munged starts" test -S "$folder/munge.socket"
    slurmctld -D > "$folder/slurmctld.out" 2>&1 &
    daemons=($! "${daemons[@]}")
    controller_since=$(date +%s)
    # Steps write to its log too.
    slurmd -D > /dev/null 2>&1 &
    daemons=($! "${daemons[@]}")
    wait_for "the node is idle" node_is_idle
}

node_is_idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }
queue_is_empty() { [ -z "$(squeue --noheader)" ]; }

# Processes of this Slurm and no other.
ours() {
    local process
    for process in /proc/[0-9]*; do
        if grep -qsE '^(slurmstepd|xtask|srun|slurm_script)' "$process/comm" &&
            grep -qszFx "SLURM_CONF=$SLURM_CONF" "$process/environ"; then
            echo "${process#/proc/}"
        fi
    done
}

finish() {
    local status=$? log left
    trap - EXIT
    set +e
    step "stop Slurm"
    if [ "$status" -ne 0 ]; then
        squeue --states=all >&2
        for log in "$folder"/*.out "$folder"/slurmd.log "$folder"/*/sweeps/*/logs/*; do
            [ ! -s "$log" ] || { printf '\n== %s\n' "$log"; tail -n 60 "$log"; } >&2
        done
    fi
    if [ ${#daemons[@]} -eq 3 ]; then
        scancel --user="$(id -un)"
        for _ in $(seq 40); do queue_is_empty && break; sleep 0.2; done
    fi
    [ ${#daemons[@]} -eq 0 ] || kill "${daemons[@]}"
    for left in $(ours); do kill -9 "$left"; done
    for _ in $(seq 40); do [ -n "$(jobs -pr)" ] || break; sleep 0.2; done
    [ -z "$(jobs -pr)" ] || kill -9 $(jobs -pr)
    wait 2> /dev/null
    rm -rf "$folder"
    step "end"
    exit "$status"
}

# --- tasks ---

# field TASK NAME: of `scontrol show job`, such as JobState. A task is ARRAY_NUMBER.
field() { scontrol --oneliner show job "$1" | grep -oP "(^| )$2=\K\S*"; }
in_state() { [ "$(field "$1" JobState)" = "$2" ]; }
is_at_work() { [ -n "$(worker "$1")" ]; }

# The processes of the step of a task. The step of the script is not among them.
worker() { scontrol listpids "$(field "$1" JobId).0" 2> /dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }'; }

# Names the step. While other tasks of the array are pending, scancel believes that a signal to ARRAY_NUMBER
# has failed, and sends it again for two minutes, also to the task after its restart.
stop_worker() { scancel --signal=TERM "$(field "$1" JobId).0"; }

# Waits until the worker of a task has been computing for some seconds.
wait_for_worker() {
    wait_for "task $1 starts" is_at_work "$1"
    sleep "$2"
    is_at_work "$1" || fail "task $1 ended within $2 s: the runs of this test are too short for this machine"
}

# The array that was submitted last.
last_array() { squeue --noheader --states=all --format=%F | sort -n | tail -n 1; }

# expect TASK STATE RESTARTS
expect() {
    local state restarts
    state=$(field "$1" JobState) restarts=$(field "$1" Restarts)
    [ "$state $restarts" = "$2 $3" ] || fail "task $1 is $state after $restarts restarts instead of $2 after $3"
}

same() { cmp "$1" "$2" || fail "$2 differs from the table that was computed without Slurm"; }

# The status with which `sweep status` ends says whether all runs are there.
status() { xtask sweep status "$@" || [ $? -eq 1 ] || fail "sweep status $* ended with an error"; }

# --- set-up ---

daemons=()
command -v slurmctld > /dev/null && command -v munged > /dev/null || {
    step "install slurm-wlm and munge"
    install_packages
}
step "start Slurm"
folder=$(mktemp -d)
chmod 755 "$folder"
export SLURM_CONF=$folder/slurm.conf
trap finish EXIT
trap 'exit 130' INT TERM
start_slurm
cd "$folder"
mkdir elsewhere

# Eight runs of some seconds each, in the build of the tests.
cat > long.json << 'END'
{
  "base": {
    "data": {"source": {"kind": "mnist-t10k"}, "n_train": 1000, "n_test": 1000, "n_kernel": 50},
    "network": {"architecture": "dense", "inputs": 10, "hidden_layers": 2, "width": 200,
      "activation": {"kind": "softplus", "beta": 5}, "bias": true}
  },
  "axes": [{"alpha": [0.1, 0.3]}, {"seed": [0, 1, 2, 3]}]
}
END

# --- the tables to compare with ---

step "without Slurm"
smoke=(finding-1 --profile smoke)
xtask sweep submit "${smoke[@]}" --on local --out local > local.out
xtask sweep collect "${smoke[@]}" --out local
begun=$(date +%s%N)
xtask sweep submit long.json --on local --jobs 2 --out local >> local.out
took=$((($(date +%s%N) - begun) / 1000000 + 1)) # in milliseconds
xtask sweep collect long.json --out local

# The same with so many seeds that one core takes half a minute, also on a faster machine: Slurm has to look at the
# time limit while the task runs.
seeds=$((4 * 30000 / (2 * took) + 1))
[ "$seeds" -ge 4 ] || seeds=4
sed "s/\"seed\": \[.*\]}/\"seed\": [$(seq -s, 0 $((seeds - 1)))]}/" long.json > limited.json
xtask sweep submit limited.json --on local --jobs 2 --out local >> local.out
xtask sweep collect limited.json --out local > /dev/null

# --- a time limit shorter than the signal's lead ---

# Slurm looks at time limits every 30 s. The task starts a few seconds before, so that it is stopped early.
step "a time limit of one minute: the task is stopped, goes back into the queue, and continues"
before_look() { [ $((($(date +%s) - controller_since) % 30)) -eq 20 ]; }
wait_for "the right second" before_look
xtask sweep submit limited.json --on slurm --jobs 1 --tasks 1 --out limit -- --time=1
limit=$(last_array)_1
wait_for "the task with a time limit starts" is_at_work "$limit"

# --- a finding, submitted from another folder, with options of sbatch; on the other slot ---

step "finding-1 in four tasks"
(cd elsewhere && xtask sweep submit "${smoke[@]}" --on slurm --jobs 1 --tasks 4 --out ../slurm \
    -- --time=10 --comment=from-elsewhere --account=physics)
array=$(last_array)
options=$(squeue --noheader --states=all --jobs="$array" --array --format='%a %k %l' | sort | uniq -c | xargs)
[ "$options" = "4 physics from-elsewhere 10:00" ] || fail "the tasks have the options: $options"
array_is_done() { [ -z "$(squeue --noheader --jobs="$array")" ]; }
wait_for "finding-1 is computed" array_is_done
for task in 1 2 3 4; do expect "${array}_$task" COMPLETED 0; done
status "${smoke[@]}" --out slurm
xtask sweep collect "${smoke[@]}" --out slurm
same local/finding-1/data.csv slurm/finding-1/data.csv

step "the task with the time limit"
wait_for "the task with a time limit ends" queue_is_empty
in_state "$limit" COMPLETED || fail "task $limit is $(field "$limit" JobState)"
[ "$(field "$limit" Restarts)" -ge 1 ] || fail "task $limit was never stopped: Slurm sent no signal"
xtask sweep collect limited.json --out limit > /dev/null
same local/limited/data.csv limit/limited/data.csv

# --- everything that happens to tasks ---

step "a worker is stopped, one is killed, a task is put back into the queue, one is cancelled"
xtask sweep submit long.json --on slurm --jobs 1 --tasks 4 --out slurm -- --time=10
array=$(last_array)
stopped=${array}_1 killed=${array}_2 requeued=${array}_3 cancelled=${array}_4
wait_for_worker "$stopped" 2
stop_worker "$stopped"
wait_for_worker "$killed" 0
kill -9 $(worker "$killed")
wait_for_worker "$requeued" 1
scontrol requeue "$requeued"
wait_for_worker "$cancelled" 1
scancel "$cancelled"
wait_for "task $cancelled is cancelled" in_state "$cancelled" CANCELLED
wait_for "all tasks end" queue_is_empty
expect "$stopped" COMPLETED 1
expect "$requeued" COMPLETED 1
expect "$killed" FAILED 0
expect "$cancelled" CANCELLED 0
# Written before the task came back: the log continues.
grep -rqs 'back into the queue' slurm/sweeps/long || fail "the log of a task does not continue after a restart"

step "resume"
status long.json --out slurm
status long.json --out slurm --failed
(cd elsewhere && xtask sweep resume "$folder/long.json" --out ../slurm)
[ "$(last_array)" -gt "$array" ] || fail "resume submitted nothing"
limits=$(squeue --noheader --states=all --jobs="$(last_array)" --format=%l | sort -u)
[ "$limits" = 10:00 ] || fail "resume does not use the options of the last submission: the time limit is $limits"
wait_for "the missing runs are computed" queue_is_empty
status long.json --out slurm --json | python3 -m json.tool > /dev/null || fail "sweep status --json is not JSON"
xtask sweep collect long.json --out slurm
same local/long/data.csv slurm/long/data.csv

# --- a worker that is always stopped before it gets anywhere ---

step "a worker that is stopped at once, each time, does not come back for ever"
# Many points, so that the data are still being read when the signal arrives.
sed 's/"n_train": [0-9]*/"n_train": 5000/' long.json > many.json
grep -q '"n_train": 5000' many.json || fail "many.json has not many points"
xtask sweep submit many.json --on slurm --jobs 1 --tasks 1 --out hasty -- --time=10
hasty=$(last_array)_1
has_ended() {
    if is_at_work "$hasty"; then
        sleep 0.3 # for the start of the program: without its handler, SIGTERM ends it
        stop_worker "$hasty"
    fi
    queue_is_empty
}
wait_for "task $hasty ends" has_ended
in_state "$hasty" FAILED || fail "task $hasty is $(field "$hasty" JobState)"
[ "$(field "$hasty" ExitCode)" = 4:0 ] || fail "task $hasty ended with status $(field "$hasty" ExitCode)"
echo "ended with status $(field "$hasty" ExitCode) after $(field "$hasty" Restarts) restarts"
