# Runs in the root file system before systemd does: the ordinary user, who lingers, and the unit that runs the lane.
/loadlock-vm/adduser
mkdir -p /etc/systemd/system
: >/etc/machine-id
cat >/etc/systemd/system/loadlock-lane.service <<'UNIT'
[Unit]
After=dbus.service systemd-logind.service
Wants=dbus.service systemd-logind.service
[Service]
Type=oneshot
Environment=HOME=/root PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/bin/sh /loadlock-vm/systemd.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
ExecStopPost=/usr/bin/systemctl poweroff --force --force
UNIT
# Nothing but the lane: no login, no timers.
mkdir -p /etc/systemd/system/lane.target.wants
printf '[Unit]\nRequires=basic.target loadlock-lane.service\nAfter=basic.target\n' >/etc/systemd/system/lane.target
ln -sf lane.target /etc/systemd/system/default.target
ln -sf /dev/null /etc/systemd/system/serial-getty@ttyS0.service
