#!/usr/bin/env bash
# The demo: a hostile model is refused, good ones load as they do without loadlock, and the hostile one, run all
# the same under an explicitly unsafe policy, is contained. Every claim is one line, PASS or FAIL, with what was seen.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
demo=$top/testdata/demo
work=$top/.demo
python=/usr/bin/python3
failures=0

say() { printf '\n%s\n' "$*"; }
pass() { printf '  PASS  %-22s %s\n' "$1" "$2"; }
fail() {
	printf '  FAIL  %-22s %s\n' "$1" "$2"
	failures=$((failures + 1))
}
# check NAME OBSERVED COMMAND…: a line that passes when the command succeeds
check() {
	local name=$1 seen=$2
	shift 2
	if "$@"; then pass "$name" "$seen"; else fail "$name" "$seen"; fi
}
indent() { sed 's/^/        /' "$1"; }

# An ordinary user can limit memory and processes only where cgroup v2 is delegated; elsewhere loadlock runs as root.
as_root=()
if [ "$(id -u)" -ne 0 ] && ! "$top/bin/loadlock" doctor >"$work.doctor" 2>&1; then
	echo "This user cannot have every layer of the sandbox here, so the demo runs loadlock through sudo:"
	grep -A 1 '^missing' "$work.doctor" | sed 's/^/    /'
	as_root=(sudo)
	sudo true || exit 1
fi
rm -f "$work.doctor"

