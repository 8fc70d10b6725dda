# Runs inside a machine whose kernel was told to leave things out: no Landlock, no memory controller.
. /loadlock-vm/lib.sh
cd /root
echo
echo "INFO $(cat /proc/cmdline)"
ll -- echo ran
want 'no memory controller: refused' "status $rc, $(field message)" report sh -c "[ $rc -eq 125 ] && [ ! -s out ] && grep -q 'no memory controller' report"
printf 'extends: safe\nname: a\noptional_layers: [cgroup]\n' >a.yaml
ll --policy a.yaml -- echo ran
want 'no Landlock: refused' "status $rc, $(field message)" report sh -c "[ $rc -eq 125 ] && [ ! -s out ] && grep -q 'layer landlock' report && grep -q 'lsm=' report"
printf 'extends: safe\nname: b\noptional_layers: [cgroup, landlock]\n' >b.yaml
ll --policy b.yaml -- echo ran
want 'both gaps accepted: it runs, and the report names them' "status $rc, $(strengths | tr ' ' '\n' | grep -v =full | tr '\n' ' ')" report \
	sh -c "[ $rc -eq 0 ] && grep -q ran out && [ '$(strengths | tr ' ' '\n' | grep -v =full | tr -d '\n')' = cgroup=offlandlock=off ]"
loadlock doctor >doctor.txt
want 'doctor names both' "$(grep -c ^missing doctor.txt) missing" doctor.txt sh -c "grep -q '^missing *cgroup' doctor.txt && grep -q '^missing *landlock' doctor.txt"
echo DONE
