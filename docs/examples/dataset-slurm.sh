#!/bin/sh
# One shard of a dataset for each task of a Slurm array.
#
#   sbatch dataset-slurm.sh                 all shards
#   sbatch --array=3,7 dataset-slurm.sh     shards 3 and 7 again
#
#SBATCH --job-name=dataset
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --mem=2G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --signal=TERM@60
set -eu

# The number of shards is part of the recipe. It is not SLURM_ARRAY_TASK_COUNT, which is another
# number when only some tasks are run again.
shards=16

sources=${SOURCES:-/shared/films}
out=${OUT:-/shared/pairs}

# With exec, the signal that Slurm sends a minute before the end reaches nervure, which then stops
# between two frames.
exec nervure dataset make "$sources" --out "$out" \
    --codec h264,hevc,vp8,vp9,av1 --bitrates 100,200,400 --loss 0.02 --seed 1 \
    --shard "$SLURM_ARRAY_TASK_ID/$shards" --jobs "${SLURM_CPUS_PER_TASK:-1}" --resume
