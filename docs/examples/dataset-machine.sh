#!/bin/sh
# All shards of a dataset on one machine, a few at a time, then a check of the whole.
#
# One `nervure dataset make --jobs N` does the same with less ado. Shards are for when each should
# have a memory limit, a log or a failure of its own.
set -eu

shards=${SHARDS:-8}
at_once=${AT_ONCE:-2}
export sources="${SOURCES:-films}" out="${OUT:-pairs}" shards

# With GNU parallel: seq ... | parallel -j "$at_once" --retries 3 --joblog shards.log '...'
seq 0 $((shards - 1)) | xargs -P "$at_once" -I{} sh -c '
    nervure dataset make "$sources" --out "$out" \
        --codec h264,vp9 --bitrates 100,200,400 --loss 0.02 --seed 1 \
        --shard "{}/$shards" --jobs 1 --resume --quiet'

nervure dataset verify "$out"
