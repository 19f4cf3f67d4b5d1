#!/usr/bin/env bash
# Runs a private network of timenode nodes on this machine, by default four of them with the
# first 2000 blocks of the chain in tests/data.
#
#   deploy/run.sh [ARGUMENTS OF timenode testnet]
#
# Sets up and builds what is missing first; with nothing to do the program starts within
# seconds. --help tells the arguments.
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
quiet=1

step "setting up" ""
"$repo_dir/deploy/setup.sh" --no-tsan --quiet </dev/null >&2

build_preset release timenode >&2

arguments=("$@")
has_chain=0
for argument in "$@"; do
  case "$argument" in
    --chain | --chain=*) has_chain=1 ;;
  esac
done
if [[ $has_chain -eq 0 ]]; then
  arguments=(--chain "$repo_dir/tests/data/testnet-0-2000.jsonl.xz" "${arguments[@]}")
fi

trap - ERR
exec "$repo_dir/build/release/timenode" testnet "${arguments[@]}" 8>&-
