#!/bin/busybox sh
# First process of a lab machine: loads what the initramfs carries, lays a tmpfs over the read-only root that the
# host lends over 9p, and hands over to the lab's own program. Nothing of it is written back but /opt/out.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
  insmod "/modules/$module" || echo "lab: insmod $module failed"
done </modules/order
lend() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" || echo "lab: no share $1"; }
mkdir -p /lower /upper /root
lend root /lower ro,cache=loose
mount -t tmpfs tmpfs /upper
mkdir -p /upper/changes /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work overlay /root
mkdir -p /root/opt/tool /root/opt/out /root/opt/modules
lend tool /root/opt/tool ro,cache=loose
lend out /root/opt/out rw
cp /modules/* /root/opt/modules/
for share in proc sys dev; do mount --move "/$share" "/root/$share"; done
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
for volatile in run tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs "/root/$volatile"; done
/bin/busybox ip link set lo up
# Not chroot: paths of other mount namespaces would be seen from outside of it.
exec switch_root /root /bin/sh /opt/tool/guest.sh
