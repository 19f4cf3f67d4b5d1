#!/usr/bin/env bash
# Brings all C++ sources into the form of .clang-format, which is that of clang-format 14, Debian 12's.
#
#   deploy/format.sh [--check]
#
#   --check   change nothing; name the files that are not in it, and fail if there are any
#
# Exits with 77, as tests do that skip, where there is no clang-format 14 (apt-get install clang-format).
set -Eeuo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

check=0
case "${1:-}" in
  "") ;;
  --check) check=1 ;;
  -h | --help)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    printf 'unknown argument: %s\n' "$1" >&2
    exit 2
    ;;
esac
# Other versions lay some things out in another way.
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
  printf 'clang-format 14 is not there: apt-get install clang-format\n' >&2
  exit 77
fi

mapfile -t sources < <(find actors app chain messages net tests -name '*.cpp' -o -name '*.hpp' | sort)
if [[ $check -eq 0 ]]; then
  clang-format -i "${sources[@]}"
  exit 0
fi
wrong=$(clang-format --dry-run "${sources[@]}" 2>&1 | sed -n 's/^\([^:]*\):[0-9]*:.*clang-format-violations.*/\1/p' | sort -u)
if [[ -n $wrong ]]; then
  printf 'not as .clang-format has it; deploy/format.sh puts it right:\n%s\n' "$wrong"
  exit 1
fi
printf '%d files are as .clang-format has it\n' "${#sources[@]}"
