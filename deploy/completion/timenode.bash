# shellcheck shell=bash
# Completion of timenode for bash. Asks the program itself which commands and options there are, so it
# never disagrees with it. Installed as /usr/share/bash-completion/completions/timenode.

_timenode() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}"
  local program="${COMP_WORDS[0]}" path=() word help found
  COMPREPLY=()
  case "$previous" in
    --network) mapfile -t COMPREPLY < <(compgen -W "testnet mainnet" -- "$current"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "trace debug info warn error off" -- "$current"); return ;;
    --config | --data-dir | --dir | --chain | --rpc-cookie | --key-file | --passphrase-file | --trace)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
  esac
  # The commands so far: words before this one that are no options.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) break ;;
      *) path+=("$word") ;;
    esac
  done
  help=$("$program" "${path[@]}" --help 2>/dev/null) || help=$("$program" "${path[@]:0:1}" --help 2>/dev/null) || return
  if [[ "$current" == -* ]]; then
    found=$(sed -n '/^Options:/,/^$/s/^  \(-[a-zA-Z],\)\{0,1\}\(--[a-z-]*\).*/\2/p' <<<"$help")
  else
    found=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")
    if [[ -z "$found" ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "$current")
}
complete -o filenames -F _timenode timenode
