#!/bin/bash
# Trains the run of line N of tasks.tsv: task.sh N
# An array task runs it with its index; it may be run by hand as well, on any node.
#
# Ends with 0 if the run is done or waits for another, 1 if it has failed, 130 if it was stopped and has saved.
set -u
number=$1
folder=@FOLDER@
runs=@RUNS@
# What every training is told; the runs are named by it, so it changes with the plan alone.
arguments=(@ARGUMENTS@)
# Tries without a new checkpoint between them, after which a run has failed.
tries=3
@VARIABLES@

IFS=$'\t' read -r _ _ run experiment needs label < <(sed -n "${number}p" "$folder/tasks.tsv")
if [ -z "${run:-}" ]; then
    echo "task.sh: tasks.tsv has no line $number" >&2
    exit 1
fi
state=$folder/tasks/$run
trained=$runs/trained/$run
mkdir -p "$state" || exit 1

say() {
    echo "$(date +%FT%T) $(hostname) task $number ($label): $*"
}

fail() {
    echo "$*" > "$state/failed"
    say "failed: $*"
    exit 1
}

# Changes with every checkpoint.
checkpoint() {
    stat -c '%Y %i' "$trained/checkpoint/state.toml" 2> /dev/null || echo none
}

# Notes one more try, unless there were too many.
try() {
    local now
    now=$(checkpoint)
    if [ "$now" != "$(head -n 1 "$state/tries" 2> /dev/null)" ]; then
        echo "$now" > "$state/tries" || exit 1
    fi
    [ "$(wc -l < "$state/tries")" -le "$tries" ] || return 1
    echo "$(date +%FT%T) $(hostname) ${SLURM_JOB_ID:-here}" >> "$state/tries" || exit 1
}

if [ -e "$trained/result.json" ]; then
    say "is done"
    exit 0
fi
if [ -e "$state/failed" ]; then
    say "failed earlier: $(cat "$state/failed")"
    exit 1
fi
for need in ${needs//,/ }; do
    [ "$need" = - ] || [ -e "$runs/trained/$need/result.json" ] && continue
    if [ -e "$folder/tasks/$need/failed" ]; then
        fail "the choice of its learning rate needs run $need, which failed: $(cat "$folder/tasks/$need/failed")"
    fi
    say "waits for run $need, which goes on in the next round"
    exit 0
done

child=
stopped=
# Slurm sends SIGTERM before the time limit and on scancel; the program saves a checkpoint and ends with 130.
trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2> /dev/null' TERM INT HUP

reason="it was killed each time"
while [ -z "$stopped" ]; do
    try || fail "$tries tries without a new checkpoint; the last: $reason"
    say "starts"
    "$folder/reproduce" "$experiment" "${arguments[@]}" --run "$run" --resume 2>> "$state/log" > /dev/null &
    child=$!
    # A signal that came while it was started has reached nobody yet.
    [ -z "$stopped" ] || kill -TERM "$child" 2> /dev/null
    wait "$child"
    code=$?
    # A signal ends the waiting, not the program.
    while kill -0 "$child" 2> /dev/null; do
        wait "$child"
        code=$?
    done
    child=
    if [ "$code" -eq 0 ] && [ -e "$trained/result.json" ]; then
        rm -f "$state/tries"
        say "is done"
        exit 0
    fi
    reason="code $code, $(tail -n 1 "$state/log" 2> /dev/null)"
    say "ended with $reason"
    [ "$code" -ne 130 ] || exit 130
    if [ -n "$stopped" ]; then
        # It has not saved.
        exit 1
    fi
    sleep 1
done
exit 130
