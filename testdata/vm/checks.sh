# Runs inside the machine: what the kernel's cgroup files show of runs, as root and as an ordinary user.
. /loadlock-vm/lib.sh
mkdir -p /run/user/1500 && chown 1500:1500 /run/user/1500
echo # the firmware left the cursor somewhere
echo "INFO Linux $(uname -r), cgroup controllers: $(cat $cg/cgroup.controllers); enabled: $(cat $cg/cgroup.subtree_control)"

loadlock doctor >doctor.txt 2>&1
want 'doctor calls it v2' "$(grep 'cgroup mode' doctor.txt)" doctor.txt grep -q 'ok *cgroup mode *v2' doctor.txt
want 'doctor misses nothing' "$(grep -c '^missing' doctor.txt) missing" doctor.txt sh -c 'grep -q ^ok doctor.txt && ! grep -q ^missing doctor.txt'

ll -- true
want 'true exits with 0' "status $rc" report [ $rc -eq 0 ]
want 'every layer is full' "$(strengths)" report every_layer_full
want 'no cgroup is left' "left: $(boxes)" report no_box

# One process holds still while another takes more than the limit: both must be gone, so the shell cannot go on.
ll --memory 64M -- sh -c 'sleep 300 & dd if=/dev/zero of=/dev/null bs=200M count=1; echo survived'
want 'memory: killed' "status $rc" report [ $rc -eq 137 ]
want 'memory: the report says oom' "oom $(field oom), outcome $(field outcome), $(field oom_kills) kills" report [ "$(field oom)" = true ]
peak=$(field peak_memory_bytes)
want 'memory: the peak is the limit' "$peak bytes" report [ "$peak" -gt 50000000 -a "$peak" -le 67108864 ]
want 'memory: the whole group is gone' "the shell said: $(cat out)" report sh -c '! grep -q survived out && ! pidof sleep'
want 'memory: no cgroup is left' "left: $(boxes)" report no_box
ll --memory 64M -- sh -c 'dd if=/dev/zero of=/dev/null bs=8M count=1; echo survived'
want 'memory: less than the limit is fine' "status $rc, $(cat out)" report [ $rc -eq 0 ]

# A granted device: the rules are an eBPF program here, and open(2) says which wall was met.
(cd /loadlock-vm/tree/isolate && CI=true REQUIRE=root,userns,device-nodes,cgroup,cgroup2,seccomp,landlock,python \
	/loadlock-vm/isolate.test -test.v -test.timeout 5m -test.run 'Machine|Node|GPU|Shape|ProcDriver|Sysfs|Ioctls') >log 2>&1
rc=$?
grep -aE -- '--- FAIL|^ +[a-z_]+\.go:' log >failed
want 'devices: granted nodes are reached, others are not' "$(grep -ac -- '^ *--- PASS' log) passed, $(grep -ac -- '^ *--- SKIP' log) skipped" failed [ $rc -eq 0 ]

ll --pids 8 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait'
want 'pids: forks above the limit fail' "denied $(field pids_denied), status $rc" report [ "$(field pids_denied)" -gt 0 ]

loadlock run --memory 64M --pids 20 --cpus 0.5 -- sleep 60 >out 2>report </dev/null &
supervisor=$!
soon a_box
soon sh -c "grep -q . $cg/loadlock-*/cgroup.procs"
box=$(echo $cg/loadlock-*)
sleep 3
want 'memory.max' "$(cat $box/memory.max)" report [ "$(cat $box/memory.max)" = 67108864 ]
want 'memory.swap.max' "$(cat $box/memory.swap.max)" report [ "$(cat $box/memory.swap.max)" = 0 ]
want 'memory.oom.group' "$(cat $box/memory.oom.group)" report [ "$(cat $box/memory.oom.group)" = 1 ]
want 'pids.max' "$(cat $box/pids.max)" report [ "$(cat $box/pids.max)" = 20 ]
want 'cpu.max' "$(cat $box/cpu.max)" report [ "$(cat $box/cpu.max)" = '50000 100000' ]
want 'the workload runs, and can be seen' "$(pidof sleep)" report pidof sleep
kill -9 $supervisor
wait $supervisor 2>/dev/null
want 'kill -9: the workload dies too' 'within 20 s' report soon sh -c '! pidof sleep'
ll -- true
want 'kill -9: the next call leaves nothing' "status $rc, cgroups: $(boxes), run folder: $(ls /run/loadlock | tr '\n' ' ')" report sh -c "[ -z '$(boxes)' ] && [ -z '$(ls /run/loadlock)' ]"

