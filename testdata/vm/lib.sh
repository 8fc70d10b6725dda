# What the lanes share; every check prints one line, PASS or FAIL with what was seen.
cg=/sys/fs/cgroup
pass() { echo "PASS $1"; }
fail() { echo "FAIL $1: $2"; shift 2; for f; do sed '/^  "policy": {/,/^  },/d; s/^/      /' "$f" | head -n 150; done; }
# want NAME WHAT-WAS-SEEN FILE-TO-SHOW COMMAND…
want() {
	name=$1 seen=$2 show=$3
	shift 3
	if "$@" >/dev/null 2>&1; then pass "$name ($seen)"; else fail "$name" "$seen" "$show"; fi
}
# ll ARGS…: loadlock's status in $rc, the report in report, the command's output in out
ll() { loadlock run --json "$@" >out 2>report </dev/null; rc=$?; }
# field NAME: the first value of a field of the report
field() { sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" report | head -n 1; }
# strengths: "layer=strength …" for every layer
strengths() {
	awk '/"layer":/ { gsub(/[",]/, ""); l = $2 } /"strength":/ { gsub(/[",]/, ""); print l "=" $2 }' report | tr '\n' ' '
}
every_layer_full() { [ -n "$(strengths)" ] && ! strengths | tr ' ' '\n' | grep -v '^$' | grep -qv '=full$' && strengths | grep -q cgroup=full; }
boxes() { find $cg -type d -name 'loadlock-*' | tr '\n' ' '; }
no_box() { [ -z "$(boxes)" ]; }
# soon COMMAND…: until it succeeds, 20 s at most
soon() { n=0; until "$@"; do n=$((n + 1)); [ $n -lt 200 ] || return 1; sleep 0.1; done; }
a_box() { [ -n "$(boxes)" ]; }
# An ordinary user. as CGROUP COMMAND…: runs it as the user, with that group for its own.
as() {
	group=$1
	shift
	GROUP=$group sh -c 'echo $$ >$GROUP/cgroup.procs && cd /home/user && exec /loadlock-vm/as "$@"' sh "$@"
}
delegate() { mkdir -p "$1" && chown 1500:1500 "$1" "$1/cgroup.procs" "$1/cgroup.threads" "$1/cgroup.subtree_control"; }
asll() { group=$1; shift; as "$group" loadlock run --json "$@" >out 2>report </dev/null; rc=$?; }
