#!/bin/sh
# Runs the pinned Node of this checkout, whatever the host has.
root=$(cd "$(dirname "$0")/.." && pwd)
case $(uname -m) in
	x86_64) cpu=x64 ;;
	aarch64) cpu=arm64 ;;
	*) echo "umbra: no pinned Node for $(uname -m); wanted x86_64 or aarch64" >&2; exit 1 ;;
esac
node="$root/node_modules/node-linux-$cpu/bin/node"
[ -x "$node" ] || { echo "umbra: $node is missing; run: npm ci" >&2; exit 1; }
exec "$node" "$@"
