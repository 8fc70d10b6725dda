#!/usr/bin/env bash
# Proves on a real GPU what CI can only prove with fake nodes, and writes one JSON report:
#
#     testdata/gpu/selftest.sh [--gpu WORD] [--deep] [--only ID] REPORT.json
#
# It needs the built binary (bin/loadlock, or LOADLOCK=…) and Python (PYTHON=…, the one of the virtual environment) with a
# PyTorch that sees the GPU; without PyTorch those checks say not-here. Nothing else is read but the files beside it, and
# nothing is installed or changed. As root or as an ordinary user. Takes some minutes; --deep leaves pieces out for PyTorch too.
#
#     testdata/gpu/selftest.sh --stand-in REPORT.json        (root, gcc)
#
# runs the same script against a library of ours on nodes without a driver, in a mount namespace of its own. That tests the
# script. Its report says "kind": "stand-in" and proves nothing about any GPU.
#
# Exit status: 0 everything passed on a real GPU; 1 something failed; 2 usage; 3 everything passed, against the stand-in;
# 4 there is no GPU: nothing was tested, and the report says so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
loadlock=${LOADLOCK:-$here/../../bin/loadlock}
python=${PYTHON:-$(command -v python3 || true)}
in=()
if [ "${1:-}" = --stand-in ]; then
	shift
	in=(bash "$here/standin.sh")
fi
if [ $# -eq 0 ] || [ ! -x "$loadlock" ] || [ -z "$python" ]; then
	sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
	[ -x "$loadlock" ] || echo "selftest: there is no $loadlock: make build, or LOADLOCK=…" >&2
	[ -n "$python" ] || echo "selftest: there is no python3: PYTHON=…" >&2
	exit 2
fi
exec "${in[@]}" "$python" -B "$here/selftest.py" --loadlock "$(cd "$(dirname "$loadlock")" && pwd)/$(basename "$loadlock")" "$@"