mkdir -p $cg/plain
asll $cg/plain -- true
want 'user, not delegated: refused' "status $rc" report [ $rc -eq 125 ]
want 'user, not delegated: with the remedy' "$(grep -o 'run as root; [^"]*' report | head -n 1 | cut -c 1-60)…" report grep -q 'Delegate=yes' report

# As systemd-run --user --scope -p Delegate=yes: the process alone in a group of its own that is the user's.
delegate $cg/scope
asll $cg/scope -- true
want 'user, a delegated scope: true exits with 0' "status $rc" report [ $rc -eq 0 ]
want 'user, a delegated scope: every layer is full' "$(strengths)" report every_layer_full
want 'user, a delegated scope: nothing is left' "$(find $cg/scope -mindepth 1 -type d | tr '\n' ' ')" report sh -c "[ -z \"\$(find $cg/scope -mindepth 1 -type d)\" ]"
asll $cg/scope --memory 64M --cpus 0.5 -- sh -c 'sleep 300 & dd if=/dev/zero of=/dev/null bs=200M count=1; echo survived'
want 'user, a delegated scope: memory' "status $rc, oom $(field oom), peak $(field peak_memory_bytes)" report [ "$rc $(field oom)" = '137 true' ]
want 'user, a delegated scope: nothing is left after that' "$(find $cg/scope -mindepth 1 -type d | tr '\n' ' ')" report sh -c "[ -z \"\$(find $cg/scope -mindepth 1 -type d)\" ]"

# The group holds another process, which is not ours to move: refused.
as $cg/scope sleep 300 &
other=$!
soon sh -c "grep -q . $cg/scope/cgroup.procs"
asll $cg/scope -- true
want 'user, a delegated scope with others in it: refused' "status $rc: $(grep -o 'cgroup [^ ]* is not delegated to this user alone' report | head -n 1)" report sh -c "[ $rc -eq 125 ] && grep -q 'not delegated to this user alone' report"
kill $other; for p in $(cat $cg/scope/cgroup.procs); do kill -9 $p; done; wait

# A delegated subtree whose controllers are on and whose processes are in a leaf.
delegate $cg/tree
echo '+memory +pids +cpu' >$cg/tree/cgroup.subtree_control
delegate $cg/tree/leaf
as $cg/tree/leaf sleep 300 & # a leaf may hold others
soon sh -c "grep -q . $cg/tree/leaf/cgroup.procs"
asll $cg/tree/leaf -- true
want 'user, a leaf of a delegated tree: true exits with 0' "status $rc" report [ $rc -eq 0 ]
want 'user, a leaf of a delegated tree: every layer is full' "$(strengths)" report every_layer_full
asll $cg/tree/leaf --memory 64M -- sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1; echo survived'
want 'user, a leaf of a delegated tree: memory' "status $rc, oom $(field oom)" report [ "$rc $(field oom)" = '137 true' ]
want 'user, a leaf of a delegated tree: nothing is left' "$(boxes)" report no_box
as $cg/tree/leaf loadlock run -- sleep 60 >out 2>report </dev/null &
soon a_box
soon sh -c "grep -q . $cg/tree/loadlock-*/cgroup.procs"
sleep 3
want 'user, a box that runs' "processes $(cat $cg/tree/loadlock-*/cgroup.procs | tr '\n' ' ')" report grep -q . $cg/tree/loadlock-*/cgroup.procs
kill -9 $(pidof loadlock | tr ' ' '\n' | sort -n | head -n 1)
want 'user, kill -9: the workload dies too' 'within 20 s' report soon sh -c "! grep -q . $cg/tree/loadlock-*/cgroup.procs"
asll $cg/tree/leaf -- true
want 'user, kill -9: the next call leaves nothing' "status $rc, cgroups: $(boxes), run folder: $(ls /run/user/1500/loadlock | tr '\n' ' ')" report sh -c "[ -z '$(boxes)' ] && [ -z '$(ls /run/user/1500/loadlock)' ]"
for p in $(cat $cg/tree/leaf/cgroup.procs); do kill -9 $p; done

