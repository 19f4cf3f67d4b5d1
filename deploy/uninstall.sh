#!/usr/bin/env bash
# Stops timenode and takes away what deploy/install.sh put in place. The configuration and the data
# (/etc/timenode, /var/lib/timenode, with the masternode's key in it) stay, unless --purge is said.
#
#   deploy/uninstall.sh [--root DIR] [--purge]
set -Eeuo pipefail
# shellcheck source=deploy/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

root="" purge=0
while [[ $# -gt 0 ]]; do
  case "$1" in
    --root) root="${2:?--root needs a directory}"; shift ;;
    --purge) purge=1 ;;
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
  die "uninstall.sh needs root."
fi

if [[ -z "$root" && -d /run/systemd/system ]]; then
  step "stopping the service" "systemctl status timenode tells more."
  if systemctl cat timenode.service >/dev/null 2>&1; then
    systemctl disable --now timenode.service
  fi
fi
step "removing files" "look at the rights of the directories."
rm -f "$root/usr/bin/timenode" "$root/usr/lib/systemd/system/timenode.service" \
  "$root/usr/share/man/man1/timenode.1" "$root/usr/share/bash-completion/completions/timenode" \
  "$root/usr/share/zsh/vendor-completions/_timenode"
if [[ -z "$root" && -d /run/systemd/system ]]; then
  systemctl daemon-reload
fi
if ((purge)); then
  rm -rf -- "$root"/etc/timenode "$root"/var/lib/timenode
  if [[ -z "$root" ]] && getent passwd timenode >/dev/null; then
    userdel timenode
  fi
elif [[ -e "$root/var/lib/timenode" ]]; then
  printf 'uninstall: chain and keys are still in %s/var/lib/timenode; --purge removes them\n' "$root"
fi
