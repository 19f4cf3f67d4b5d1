#!/usr/bin/env bash
# Installs timenode on this machine as a service of systemd: the program, its man page and shell
# completions, a user of its own, /etc/timenode/timenode.toml, /var/lib/timenode. Safe to run again:
# a configuration that is there stays as it is, and a running node is restarted with the new program.
#
#   deploy/install.sh [--program FILE] [--root DIR] [--no-start]
#
#   --program FILE  the program to install (default: build/release/timenode, built when it is not there)
#   --root DIR      install below DIR, for a package or a test; makes no user and starts nothing
#   --no-start      do not start the service
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

program="" root="" start=1
while [[ $# -gt 0 ]]; do
  case "$1" in
    --program) program="${2:?--program needs a file}"; shift ;;
    --root) root="${2:?--root needs a directory}"; shift ;;
    --no-start) start=0 ;;
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    *) usage_error "$1" ;;
  esac
  shift
done

if [[ -z "$root" && $EUID -ne 0 ]]; then
  current_hint="run it as root, or say --root DIR."
  die "install.sh needs root to install into the system."
fi

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
if [[ -z "$program" ]]; then
  program="$here/../build/release/timenode"
  if [[ ! -x "$program" ]]; then
    step "building timenode" "the output above tells what is wrong."
    "$here/setup.sh" --no-tsan
    (cd "$here/.." && cmake --preset release && cmake --build --preset release --target timenode)
  fi
fi
[[ -x "$program" ]] || die "install.sh: $program is not a program."

step "installing files" "look at the rights of the directories and at the disk's space."
install -D -m 0755 "$program" "$root/usr/bin/timenode"
install -D -m 0644 "$here/timenode.service" "$root/usr/lib/systemd/system/timenode.service"
install -D -m 0644 "$here/timenode.1" "$root/usr/share/man/man1/timenode.1"
install -D -m 0644 "$here/completion/timenode.bash" \
  "$root/usr/share/bash-completion/completions/timenode"
install -D -m 0644 "$here/completion/_timenode" "$root/usr/share/zsh/vendor-completions/_timenode"
if [[ ! -e "$root/etc/timenode/timenode.toml" ]]; then
  install -D -m 0640 "$here/timenode.toml" "$root/etc/timenode/timenode.toml"
fi

if [[ -n "$root" ]]; then
  exit 0
fi

step "making the user timenode" "make it by hand: useradd --system timenode"
if ! getent passwd timenode >/dev/null; then
  useradd --system --home-dir /var/lib/timenode --no-create-home --shell /usr/sbin/nologin timenode
fi
chgrp timenode /etc/timenode/timenode.toml

if [[ ! -d /run/systemd/system ]]; then
  printf 'install: systemd does not run here; start the node with: timenode run --config /etc/timenode/timenode.toml\n'
  exit 0
fi
step "telling systemd" "journalctl -u timenode tells what is wrong."
systemctl daemon-reload
systemctl enable timenode.service
if ((start)); then
  systemctl restart timenode.service
  printf 'install: the node runs. How it is doing: systemctl status timenode; timenode status\n'
fi
