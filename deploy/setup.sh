#!/usr/bin/env bash
# Installs what timenode is built from: Debian's packages, and CAF 0.18.7 built from Debian's
# own source package. Safe to run again: what is there already is left alone, and then the
# script ends within a second.
#
#   deploy/setup.sh [--no-tsan] [--browser] [--quiet]
#
#   --no-tsan   leave out the second CAF, which only the preset `tsan` links
#   --browser   also what a few tests use and skip without: Chromium with Playwright, Prometheus, zsh
#   --quiet     print nothing unless something is installed or fails
#
# Environment:
#   TIMENODE_PREFIX       where CAF goes (default /opt/timenode; outlives the checkout)
#   TIMENODE_CAF_TARBALL  an actor-framework_0.18.7.orig.tar.gz to use instead of fetching it
#   CMAKE_PREFIX_PATH     a CAF 0.18.7 with the actor profiler found there is used as it is
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

with_tsan=1
with_browser=0
for argument in "$@"; do
  case "$argument" in
    --no-tsan) with_tsan=0 ;;
    --browser) with_browser=1 ;;
    --quiet) quiet=1 ;;
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) usage_error "$argument" ;;
  esac
done

# ---------------------------------------------------------------------------------------------
# Debian's packages
# ---------------------------------------------------------------------------------------------

# The second line is what the libraries themselves are; the others build, test and unpack.
# What RocksDB links (snappy, lz4, zstd, bzip2, zlib, gflags) comes with librocksdb-dev.
packages=(
  g++ cmake ninja-build ccache pkg-config git
  libboost1.81-dev libspdlog-dev libfmt-dev libsimdjson-dev librocksdb-dev libsodium-dev
  libssl-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev liblzma-dev libexpected-dev
  doctest-dev
  ca-certificates curl python3 xz-utils
)

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    current_hint="run deploy/setup.sh as root, or install sudo."
    die "setup.sh needs root for: $*"
  fi
}

apt_install() {
  # Root's environment may lack HOME and a terminal; apt must neither ask nor wait for one.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
    -o DPkg::Lock::Timeout=300 -o APT::Color=0 "$@"
}

