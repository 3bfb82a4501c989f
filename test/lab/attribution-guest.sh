# Inside a lab machine of another architecture, whose root was unpacked and never configured.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
mkdir -p /opt/generations
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose generations /opt/generations
node /opt/tool/attribution-guest.js $(cat /opt/tool/arguments) 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 10
