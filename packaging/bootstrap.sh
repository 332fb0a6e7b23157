#!/bin/sh
# Makes a checkout ready for one purpose; says nothing where nothing is missing.
#
#   sh packaging/bootstrap.sh demo|test|check
#
# npm packages come from the lockfile. On Debian and Ubuntu, programs come from apt (as root or through
# a sudo that asks nothing; otherwise the one command to run is printed). The guest that demo and tests
# boot, a stock kernel and a static busybox (for tests also QEMU's guest agent), is downloaded with apt and
# unpacked below .cache/guest, never installed, which needs no root. Elsewhere a list of what to install is printed.
#
# Exit status: 0 ready, 1 something is missing, 2 usage.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cache=$root/.cache
guest=$cache/guest
# Where a user's PATH lacks it, mke2fs and its kin are still found.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
private_lists=

say() { echo "bootstrap: $*" >&2; }

fail() {
	say "$*"
	exit 1
}

# One run at a time: two of them would unpack over each other. Without flock(1), part of util-linux,
# there is no apt either and a second `npm ci` is all that could collide.
take_turn() {
	mkdir -p "$cache"
	command -v flock >/dev/null 2>&1 || return 0
	exec 9>"$cache/bootstrap.lock"
	flock -n 9 && return 0
	say "another bootstrap is at work in this checkout; waiting for it"
	flock 9
}

npm_packages() {
	installed=$root/node_modules/.package-lock.json
	[ -f "$installed" ] && [ -z "$(find "$root/package-lock.json" -newer "$installed")" ] && return 0
	command -v npm >/dev/null 2>&1 ||
		fail "npm is missing; install Node.js 20 or newer with npm (Debian, Ubuntu: apt-get install nodejs npm)"
	say "installing the npm packages of package-lock.json"
	log=$cache/npm.log
	(cd "$root" && npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 9>&-) || {
		# A registry that lacks other platforms' optional packages leaves them out of the lockfile, and then
		# `npm ci` takes the lockfile for incomplete. `npm install` takes the same versions from it.
		grep -q 'code EUSAGE' "$log" &&
			(cd "$root" && npm install --no-save --no-audit --no-fund --loglevel=error >"$log" 2>&1 9>&-)
	} || {
		cat "$log" >&2
		fail "npm could not install the packages of package-lock.json"
	}
	# npm leaves the file's time alone where its content did not change.
	touch "$installed"
}

# "program package" a line; the package's name is Debian's.
programs() {
	cat <<-END
		qemu-system-x86_64 qemu-system-x86
		qemu-img qemu-utils
		qemu-nbd qemu-utils
		mke2fs e2fsprogs
		debugfs e2fsprogs
		sfdisk fdisk
	END
	[ "$1" = test ] || return 0
	cat <<-END
		fls sleuthkit
		nbdinfo libnbd-bin
		nbdsh python3-libnbd
		nbdkit nbdkit
		guestfish guestfish
		supermin supermin
		depmod kmod
		sgdisk gdisk
		parted parted
		b3sum b3sum
		curl curl
		mkfs.xfs xfsprogs
		mkntfs ntfs-3g
		ntfs-3g ntfs-3g
		mkfs.fat dosfstools
		mcopy mtools
		mkfs.exfat exfatprogs
		mount.exfat-fuse exfat-fuse
		mkfs.btrfs btrfs-progs
		lvm lvm2
		setfattr attr
		ausearch auditd
		/lib/systemd/systemd-journal-remote systemd-journal-remote
		rpm rpm
		rpmbuild rpm
		hivexsh libhivex-bin
		hivexregedit libwin-hivex-perl
		chntpw chntpw
		prometheus-alertmanager prometheus-alertmanager
		promtool prometheus
		influxd influxdb
		victoria-metrics victoria-metrics
	END
}

# The packages whose program is not there, each once.
missing_packages() {
	programs "$1" | while read -r program package; do
		command -v "$program" >/dev/null 2>&1 || echo "$package"
	done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@" 9>&-; else sudo -n "$@" 9>&-; fi
}

may_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }; }

