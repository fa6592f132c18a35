#!/bin/sh
# Installs the real hosts that test/host drives: Claude Code with its Agent SDK, MCP Inspector, and another Node.
# usage: test/backends/host.sh install
set -eu
[ "${1:-}" = install ] || { echo "usage: $0 install" >&2; exit 2; }
cd "$(dirname "$0")/../host"
npm ci --no-audit --no-fund --engine-strict=false
node_modules/.bin/node --version
