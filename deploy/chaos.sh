#!/usr/bin/env bash
# Runs eight nodes, each on a host of its own (network namespaces, so this needs root), and for a quarter of an hour lets
# everything happen to them that happens to hosts, cables and processes. At the end each pair has to have exactly one
# connection and all nodes the same tip. Removes all that it made, also when it is interrupted.
#
#   deploy/chaos.sh [--minutes N | --seconds N] [--nodes N] [--seed S] [--keep]
#
# The seed decides which faults come; the times at which packets arrive are the machine's.
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

if [[ -z "${TIMENODE:-}" ]]; then
  case " $* " in
    *" -h "* | *" --help "*) ;;
    *) build_preset release timenode ;;
  esac
  TIMENODE="$repo_dir/build/release/timenode"
fi
export TIMENODE PYTHONDONTWRITEBYTECODE=1
exec python3 "$repo_dir/tests/chaos/chaos.py" "$@"
