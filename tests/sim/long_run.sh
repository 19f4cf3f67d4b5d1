#!/usr/bin/env bash
# The long simulations: prints a line of a table for each (tests/sim/README.md) and fails if one did not hold.
#
#   tests/sim/long_run.sh [--quick] [--within MINUTES] [--seeds N] [--only-votes]
#
#   --quick    a tenth of the virtual time
#   --within M after so many real minutes a run's faults end and it heals: the line tells the hours reached
#   --seeds N  besides, N more seeds of a middle-sized network, three virtual hours each
#   --only-votes  only the networks whose masternodes make the blocks: twice 10,000 heights, half an hour
#
# Takes the program from $TIMENODE, else from build/release.
set -Eeuo pipefail
repo_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
timenode=${TIMENODE:-$repo_dir/build/release/timenode}
share=1
within=()
seeds=0
only_votes=0
while [[ $# -gt 0 ]]; do
  case "$1" in
    --quick) share=0.1 ;;
    --within)
      within=(timeout --preserve-status --signal=INT "${2:?--within takes minutes}m")
      shift
      ;;
    --seeds)
      seeds=${2:?--seeds takes a number}
      shift
      ;;
    --only-votes) only_votes=1 ;;
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *)
      printf 'unknown argument: %s\n' "$1" >&2
      exit 2
      ;;
  esac
  shift
done
[[ -x $timenode ]] || {
  printf '%s is not there: build it first (cmake --build --preset release --target timenode)\n' "$timenode" >&2
  exit 1
}

failed=0
report=$(mktemp)
trap 'rm -f -- "$report"' EXIT

# run WHAT HOURS ARGUMENT...
run() {
  local what="$1" hours status=0
  hours=$(python3 -c "print(max(0.2, $2 * $share))")
  shift 2
  /usr/bin/env time -f '%M' -o "$report.memory" "${within[@]}" "$timenode" simulate --hours "$hours" --json "$@" >"$report" \
    2>/dev/null || status=$?
  python3 - "$report" "$report.memory" "$what" "$status" <<'PYTHON'
import json
import sys

try:
    x = json.load(open(sys.argv[1]))
except ValueError:
    print(f"| {sys.argv[3]} | ended with status {sys.argv[4]} and without a report |")
    sys.exit(0)
memory = int(open(sys.argv[2]).read().split()[-1]) // 1024
violations = sum(x["invariant_violations"].values())
print(
    f"| {sys.argv[3]} | {x['nodes']} | {x['virtual_hours']:.4g} | {'OK' if x['ok'] else 'FAILED'}: "
    f"{violations} violations, {x['honest_bans']} bans of honest peers, "
    f"{x['ended_by_timers_of_ours']} ends by a timer of ours; {x['connections']} connections, "
    f"apart at most {x['longest_apart']['seconds']:.0f} s, "
    f"same tip after {x['converged_after_seconds']} s, "
    f"{x['pairs_with_one_connection']} of {x['pairs']} pairs | {x['events'] / 1e6:.0f} million events, "
    f"{x['real_seconds']:.0f} s, {x['events_per_second'] / 1e3:.0f} k/s, {memory} MiB | `{x['command']}` |"
)
PYTHON
  rm -f -- "$report.memory"
  [[ $status -eq 0 ]] || failed=1
}

# votes WHAT [ARGUMENT...]: sixty small networks whose masternodes vote, under all faults: a line for all of them, and one for
# each that did not hold.
votes() {
  local what="$1" seed nodes masternodes heights=0 payments=0 held=0 begin=$SECONDS
  shift
  for ((seed = 1; seed <= 60; ++seed)); do
    nodes=$((4 + seed % 9))
    masternodes=$((nodes / 2 < 4 ? 4 : nodes / 2))
    ((seed % 3 != 0)) || masternodes=$nodes
    if "$timenode" simulate --nodes "$nodes" --masternodes "$masternodes" --hours "$(python3 -c "print(max(0.2, $share))")" \
      --block-time 20 --seed "$seed" "$@" --json >"$report" 2>/dev/null; then
      held=$((held + 1))
    else
      failed=1
      printf '| %s, seed %d | %d | | FAILED | | |\n' "$what" "$seed" "$nodes"
    fi
    heights=$((heights + $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["blocks_made"])' "$report")))
    payments=$((payments + $(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["payments"]["in_blocks"])' "$report")))
  done
  printf '| %s, %d of 60 seeds held | 4 to 12 | 1 each | %d heights, each with one certificate; %d payments | %d s | |\n' \
    "$what" "$held" "$heights" "$payments" "$((SECONDS - begin))"
}

printf '| scenario | nodes | virtual hours | result | cost | command |\n|---|---|---|---|---|---|\n'
votes 'masternodes vote'
votes 'masternodes vote, and their owners pay' --payment-every 5
((!only_votes)) || exit "$failed"
run 'all faults, three days' 72 --nodes 50 --seed 1
run 'all faults, a day' 24 --nodes 100 --seed 2
run 'all faults, a day, large' 24 --nodes 200 --seed 3
run 'all faults, an hour, very large' 1 --nodes 1000 --seed 4
run 'mixed with deployed peers' 24 --nodes 40 --seed 5 --reference-share 0.5
run 'no faults, a month' 720 --nodes 10 --seed 6 --faults none
for ((i = 0; i < seeds; ++i)); do
  run "seed $((1000 + i))" 3 --nodes $((3 + i % 20)) --seed $((1000 + i)) --reference-share "0.$((i % 4))"
done
sim_tests=$(dirname -- "$timenode")/sim_tests
if [[ -x $sim_tests ]]; then
  if "$sim_tests" --no-skip --test-case='*forty more seeds*' >"$report" 2>&1; then
    printf '| two parts that were apart for fifty blocks, forty seeds | 8 to 13 | 9 each | OK: one chain each time |\n'
  else
    tail -n 30 "$report" >&2
    failed=1
  fi
fi
exit "$failed"