install_packages() {
  local missing=() name
  local -A installed=()
  step "looking which packages are installed" \
    "timenode's setup knows Debian 12 only. Elsewhere install the packages listed in deploy/setup.sh and CAF 0.18.7 by hand, then build with: cmake --preset release && cmake --build --preset release"
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    die "setup.sh: this system has no apt-get, so it is not Debian."
  fi
  while read -r name; do
    installed["$name"]=1
  done < <(
    # It fails when it does not know one of them, which is what is being asked.
    { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true; } |
      sed -n 's/^installed //p'
  )
  for name in "${packages[@]}"; do
    [[ -n "${installed[$name]:-}" ]] || missing+=("$name")
  done
  if [[ ${#missing[@]} -eq 0 ]]; then
    return
  fi
  printf 'setup: installing %s\n' "${missing[*]}"
  step "apt-get update" "see that this machine's package mirror answers, then run deploy/setup.sh again."
  logged "$log_dir/setup-apt-update.log" apt_install update
  step "apt-get install ${missing[*]}" \
    "the log tells which package could not be installed; the names are Debian 12's. Then run deploy/setup.sh again."
  logged "$log_dir/setup-apt-install.log" apt_install install --no-install-recommends "${missing[@]}"
}

# ---------------------------------------------------------------------------------------------
# CAF
# ---------------------------------------------------------------------------------------------

caf_version=0.18.7
# apt has checked the archive's signature down to this file; the checksum also covers a
# tarball that was kept from an earlier run or handed in.
caf_sha256=d5c3abe8fd67a729aab1baeece10367637d903ba335f4c79378bcadfbcd34552
caf_tarball="$TIMENODE_PREFIX/src/actor-framework_${caf_version}.orig.tar.gz"

# Static, so that the program needs no library of ours at run time; CAF makes it
# position-independent by itself. The profiler is what timenode reads actor metrics from.
caf_options=(
  -DBUILD_SHARED_LIBS=OFF
  -DCAF_ENABLE_ACTOR_PROFILER=ON
  -DCAF_ENABLE_IO_MODULE=ON
  -DCAF_ENABLE_OPENSSL_MODULE=ON
  -DCAF_ENABLE_EXAMPLES=OFF
  -DCAF_ENABLE_TESTING=OFF
  -DCAF_ENABLE_TOOLS=OFF
)
caf_release_options=(
  -DCMAKE_BUILD_TYPE=Release
  "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -g1 -DNDEBUG"
)
# Thread sanitizer sees a race only in code built with it, so CAF needs a build of its own.
caf_tsan_options=(
  -DCMAKE_BUILD_TYPE=RelWithDebInfo
  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1 -DNDEBUG -Wno-tsan"
  -DCAF_SANITIZERS=thread
)

# caf_usable PREFIX: whether a CAF of the wanted version, with the profiler, is installed there.
caf_usable() {
  local version_file
  for version_file in "$1"/lib/cmake/CAF/CAFConfigVersion.cmake \
    "$1"/lib64/cmake/CAF/CAFConfigVersion.cmake \
    "$1"/lib/*/cmake/CAF/CAFConfigVersion.cmake; do
    if [[ -f "$version_file" ]] &&
      grep -qF "set(PACKAGE_VERSION \"$caf_version\")" "$version_file" &&
      grep -q CAF::openssl "$(dirname -- "$version_file")/CAFTargets.cmake" &&
      grep -q '^#define CAF_ENABLE_ACTOR_PROFILER' "$1/include/caf/detail/build_config.hpp"; then
      return 0
    fi
  done 2>/dev/null
  return 1
}

# caf_stamp OPTION...: what a finished build was made from.
caf_stamp() {
  printf 'CAF %s %s\n' "$caf_version" "$caf_sha256"
  printf '%s\n' "$@"
}

# caf_present PREFIX OPTION...: an install without a stamp was put there by hand and is judged
# by what it holds; ours always has one, since an install moves into place in one piece.
caf_present() {
  local prefix="$1"
  shift
  caf_usable "$prefix" || return 1
  [[ ! -e "$prefix/.timenode-stamp" ]] || [[ "$(<"$prefix/.timenode-stamp")" == "$(caf_stamp "$@")" ]]
}

caf_elsewhere() {
  local prefix prefixes=()
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in ${prefixes[@]+"${prefixes[@]}"}; do
    if [[ -n "$prefix" ]] && caf_usable "$prefix"; then
      say "setup: using the CAF $caf_version in $prefix"
      return 0
    fi
  done
  return 1
}

tarball_ok() {
  [[ -f "$1" ]] && printf '%s  %s\n' "$caf_sha256" "$1" | sha256sum --check --status
}

# The mirror that this machine takes Debian itself from, and the keyring that it checks it by:
# "URI TAB LIST-ENTRY". Whether it was written as a list, as deb822, as http or https is apt's
# business; indextargets gives the outcome.
own_mirror() {
  local codename
  codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  apt-get indextargets --format $'$(REPO_URI)\t$(SOURCESENTRY)' \
    'Created-By: Packages' 'Component: main' "Codename: $codename" | sed -n 1p
}

# keyring_of LIST-ENTRY: the Signed-By of the entry "FILE:NUMBER", if it has one. For a list the
# number is the line, for deb822 it is the stanza.
keyring_of() {
  local file="${1%:*}" number="${1##*:}"
  [[ -r "$file" ]] || return 0
  case "$file" in
    *.sources) awk -v RS= -v n="$number" 'NR == n' "$file" | sed -n 's/^[Ss]igned-[Bb]y:[ \t]*\(\/[^ \t]*\).*/\1/p' ;;
    *) sed -n "${number}s/.*\[.*signed-by=\(\/[^] \t]*\).*/\1/p" "$file" ;;
  esac
}

# fetch_caf FILE: gets the source package's tarball from the first of Debian's suites that has
# exactly this version, with an apt that has its own lists and so leaves the system's alone.
fetch_caf() {
  local target="$1" found mirror entry keyring suite version options private
  local hint="or put the file actor-framework_${caf_version}.orig.tar.gz on this machine and run: TIMENODE_CAF_TARBALL=FILE deploy/setup.sh"

  step "finding this machine's Debian mirror in apt's lists" \
    "see that /etc/apt lists Debian's own archive and that apt-get update works; $hint"
  found=$(own_mirror) || found=""
  if [[ -z "$found" ]]; then
    # A fresh container image has no lists at all until the first update.
    logged "$log_dir/setup-apt-update.log" apt_install update
    found=$(own_mirror) || found=""
  fi
  IFS=$'\t' read -r mirror entry <<<"$found"
  [[ -n "$mirror" ]] || die "setup.sh: apt knows no mirror of Debian's main archive."
  keyring=$(keyring_of "$entry")
  if [[ -z "$keyring" && -r /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  fi

  # apt drops to a user of its own for downloads, who must be able to reach the directory.
  private=$(mktemp -d "${TMPDIR:-/tmp}/timenode-apt.XXXXXX")
  # shellcheck disable=SC2064  # the directory's name as it is now
  trap "rm -rf -- '$private'" EXIT
  chmod 755 "$private"
  mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$private/download"
  if [[ $EUID -eq 0 ]] && id -u _apt >/dev/null 2>&1; then
    chown _apt "$private/download"
  fi
  options=(
    -o "Dir::Etc::sourcelist=$private/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache"
    -o Acquire::Languages=none -o Acquire::Retries=2
    # A mirror that lags or stands still serves lists past their date. They are still signed,
    # and an old list cannot do harm here: the one file that is wanted is known by checksum.
    -o Acquire::Check-Valid-Until=false
  )
  for suite in experimental unstable testing; do
    step "reading the source list of Debian $suite" \
      "see that the mirror $mirror carries the suite $suite; $hint"
    printf 'deb-src%s %s %s main\n' "${keyring:+ [signed-by=$keyring]}" "$mirror" "$suite" \
      >"$private/sources.list"
    logged "$log_dir/setup-caf-list.log" apt-get -q "${options[@]}" --error-on=any update
    version=$(apt-cache "${options[@]}" showsrc --only-source actor-framework 2>/dev/null |
      sed -n "s/^Version: \(${caf_version//./\\.}-[^ ]*\)$/\1/p" | head -n 1)
    if [[ -n "$version" ]]; then
      step "downloading the source of CAF $caf_version from Debian $suite" "try again later; $hint"
      # Only upstream's tarball: Debian's packaging is of no use here.
      logged "$log_dir/setup-caf-download.log" env -C "$private/download" \
        apt-get -q "${options[@]}" source --tar-only --download-only "actor-framework=$version"
      tarball_ok "$private/download/${target##*/}" ||
        die "setup.sh: the downloaded ${target##*/} is not the CAF $caf_version that timenode knows."
      mv -- "$private/download/${target##*/}" "$target"
      return
    fi
  done
  step "looking for CAF $caf_version among Debian's source packages" "Debian has moved on; $hint"
  die "setup.sh: none of Debian's suites has actor-framework $caf_version any more."
}

# build_caf NAME PREFIX OPTION...
build_caf() {
  local name="$1" prefix="$2" started=$SECONDS
  shift 2
  # A fixed path, and not a temporary one, so that ccache knows the files again.
  local work="$TIMENODE_PREFIX/work/$name"
  local launcher=()
  printf 'setup: building CAF %s for %s\n' "$caf_version" "$prefix"
  rm -rf -- "$work"
  mkdir -p "$work/source"

  step "unpacking CAF" "remove $caf_tarball and run deploy/setup.sh again."
  tar -xzf "$caf_tarball" -C "$work/source" --strip-components=1
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  step "configuring CAF ($name)" "the log names what CMake misses; then run deploy/setup.sh again."
  logged "$log_dir/setup-$name-configure.log" \
    cmake -G Ninja -S "$work/source" -B "$work/build" "-DCMAKE_INSTALL_PREFIX=$prefix" \
    -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=10 \
    "-DCMAKE_PROJECT_CAF_INCLUDE=$repo_dir/cmake/caf_unity.cmake" \
    ${launcher[@]+"${launcher[@]}"} "$@"
  step "compiling CAF ($name)" \
    "the log has the compiler's error; with 'Killed' in it, memory ran out: run CMAKE_BUILD_PARALLEL_LEVEL=1 deploy/setup.sh"
  logged "$log_dir/setup-$name-build.log" cmake --build "$work/build"
  step "installing CAF into $prefix" "see that $TIMENODE_PREFIX can be written to and has space."
  logged "$log_dir/setup-$name-install.log" \
    env "DESTDIR=$work/stage" cmake --install "$work/build"
  current_log=""
  caf_stamp "$@" >"$work/stage$prefix/.timenode-stamp"
  # Moved in one piece: an interrupted run never leaves half an install behind.
  rm -rf -- "$prefix"
  mv -- "$work/stage$prefix" "$prefix"
  rm -rf -- "$work"
  rmdir --ignore-fail-on-non-empty -- "$TIMENODE_PREFIX/work"
  printf 'setup: CAF for %s took %d s\n' "$prefix" "$((SECONDS - started))"
}

install_caf() {
  local release_prefix="$TIMENODE_PREFIX/caf-$caf_version"
  local tsan_prefix="$TIMENODE_PREFIX/caf-$caf_version-tsan"
  local release=("${caf_options[@]}" "${caf_release_options[@]}")
  local tsan=("${caf_options[@]}" "${caf_tsan_options[@]}")
  local need_release=1 need_tsan=$with_tsan
  step "looking for CAF $caf_version" ""

  check_caf() {
    if [[ $need_release -eq 1 ]] && { caf_elsewhere || caf_present "$release_prefix" "${release[@]}"; }; then
      need_release=0
    fi
    if [[ $need_tsan -eq 1 ]] && caf_present "$tsan_prefix" "${tsan[@]}"; then
      need_tsan=0
    fi
  }
  check_caf
  if [[ $need_release -eq 0 && $need_tsan -eq 0 ]]; then
    return
  fi

  step "making $TIMENODE_PREFIX" "choose a directory that you may write to: TIMENODE_PREFIX=DIR deploy/setup.sh"
  if ! mkdir -p "$TIMENODE_PREFIX/src" 2>/dev/null || [[ ! -w "$TIMENODE_PREFIX/src" ]]; then
    as_root install -d -o "$(id -u)" -g "$(id -g)" "$TIMENODE_PREFIX" "$TIMENODE_PREFIX/src"
  fi
  # Two setups at once would build into the same directory; the second waits, then looks again.
  step "waiting for another setup.sh to finish" "see what holds $TIMENODE_PREFIX/.setup-lock (fuser tells)."
  exec 9>"$TIMENODE_PREFIX/.setup-lock"
  flock --timeout 1800 9
  check_caf

  if [[ $need_release -eq 1 || $need_tsan -eq 1 ]] && ! tarball_ok "$caf_tarball"; then
    if [[ -n "${TIMENODE_CAF_TARBALL:-}" ]]; then
      step "checking $TIMENODE_CAF_TARBALL" "hand in the actor-framework_${caf_version}.orig.tar.gz of Debian."
      tarball_ok "$TIMENODE_CAF_TARBALL" || die "setup.sh: $TIMENODE_CAF_TARBALL is not CAF $caf_version."
      cp -- "$TIMENODE_CAF_TARBALL" "$caf_tarball"
    else
      fetch_caf "$caf_tarball"
    fi
  fi
  if [[ $need_release -eq 1 ]]; then
    build_caf caf "$release_prefix" "${release[@]}"
  fi
  if [[ $need_tsan -eq 1 ]]; then
    build_caf caf-tsan "$tsan_prefix" "${tsan[@]}"
  fi
  exec 9>&-
}

# Playwright without the browsers that it would bring: it drives Debian's Chromium.
install_browser() {
  local to="$TIMENODE_PREFIX/browser" wanted="$repo_dir/tests/e2e/browser/package.json"
  if cmp -s "$wanted" "$to/package.json" && [[ -d "$to/node_modules/playwright-core" ]]; then
    return
  fi
  step "installing Playwright with npm" "see that this machine's npm registry answers, then run deploy/setup.sh --browser again."
  mkdir -p "$to"
  cp -- "$wanted" "$to/package.json"
  logged "$log_dir/setup-npm.log" npm install --prefix "$to" --no-audit --no-fund --ignore-scripts
}

if ((with_browser)); then
  packages+=(chromium prometheus zsh groff)
  # Another source than Debian may have brought both.
  command -v node >/dev/null || packages+=(nodejs)
  command -v npm >/dev/null || packages+=(npm)
fi
install_packages
install_caf
if ((with_browser)); then
  install_browser
fi
say "setup: everything is in place"
