# shellcheck shell=bash
# Shared by setup.sh, run.sh and test.sh; sourced, never run by itself.
# The sourcing script has set bash strict mode already.

# Cron jobs, containers and CI runners start with less of a PATH than a login shell.
export PATH="${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# The progress and result lines that the scripts read must not be translated.
export LC_ALL=C.UTF-8

repo_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
log_dir="$repo_dir/build/logs"
mkdir -p "$log_dir"

# Everything built once per machine, and not per checkout, goes below here.
export TIMENODE_PREFIX="${TIMENODE_PREFIX:-/opt/timenode}"

# ccache puts its files below HOME; without a usable one it would stop with an error.
if [[ -z "${CCACHE_DIR:-}" && ( -z "${HOME:-}" || ! -d "${HOME:-}" || ! -w "${HOME:-}" ) ]]; then
  if [[ -w "$TIMENODE_PREFIX" || ( ! -e "$TIMENODE_PREFIX" && $EUID -eq 0 ) ]]; then
    export CCACHE_DIR="$TIMENODE_PREFIX/ccache"
  else
    export CCACHE_DIR="$repo_dir/build/ccache"
  fi
fi

# Where failures are reported: a step that fails has its own output in a log.
exec 8>&2

current_step="starting"
current_hint=""
current_log=""
# Set to 1 by scripts whose own output matters more than the progress of the preparation.
quiet="${TIMENODE_QUIET:-0}"

say() {
  if [[ "$quiet" != 1 ]]; then
    printf '%s\n' "$*"
  fi
}

# step NAME HINT: names what runs from here on, so that a failure can say what it was in
# and what to do about it.
step() {
  current_step="$1"
  current_hint="${2:-}"
  current_log=""
}

# logged LOG COMMAND...: keeps a long step's output in a file; a failure shows its end.
logged() {
  local status=0
  current_log="$1"
  shift
  # The failure is passed on from out here: a trap run in there would write to the log as well.
  "$@" >"$current_log" 2>&1 </dev/null || status=$?
  return "$status"
}

report_failure() {
  local status=$1
  {
    printf '\n%s: failed (exit status %d) while: %s\n' "$(basename -- "$0")" "$status" "$current_step"
    if [[ -n "$current_log" && -s "$current_log" ]]; then
      printf -- '--- the last 20 lines of %s\n' "$current_log"
      tail -n 20 -- "$current_log"
      printf -- '--- the whole log: %s\n' "$current_log"
    fi
    if [[ -n "$current_hint" ]]; then
      printf 'What to do: %s\n' "$current_hint"
    fi
  } >&8
}

# die MESSAGE: a failure that the script itself found.
die() {
  printf '%s\n' "$*" >&8
  report_failure 1
  trap - ERR
  exit 1
}

usage_error() {
  printf "%s: unknown argument '%s' (try --help)\n" "$(basename -- "$0")" "$1" >&2
  exit 2
}

trap 'status=$?; report_failure "$status"; trap - ERR; exit "$status"' ERR

# build_preset PRESET [TARGET...]: configures and builds. Configuring again is cheap, and needed
# when a checkout was moved or its CMake files changed since.
build_preset() {
  local preset="$1"
  shift
  local targets=()
  if [[ $# -gt 0 ]]; then
    targets=(--target "$@")
  fi
  step "configuring the preset $preset" \
    "the log names what CMake misses; deploy/setup.sh installs it. After moving the checkout, remove build/$preset first."
  logged "$log_dir/$preset-configure.log" in_repo cmake --preset "$preset"
  step "building the preset $preset" \
    "the log has the compiler's error; with 'Killed' in it, memory ran out: set CMAKE_BUILD_PARALLEL_LEVEL=1 and run this again."
  logged "$log_dir/$preset-build.log" in_repo cmake --build --preset "$preset" "${targets[@]}"
  current_log=""
}

# cmake finds the presets by the directory that it is run in.
in_repo() {
  env -C "$repo_dir" "$@"
}
