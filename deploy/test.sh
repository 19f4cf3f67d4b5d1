#!/usr/bin/env bash
# Sets up, builds and tests timenode, and closes with one line that counts all tests that ran:
# "N passed, N failed". Exits with an error when one failed or none ran.
#
#   deploy/test.sh [--quick | --sanitizers]
#
#   --quick       the unit and actor tests only
#   --sanitizers  all tests, and then the unit and actor tests again under the address,
#                 undefined-behaviour and thread sanitizers; this takes two
#                 more builds and a CAF of its own, some 20 minutes on two cores the first time
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

quick=0
sanitizers=0
for argument in "$@"; do
  case "$argument" in
    --quick) quick=1 ;;
    --sanitizers) sanitizers=1 ;;
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) usage_error "$argument" ;;
  esac
done

passed=0
failed=0
skipped=0
failed_names=()
summary=()
phase_started=$SECONDS

phase() {
  phase_name="$1"
  phase_started=$SECONDS
  printf '\n=== %s\n' "$phase_name"
}

phase_done() {
  local seconds=$((SECONDS - phase_started))
  summary+=("$(printf '%5d s  %s%s' "$seconds" "$phase_name" "${1:+: $1}")")
  printf '=== %s took %d s\n' "$phase_name" "$seconds"
}

# Older kernels' settings for address randomisation leave g++ 12's sanitizers no room for their
# shadow memory. Containers may forbid switching it off, and then mostly need not.
unrandomised=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  unrandomised=(setarch "$(uname -m)" -R)
fi

# run_tests PRESET [CTEST ARGUMENT...]
run_tests() {
  local preset="$1" junit="$log_dir/ctest-$1.xml" status=0 counts run_passed run_failed run_skipped
  local wrapper=() names
  shift
  [[ "$preset" == release ]] || wrapper=(${unrandomised[@]+"${unrandomised[@]}"})
  step "running the tests of the preset $preset" "the output above has what the failed tests printed."
  # A result file of an earlier run must not be counted.
  rm -f -- "$junit"
  in_repo ${wrapper[@]+"${wrapper[@]}"} ctest --preset "$preset" --output-junit "$junit" "$@" \
    </dev/null || status=$?
  counts=$(python3 - "$junit" <<'PYTHON'
import os
import sys
import xml.etree.ElementTree as tree

passed, failed, skipped = 0, [], 0
if os.path.exists(sys.argv[1]):
    for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
        state = case.get("status")
        # A test whose program could not be started is "notrun" like a skipped one, but it
        # is told apart by its message; a test that says itself that it skips has SKIP_.
        message = " ".join((e.get("message") or "") for e in case.iter("skipped"))
        if state == "run":
            passed += 1
        elif state == "disabled" or (state == "notrun" and message.startswith("SKIP")):
            skipped += 1
        else:
            failed.append(case.get("name"))
print(passed, len(failed), skipped)
print("\n".join(failed))
PYTHON
  )
  { read -r run_passed run_failed run_skipped; names=$(cat); } <<<"$counts"
  if [[ $status -ne 0 && $run_failed -eq 0 ]]; then
    # ctest itself failed, for example because it knows no tests.
    run_failed=1
    names="ctest (exit status $status)"
  fi
  passed=$((passed + run_passed))
  failed=$((failed + run_failed))
  skipped=$((skipped + run_skipped))
  if [[ -n "$names" ]]; then
    while read -r name; do
      failed_names+=("$preset: $name")
    done <<<"$names"
  fi
  phase_done "$run_passed passed, $run_failed failed$([[ $run_skipped -eq 0 ]] || printf ', %d skipped' "$run_skipped")"
}

# Also when a step before or between the tests fails, the script closes with its summary.
summarise() {
  local status=$?
  trap - EXIT ERR
  if [[ $status -ne 0 ]]; then
    failed=$((failed + 1))
    failed_names+=("$current_step")
  fi
  printf '\n=== Summary\n'
  if [[ ${#summary[@]} -gt 0 ]]; then
    printf '%s\n' "${summary[@]}"
  fi
  printf '%5d s  in all\n' "$SECONDS"
  if [[ ${#failed_names[@]} -gt 0 ]]; then
    printf 'failed: %s\n' "${failed_names[@]}"
  fi
  if [[ $skipped -gt 0 ]]; then
    printf 'skipped: %d\n' "$skipped"
  fi
  if [[ $passed -eq 0 && $failed -eq 0 ]]; then
    printf 'no test ran\n'
    failed=1
  fi
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  if [[ $failed -ne 0 ]]; then
    exit 1
  fi
  exit 0
}
trap summarise EXIT

phase "setup"
step "setting up" ""
if [[ $sanitizers -eq 1 ]]; then
  "$repo_dir/deploy/setup.sh" </dev/null
else
  "$repo_dir/deploy/setup.sh" --no-tsan </dev/null
fi
phase_done

phase "release build"
if [[ $quick -eq 1 ]]; then
  build_preset release unit_tests actor_tests
else
  build_preset release
fi
phase_done

phase "release tests"
if [[ $quick -eq 1 ]]; then
  run_tests release -L 'unit|actors'
else
  run_tests release
fi

if [[ $sanitizers -eq 1 ]]; then
  for preset in asan tsan; do
    phase "$preset build"
    build_preset "$preset" unit_tests actor_tests
    phase_done
    phase "$preset tests"
    run_tests "$preset" -L 'unit|actors'
  done
fi
