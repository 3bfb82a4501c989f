# Inside the lab machine's root: udev for real device permissions, then the scenarios, then off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
mkdir -p /run/udev
for udevd in /usr/lib/systemd/systemd-udevd /lib/systemd/systemd-udevd; do
  [ ! -x "$udevd" ] || { "$udevd" --daemon && break; }
done
/opt/tool/node /opt/tool/guest.js $(cat /opt/tool/scenarios) 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 10
