#!/usr/bin/env bash
# Loadlock beside bare Python, bubblewrap, crun and runc: N interleaved runs of each on this machine, as Markdown.
# The OCI runtimes and bubblewrap with namespaces need root here. N=30 make bench
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" -ne 0 ]; then
	echo "bench: the runtimes it compares with need root: sudo make bench" >&2
	exit 1
fi
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 testdata/demo/make_models.py "$work/models"
/usr/bin/python3 testdata/bench/bench.py bin/loadlock "$work" "${N:-20}"

echo
echo "Whole scans, and those of other scanners that are found:"
python3 testdata/bench/scan.py bin/loadlock "${N:-20}"

echo
echo "Package initialisation of the binary (GODEBUG=inittrace=1, median of 21, all packages together):"
for _ in $(seq 21); do
	GODEBUG=inittrace=1 bin/loadlock version 2>&1 >/dev/null | awk '/^init / { s += $5 } END { print s }'
done | sort -n | sed -n '11s/$/ ms/p'

echo
echo "go test -bench:"
.ci/go test -tags seccomp,osusergo,netgo -run '^$' -bench . -benchtime "${BENCHTIME:-0.3s}" ./policy/... ./validate/... ./seccomp/... ./isolate/... ./runner/... 2>/dev/null |
	grep '^Benchmark' || echo "(none)"