# Root in a cgroup namespace of its own, as in a container with a writable cgroup: alone in its group, and not alone.
inner() { GROUP=$cg/inner sh -c 'mkdir -p $GROUP && echo $$ >$GROUP/cgroup.procs && exec unshare -C -m sh -c "umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; $1"' sh "$1" >out 2>report </dev/null; rc=$?; }
inner 'exec loadlock run --json -- true'
want "root in a cgroup namespace, alone: every layer is full" "status $rc, $(strengths)" report sh -c "[ $rc -eq 0 ]"
want "root in a cgroup namespace, alone: every layer" "$(strengths)" report every_layer_full
inner 'sleep 30 & loadlock run --json -- true'
want "root in a cgroup namespace, with others: refused" "status $rc" report sh -c "[ $rc -eq 125 ] && grep -q 'holds other processes' report && grep -q 'mkdir /sys/fs/cgroup/init' report"
for p in $(cat $cg/inner/cgroup.procs); do kill -9 $p; done

# Hosts that are set up oddly: either every layer is full, or it is refused with the layer and what to do.
refused() { want "$1: refused" "status $rc, $(field message)" report sh -c "[ $rc -eq 125 ] && [ ! -s out ] && grep -q '$2' report && grep -q '$3' report"; }
full() { want "$1: every layer is full" "status $rc $(strengths | tr ' ' '\n' | grep -v =full | tr '\n' ' ')" report sh -c "[ $rc -eq 0 ]"; want "$1: the report" "$(cat out)" report every_layer_full; }
user_ll() { asll $cg/scope "$@" -- echo ran; }
sysctl() { echo "$2" >"/proc/sys/$1"; }
sysctl kernel/unprivileged_userns_clone 0
user_ll
refused 'kernel.unprivileged_userns_clone=0, user' 'layer user' 'sysctl kernel.unprivileged_userns_clone=1'
ll -- echo ran
full 'kernel.unprivileged_userns_clone=0, root'
sysctl kernel/unprivileged_userns_clone 1
before=$(cat /proc/sys/user/max_user_namespaces)
sysctl user/max_user_namespaces 0
ll -- echo ran
refused 'user.max_user_namespaces=0' 'layer user' 'sysctl user.max_user_namespaces='
sysctl user/max_user_namespaces $before
mount -o remount,hidepid=2 /proc
ll -- echo ran
full 'hidepid, root'
user_ll
full 'hidepid, user'
mount -o remount,hidepid=0 /proc
mount -o remount,noexec /run
mount -o remount,noexec /tmp
ll -- echo ran
full 'noexec /run and /tmp'
umount /dev/shm
user_ll
full 'no /dev/shm'
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -o remount,exec /run
mount -o remount,exec /tmp
(ulimit -n 64 && ll -- echo ran && echo $rc >rc)
rc=$(cat rc)
full 'ulimit -n 64'
(ulimit -c 0 && user_ll && echo $rc >rc)
rc=$(cat rc)
full 'ulimit -c 0, user'
sysctl kernel/core_pattern '|/bin/false'
(ulimit -Hc 0 && user_ll && echo $rc >rc)
rc=$(cat rc)
refused 'ulimit -Hc 0 where crashes start a program, user' 'layer limits' 'core_pattern=core'
sysctl kernel/core_pattern core
mount -o remount,ro $cg
ll -- echo ran
refused 'a read-only /sys/fs/cgroup' 'layer cgroup' optional_layers
mount -o remount,rw $cg
echo DONE