canary=
listener=
cleanup() {
	[ -z "$listener" ] || kill "$listener" 2>/dev/null
	[ -z "$canary" ] || rm -rf "$canary"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

"${as_root[@]}" rm -rf "$work"
mkdir -p "$work/models" "$work/outside"
canary=$(mktemp -d "$HOME/.loadlock-demo.XXXXXX") || exit 1
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$canary/secret"

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # the pids limit of the demo is small
say "Making the models with torch $($python -c 'import torch; print(torch.__version__)') in .demo/models"
"$python" "$demo/make_models.py" "$work/models" || exit 1
"$python" "$demo/listener.py" "$work/listener.log" >"$work/port" &
listener=$!
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.05; done
port=$(cat "$work/port")
[ -n "$port" ] || { echo "the demo's listener did not start" >&2; exit 1; }

# loadlock_run MODEL FLAG…: runs the loader; sets status; leaves out, err and report in .demo
loadlock_run() {
	local model=$1
	shift
	local began=$SECONDS
	"${as_root[@]}" env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
		"$top/bin/loadlock" run --model "$work/models/$model" --report "$work/report.json" \
		--env DEMO_CANARY="$canary" --env DEMO_PORT="$port" "$@" \
		-- "$python" "$demo/load_model.py" "$work/models/$model" >"$work/out" 2>"$work/err" </dev/null
	status=$? took=$((SECONDS - began))
	[ ${#as_root[@]} -eq 0 ] || sudo chown "$(id -u)" "$work/report.json"
}
# report EXPRESSION: a value of the JSON report r
report() { "$python" -c "import json; r = json.load(open('$work/report.json')); print($1)"; }
bare() { "$python" "$demo/load_model.py" "$work/models/$1" >"$work/bare" 2>"$work/bare.err" </dev/null; }
no_trace() { [ ! -e "$canary/marker" ] && [ ! -s "$work/listener.log" ] && [ -z "$(ls -A "$work/outside")" ]; }
traces() {
	local seen=
	[ ! -e "$canary/marker" ] || seen+=" a marker in the home folder;"
	[ ! -s "$work/listener.log" ] || seen+=" the listener got: $(tr '\n' ',' <"$work/listener.log");"
	[ -z "$(ls -A "$work/outside")" ] || seen+=" a file outside;"
	echo "${seen:- none}"
}
forget() { rm -rf "$canary/marker" "$work/outside"; mkdir "$work/outside"; : >"$work/listener.log"; }

say "0. The attack is real: loaded by bare Python (against bait of the demo's own)"
: >"$work/listener.log"
DEMO_CANARY=$canary DEMO_PORT=$port DEMO_OUTSIDE=$work/outside/pwned bare hostile
sleep 0.2
grep '^attack' "$work/bare" | indent /dev/stdin
all_through() { [ "$(grep -c 'got through' "$work/bare")" = 5 ] && [ -e "$canary/marker" ] && [ -s "$work/listener.log" ]; }
check "without loadlock" "traces left:$(traces)" all_through
forget

say "1. The hostile model is refused"
loadlock_run hostile
indent "$work/err"
check "refused" "exit status $status" [ "$status" = 121 ]
check "no trace" "traces left:$(traces)" no_trace
check "nothing was run" "$(wc -c <"$work/out") bytes of output" [ ! -s "$work/out" ]

say "2. Good models load as without loadlock"
for model in benign safetensors module code; do
	bare "$model"
	loadlock_run "$model"
	same() { [ "$status" = 0 ] && [ -s "$work/bare" ] && cmp -s "$work/bare" "$work/out"; }
	check "$model" "exit status $status, $(wc -c <"$work/out") bytes of output, $(cmp -s "$work/bare" "$work/out" && echo identical to || echo different from) bare Python's" same
	[ "$status" = 0 ] || indent "$work/err"
done
indent "$work/err"
withheld=$(report "[w['path'] for m in r['models'] for w in m['withheld']]")
check "code is withheld" "of the model code: $withheld" [ "$withheld" = "['modeling_demo.py']" ]

say "3. The hostile model, run under a policy that ignores the verdict, is contained"
paths=$work/outside/pwned:$work/models/hostile/pwned:$demo/pwned:$canary/pwned:/usr/pwned:/etc/pwned:/var/tmp/pwned
loadlock_run hostile --policy "$demo/unsafe.yaml" --env DEMO_ATTACK=probe --env DEMO_OUTSIDE="$paths"
indent "$work/err"
attack() { sed -n "s/^attack $1: //p" "$work/out" | head -n 1; }
check "policy says so" "$(report "r['verdict']"), and run all the same" [ "$(report "r['verdict']")" = reject ]
stopped() { case $(attack "$1") in stopped:*) true ;; *) false ;; esac; }
while read -r name title; do
	check "$title" "$(attack "$name")" stopped "$name"
done <<'TABLE'
home home folder
network network
unix host sockets
processes host processes
outside writing outside
TABLE
written() { for f in ${paths//:/ }; do [ ! -e "$f" ] || return 1; done; }
check "the host's side" "traces left:$(traces)" no_trace
check "the paths it tried" "$(tr ':' '\n' <<<"$paths" | wc -l) of them: none exists on the host" written

loadlock_run hostile --policy "$demo/unsafe.yaml" --env DEMO_ATTACK=memory --memory 512M
check "memory limit" "exit status $status, outcome $(report "r['outcome']"), peak $(report "r['exit']['usage']['peak_memory_bytes'] >> 20") MiB of 512" \
	[ "$status $(report "r['outcome']")" = "137 oom" ]

loadlock_run hostile --policy "$demo/unsafe.yaml" --env DEMO_ATTACK=pids --pids 64
refused() { stopped pids && [ "$(report "r['exit']['usage']['pids_denied'] > 0")" = True ]; }
check "pids limit" "$(attack pids); refused by the kernel: $(report "r['exit']['usage']['pids_denied']")" refused
left=$(pgrep -fc "$demo/load_model.py")
check "and its children" "$left of them are left" [ "$left" = 0 ]

loadlock_run hostile --policy "$demo/unsafe.yaml" --env DEMO_ATTACK=time --timeout 3
check "time limit" "exit status $status, outcome $(report "r['outcome']"), after $took s (it ignores SIGTERM)" \
	[ "$status $(report "r['outcome']")" = "124 timeout" ]

echo
if [ "$failures" -gt 0 ]; then
	echo "loadlock demo: $failures FAILED"
	exit 1
fi
echo "loadlock demo: everything passed"