install_programs() {
	packages=$(missing_packages "$1")
	[ -n "$packages" ] || return 0
	if ! command -v apt-get >/dev/null 2>&1; then
		say "these programs are missing (left), named here with their Debian package (right); install them with this system's package manager:"
		programs "$1" | while read -r program package; do
			command -v "$program" >/dev/null 2>&1 || echo "  $program ($package)" >&2
		done
		exit 1
	fi
	command="apt-get install --yes --no-install-recommends $packages"
	may_be_root || fail "programs are missing and there is no root to install them; run: sudo apt-get update && sudo $command"
	say "installing $packages"
	log=$cache/apt.log
	# RUNLEVEL: what comes as a service too is not started by its installation.
	# Word splitting is wanted: one argument a package.
	# shellcheck disable=SC2086
	as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $command >"$log" 2>&1 ||
		{ as_root apt-get update >"$log" 2>&1 && as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $command >"$log" 2>&1; } ||
		{
			tail -n 20 "$log" >&2
			fail "apt-get failed; the command was: $command"
		}
	still=$(missing_packages "$1")
	[ -z "$still" ] || fail "installed, yet still missing: $still"
}

# apt with lists of our own where the host's are empty or stale and only root could refresh them.
apt() {
	tool=$1
	shift
	set -- "$@" -o APT::Sandbox::User="$(id -un)"
	[ -z "$private_lists" ] || set -- "$@" -o Dir::State::Lists="$private_lists" -o Dir::Cache="$cache/apt"
	"$tool" "$@" 9>&-
}

refresh_lists() {
	if [ "$(id -u)" != 0 ]; then
		private_lists=$cache/apt/lists
		mkdir -p "$private_lists/partial" "$cache/apt/archives/partial"
	fi
	apt apt-get -qq update >"$cache/apt.log" 2>&1 || {
		cat "$cache/apt.log" >&2
		say "apt-get update failed"
	}
}

# download_packages NAME...: unpacks them into the current folder.
download_packages() {
	apt apt-get -qq download "$@" >apt.log 2>&1 || { refresh_lists && apt apt-get -qq download "$@" >apt.log 2>&1; } || {
		cat apt.log >&2
		return 1
	}
	for archive in *.deb; do dpkg-deb -x "$archive" .; done
}

