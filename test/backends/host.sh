#!/usr/bin/env bash
# Installs the real hosts that test/host drives: Claude Code with its Agent SDK, MCP Inspector, another Node; and tmux, which shows
# what a person sees.
# usage: test/backends/host.sh install
set -euo pipefail
[ "${1:-}" = install ] || { echo "usage: $0 install" >&2; exit 2; }
cd "$(dirname "$0")/../../test/host"
npm ci --no-audit --no-fund --engine-strict=false
node_modules/node/bin/node --version
command -v tmux >/dev/null || { apt-get update -qq && apt-get install -y -qq tmux; }
