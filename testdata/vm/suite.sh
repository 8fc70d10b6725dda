# Runs inside the machine: selftest and the Go tests, as root and as an ordinary user. Prints what failed, and what was
# skipped for which reason.
. /loadlock-vm/lib.sh
mkdir -p /run/user/1500 && chown 1500:1500 /run/user/1500
# failures LOG, skips LOG: what go test -v said of them.
failures() {
	grep -a -- '--- FAIL' "$1"
	grep -aB25 ' FAIL: ' "$1" || grep -avE '^(=== |ok|PASS)|^ *--- |^skipped for lack of' "$1"
}
skips() {
	awk '/^ +[a-z_0-9]+\.go:[0-9]+: / { sub(/^ +[^ ]+ /, ""); why = substr($0, 1, 160); next }
		/^ *--- SKIP: / { n[why]++; if (n[why] <= 3) names[why] = names[why] " " $3 }
		/^scripts were skipped for lack of/ { print "SKIP " $0 }
		END { for (w in n) print "SKIP " n[w] " for: " w ":" names[w] (n[w] > 3 ? " …" : "") }' "$1"
}
# suite NAME PACKAGES COMMAND…: the tests of the packages, run through COMMAND (as another user, in another group).
suite() {
	who=$1 packages=$2
	shift 2
	for package in $packages; do
		started=$(cut -d. -f1 /proc/uptime)
		# The graph of imports needs the go command, and is the same everywhere.
		(cd /loadlock-vm/tree/$package && "$@" /loadlock-vm/$(echo $package | tr / -).test \
			-test.v -test.short -test.timeout 8m -test.skip 'ImportGraph|RulesOfTheGraph|EveryAttack|Stress|Storm|Thousand|Flood') >log 2>&1
		rc=$?
		took=$(($(cut -d. -f1 /proc/uptime) - started))
		skips log
		failures log >failed
		seen="$(grep -c -- '^ *--- PASS' log) passed, $(grep -c -- '^ *--- SKIP' log) skipped, $took s"
		want "$who: $package" "$seen" failed [ $rc -eq 0 ]
	done
}
# selftest WHO COMMAND…: what a user runs to have the sandbox attacked; its lines are shown when something is wrong.
selftest() {
	who=$1
	shift
	(cd /home/user && "$@" loadlock selftest) >log 2>&1
	rc=$?
	grep '^not here' log | sed 's/^/SKIP /' | cut -c 1-160
	want "$who: selftest" "$(tail -n 1 log)" log [ $rc -eq 0 ]
}
export CI=true
in_group() { delegate $cg/suite && sh -c "echo \$\$ >$cg/suite/cgroup.procs"' && exec /loadlock-vm/as "$@"' sh "$@"; }
selftest root env
selftest 'user in a delegated group' in_group
# The stress tests are about numbers, and the table of attacks is what selftest just did; both are run where it is quick.
REQUIRE=root,userns,device-nodes,cgroup,cgroup2,seccomp,landlock,python suite root 'isolate seccomp runner cmd/loadlock' env
REQUIRE=userns,cgroup,cgroup2,seccomp,landlock,python suite 'user in a delegated group' isolate in_group
REQUIRE=userns,seccomp,landlock,python suite 'user without a group' cmd/loadlock /loadlock-vm/as
echo DONE
