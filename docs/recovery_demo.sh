#!/bin/sh
# find, approve, apply, guard, restore, purge, restore: on the demo lake, on disk or in a store.
#   docs/recovery_demo.sh LAKE STATE        for example demo/lake demo/recovery, or s3://bucket/lake s3://bucket/state
# `make demo-recovery` builds the lake and runs this on it; for a store copy the lake there first.
set -eu
lake=$1 state=$2
# a lake of megabytes stands for one of terabytes, and the warehouse is what teams copied from
export R2D2_RETENTION__STORAGE_PRICE_FACTOR=100000 R2D2_RETENTION__KEEP='warehouse/*'
do_() { printf '\n$ r2d2 %s\n' "$*" && r2d2 "$@"; }
some_left_alone() { [ $? -eq 9 ]; } # what has no exact way back stays as it is, and the others go on

do_ run "$lake" --state "$state" --quiet
do_ review list --state "$state"
do_ review approve --all --by "$(id -un)" --note "the demo" --accept unprotected-parent --accept history-lost --state "$state"
do_ digest "$lake/exports/orders.csv" --quiet
do_ apply --yes --state "$state" --quiet || some_left_alone
do_ guard --state "$state"
do_ restore archive/lineitem_full --state "$state" # from quarantine: the same files
do_ purge --older-than 0s --yes --state "$state" --quiet || some_left_alone
do_ restore exports/orders.csv --state "$state" # from its recipe: the same data, rebuilt from warehouse/orders.parquet
do_ digest "$lake/exports/orders.csv" --quiet
do_ history exports/orders.csv --state "$state"
