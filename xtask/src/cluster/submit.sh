#!/bin/bash
# Submits what is left of this sweep: two job arrays and the job that does the same when they have ended.
# It may be run by hand; prints a line for each job.
set -eu
cd @FOLDER@
runs=@RUNS@
if [ -e cancelled ]; then
    echo "this sweep was cancelled; cargo xtask cluster submit begins it again"
    exit 0
fi

# The numbers of the tasks of a stage that are neither done nor failed, as 1-4,7.
left() {
    while IFS=$'\t' read -r number stage run _; do
        if [ "$stage" = "$1" ] && [ ! -e "$runs/trained/$run/result.json" ] && [ ! -e "tasks/$run/failed" ]; then
            echo "$number"
        fi
    done < tasks.tsv | awk '
        function flush() { if (from) { printf "%s%s", comma, from (from < to ? "-" to : ""); comma = "," } }
        $1 == to + 1 && from { to = $1; next }
        { flush(); from = to = $1 }
        END { flush() }'
}

# submit STAGE SCRIPT OPTION...: prints the number of the job, and notes it.
submit() {
    local stage=$1 script=$2 job
    shift 2
    job=$(sbatch --parsable "$@" "$script") || return 1
    job=${job%%;*}
    echo "$job $stage" >> jobs
    echo "$job"
}

# Half a sweep in the queue would only be in the way of the next.
undo() {
    if [ "$after" != afterany ]; then
        scancel ${after//[a-z:]/ }
    fi
    exit 1
}

choose=$(left choose)
train=$(left train)
if [ -z "$choose$train" ]; then
    echo "nothing is left to submit"
    exit 0
fi

# A round that changed nothing would be followed by others like it.
round=$({ cat tasks/*/tries 2> /dev/null || true; echo "$choose $train"; } | cksum)
if [ -n "${SLURM_JOB_ID:-}" ] && [ "$round" = "$(cat round 2> /dev/null)" ]; then
    echo "the last round changed nothing, so no other is submitted; see slurm/*.out"
    exit 1
fi
echo "$round" > round

after=afterany
if [ -n "$choose" ]; then
    job=$(submit choose 1-choose.sbatch --array="$choose@LIMIT@") || undo
    echo "job $job: learning rates, tasks $choose"
    after=$after:$job
fi
if [ -n "$train" ]; then
    # What waits for the choice of a rate waits for all of them.
    if [ "$after" = afterany ]; then
        job=$(submit train 2-train.sbatch --array="$train@LIMIT@") || undo
    else
        job=$(submit train 2-train.sbatch --array="$train@LIMIT@" --dependency="$after") || undo
    fi
    echo "job $job: networks, tasks $train"
    after=$after:$job
fi
job=$(submit rest 3-rest.sbatch --dependency="$after") || undo
echo "job $job: submits what is left then"
