# Runs inside the machine under systemd: the groups that systemd makes, and is asked for.
mkdir -p /run/lane && cd /run/lane
. /loadlock-vm/lib.sh
user_ll() { "$@" >out 2>report </dev/null; rc=$?; }
# session COMMAND…: as the user, where only the user manager can be asked for a group.
session() { /loadlock-vm/as env DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1500/bus "$@"; }
nothing_left() { [ -z "$(find $cg -type d -name 'loadlock*' ! -name 'loadlock-lane.service')" ] && [ -z "$(systemctl --machine=user@ --user list-units --all 'loadlock-*' --no-legend 2>/dev/null | grep -v lane)" ]; }
left() { find $cg -type d -name 'loadlock*' ! -name 'loadlock-lane.service' | tr '\n' ' '; }
check() { # check WHO COMMAND…: the command that begins a run, with its limits
	who=$1
	shift
	user_ll "$@" loadlock run --json -- true
	want "$who: true exits with 0" "status $rc" report [ $rc -eq 0 ]
	want "$who: every layer is full" "$(strengths)" report every_layer_full
	user_ll "$@" loadlock run --json --memory 64M -- sh -c 'sleep 300 & dd if=/dev/zero of=/dev/null bs=200M count=1; echo survived'
	want "$who: memory" "status $rc, oom $(field oom), peak $(field peak_memory_bytes)" report [ "$rc $(field oom)" = '137 true' ]
	user_ll "$@" loadlock run --json --pids 8 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait'
	want "$who: pids" "denied $(field pids_denied)" report [ "$(field pids_denied)" -gt 0 ]
	want "$who: nothing is left" "$(left)" report soon nothing_left
}
echo
echo "INFO systemd $(systemctl --version | head -n 1 | cut -d' ' -f2), $(systemctl is-system-running), Linux $(uname -r)"
loginctl enable-linger user
soon [ -S /run/user/1500/systemd/private ] || systemctl --no-pager -l status user@1500 user-runtime-dir@1500 systemd-logind dbus | sed 's/^/      /'
check 'root in a service' env
check 'root in a scope' systemd-run --quiet --scope --
check 'user, through the user manager' session
check 'user, systemd-run --user --scope -p Delegate=yes' session systemd-run --quiet --user --scope -p Delegate=yes --
session loadlock doctor >doctor.txt 2>&1
want 'user: doctor says systemd' "$(grep 'cgroup mode' doctor.txt)" doctor.txt grep -q 'through the user' doctor.txt
session loadlock run -- sleep 60 >out 2>report </dev/null &
soon sh -c "grep -qs . $cg/user.slice/user-1500.slice/user@1500.service/*/loadlock-*/cgroup.procs"
sleep 3
kill -9 $(pidof loadlock | tr ' ' '\n' | sort -n | head -n 1)
want 'user, kill -9: the workload dies too' "$(left)" report soon sh -c '! pidof sleep'
user_ll session loadlock run --json -- true
want 'user, kill -9: the next call leaves nothing' "status $rc, $(left), run folder: $(ls /run/user/1500/loadlock | tr '\n' ' ')" report soon nothing_left
echo DONE
