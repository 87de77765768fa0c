#!/usr/bin/env bash
# Builds svcctl and lets it keep a program alive before your eyes: installs it, starts it, kills it with -9, shows that
# it came back and what it wrote. Everything happens below a temporary directory and is cleaned up at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --package svcctl
target=${CARGO_TARGET_DIR:-target}
export SVCCTL_ROOT
SVCCTL_ROOT=$(mktemp -d)
svcctl=$target/release/svcctl
trap '"$svcctl" daemon stop >/dev/null 2>&1 || true; rm -rf "$SVCCTL_ROOT"' EXIT

# Shows a command as one would type it, then runs it.
run() {
    printf '\n$ svcctl'
    for word in "$@"; do
        case $word in
            *' '*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$svcctl" "$@"
}

# The pid of the program; nothing while it has none.
pid() {
    { "$svcctl" status clock --output json || true; } | sed -n 's/^ *"pid": *\([0-9]*\),*$/\1/p'
}

# A program that is on every machine: it tells the time, once a second.
run install clock --now -- sh -c 'while :; do date; sleep 1; done'
run status clock

first=$(pid)
printf '\n$ kill -9 %s\n' "$first"
kill -9 "$first"
for _ in $(seq 100); do
    second=$(pid)
    # The new process is there once there is a pid, and another one.
    if [ -n "$second" ] && [ "$second" != "$first" ]; then break; fi
    sleep 0.02
done
run status clock
if [ -z "$second" ] || [ "$second" = "$first" ]; then
    echo "the program did not come back" >&2
    exit 1
fi
printf '\nIt came back by itself: pid %s before, pid %s now.\n' "$first" "$second"

sleep 2
run logs clock
run stop clock
run uninstall clock