depends_of() { apt apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: //p'; }

# The packages that hold the newest kernel made for virtual machines, and its modules.
kernel_packages() {
	# Debian: one package holds both; ext4 is built in, virtio is in modules.
	for meta in linux-image-cloud-amd64 linux-image-kvm linux-image-virtual; do
		image=$(depends_of $meta | grep -E '^linux-image-[0-9]' | head -n 1)
		[ -n "$image" ] || continue
		echo "$image"
		# Ubuntu: the modules stand apart.
		depends_of "$image" | grep -E '^linux-modules-[0-9]' | head -n 1
		return 0
	done
}

# guest_parts PURPOSE
guest_parts() {
	wants_agent=
	[ "$1" != test ] || [ -f "$guest/agent/complete" ] || wants_agent=yes
	[ -f "$guest/kernel/vmlinuz" ] && [ -x "$guest/busybox" ] && [ -z "$wants_agent" ] && return 0
	[ "$(uname -m)" = x86_64 ] || fail "the demo's and the tests' guest is x86_64; this host is $(uname -m)"
	if ! command -v apt-get >/dev/null 2>&1; then
		say "no apt here to fetch the guest of demo and tests from. Put these files there yourself:"
		say "  $guest/kernel/vmlinuz          any kernel >= 5.10 with ext4, serial console and virtio"
		say "  $guest/kernel/modules/*.ko     the modules it needs for virtio_pci, virtio_blk, virtio_console"
		say "  $guest/kernel/modules.builtin  from its /lib/modules/VERSION"
		say "  $guest/busybox                 a statically linked busybox"
		say "and for tests of its agent, which are skipped without:"
		say "  $guest/agent/                  usr/sbin/qemu-ga, usr/bin/prlimit and their libraries where these look for them"
		say "  $guest/agent/complete          empty, to say that they are there"
		[ -f "$guest/kernel/vmlinuz" ] && [ -x "$guest/busybox" ] && return 0
		exit 1
	fi
	say "fetching what the guest is made of into .cache/guest (unpacked, not installed)"
	work=$guest/unpack.$$
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir -p "$work/kernel" "$work/busybox" "$work/agent"
	[ -f "$guest/kernel/vmlinuz" ] || fetch_kernel
	[ -x "$guest/busybox" ] || fetch_busybox
	# Only its own tests need it. Behind || a shell would not stop at what fails.
	if [ -n "$wants_agent" ]; then
		(fetch_agent) &
		wait $! || say "without a guest agent its tests are skipped"
	fi
	rm -rf "$work" "$cache/apt"
}

fetch_kernel() {
	packages=$(kernel_packages)
	if [ -z "$packages" ]; then
		refresh_lists
		packages=$(kernel_packages)
	fi
	[ -n "$packages" ] || fail "apt knows no kernel for virtual machines; run: sudo apt-get update"
	cd "$work/kernel"
	# shellcheck disable=SC2086
	download_packages $packages || fail "cannot download $packages"
	mkdir -p kept/modules
	cp boot/vmlinuz-* kept/vmlinuz
	# usr/lib: where a release merged the two.
	cp lib/modules/*/modules.builtin kept/ 2>/dev/null || cp usr/lib/modules/*/modules.builtin kept/ 2>/dev/null || : >kept/modules.builtin
	# Buses, disks, consoles and links of a virtual machine, with whatever these lean on.
	find . -name '*.ko*' \( \
		-path '*/drivers/virtio/*' -o -path '*/drivers/block/virtio_blk*' -o -path '*/drivers/char/virtio_console*' \
		-o -path '*/drivers/char/hw_random/*' -o -path '*/drivers/net/virtio_net*' -o -path '*/drivers/net/net_failover*' \
		-o -path '*/net/core/failover*' -o -path '*/drivers/scsi/scsi_*' -o -path '*/drivers/scsi/virtio_scsi*' \
		-o -path '*/drivers/scsi/sd_mod*' -o -path '*/drivers/ata/libata*' -o -path '*/drivers/ata/ata_piix*' \
		-o -path '*/lib/crc*' -o -path '*/block/t10-pi*' -o -path '*/crypto/crc*' \
		\) -exec cp {} kept/modules/ \;
	rm -rf "$guest/kernel"
	mv kept "$guest/kernel"
}

fetch_busybox() {
	cd "$work/busybox"
	download_packages busybox-static || fail "cannot download busybox-static"
	binary=bin/busybox
	[ -f $binary ] || binary=usr/bin/busybox
	mv $binary "$guest/busybox"
}

libraries_of() { depends_of "$1" | grep '^lib' || true; }

# The guest agent and prlimit, each with its libraries, at the paths that they have when they are installed. Never
# installed: where this host is a virtual machine itself, an agent would let its hypervisor in.
fetch_agent() {
	cd "$work/agent"
	[ -n "$(libraries_of qemu-guest-agent)" ] || refresh_lists
	packages="qemu-guest-agent util-linux libsmartcols1"
	for library in $(libraries_of qemu-guest-agent); do packages="$packages $library $(libraries_of "$library")"; done
	# shellcheck disable=SC2046,SC2086
	packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ')
	# shellcheck disable=SC2086
	download_packages $packages || fail "cannot download $packages"
	loader=lib64/ld-linux-x86-64.so.2
	[ -f $loader ] || loader=usr/$loader
	mkdir -p kept/lib64 kept/lib/x86_64-linux-gnu
	cp $loader kept/lib64/
	for program in usr/sbin/qemu-ga usr/bin/prlimit; do
		mkdir -p kept/${program%/*}
		cp $program kept/$program
		# "name => path (address)"; what the loader finds nowhere, it takes for an error.
		libraries=$($PWD/$loader --library-path lib/x86_64-linux-gnu:usr/lib/x86_64-linux-gnu --list $program) ||
			fail "$program lacks libraries"
		for library in $(echo "$libraries" | sed -n 's/.*=> \([^ ]*\) .*/\1/p' | grep -v /ld-linux); do
			cp "$library" kept/lib/x86_64-linux-gnu/
		done
	done
	: >kept/complete
	rm -rf "$guest/agent"
	mv kept "$guest/agent"
}

[ $# = 1 ] || {
	say "usage: sh packaging/bootstrap.sh demo|test|check"
	exit 2
}
case $1 in
check)
	take_turn
	npm_packages
	;;
demo | test)
	take_turn
	npm_packages
	install_programs "$1"
	guest_parts "$1"
	;;
*)
	say "unknown purpose: $1; wanted demo, test or check"
	exit 2
	;;
esac
