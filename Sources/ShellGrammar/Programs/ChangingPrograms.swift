extension Programs {
    /// Programs that change something whatever their options are, and those that never let one tell.
    static let changes: [String: Change] = {
        var changes: [String: Change] = [:]
        func add(_ names: String, _ effects: [CommandClass.Effect], _ text: String) {
            for name in names.split(separator: " ") { changes[String(name)] = Change(effects: effects, text: text) }
        }
        add("touch mkdir mkfifo mknod mktemp", [.write], "makes files")
        add("cp install ln link", [.write], "makes files, and may overwrite others")
        add("tee split csplit", [.write], "writes files")
        add(
            "chmod chown chgrp chattr setfacl setfattr chcon restorecon", [.write], "changes rights and owners of files"
        )
        add(
            "gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd zip unzip cpio ar 7z 7za", [.write], "packs or unpacks files"
        )
        add("patch ed ex", [.write, .unknown], "changes files, and can run commands")
        add("mv", [.write, .destructive], "moves files, and may overwrite others")
        add("rm rmdir unlink", [.destructive, .write], "removes files")
        add("shred wipe srm", [.destructive, .write], "destroys files for good")
        add("truncate", [.destructive, .write], "cuts files")
        add(
            "mkfs mke2fs mkfs.ext4 mkfs.ext3 mkfs.ext2 mkfs.xfs mkfs.btrfs mkfs.vfat mkswap fdisk sfdisk cfdisk gdisk sgdisk parted "
                + "wipefs mdadm lvremove vgremove pvremove lvcreate vgcreate pvcreate lvresize lvextend resize2fs xfs_growfs "
                + "cryptsetup zpool zfs btrfs tune2fs fsck e2fsck xfs_repair blkdiscard hdparm",
            [.destructive, .system], "changes disks and file systems")
        add("reboot shutdown halt poweroff kexec telinit init", [.power], "restarts the machine or switches it off")
        add("kill pkill killall xkill skill snice renice", [.service], "signals programs that run")
        add(
            "service invoke-rc.d rc-service supervisorctl pm2 monit initctl launchctl", [.service, .unknown],
            "controls services")
        add(
            "useradd userdel usermod adduser deluser groupadd groupdel groupmod addgroup delgroup passwd chpasswd chage chsh chfn "
                + "vipw vigr visudo gpasswd newusers",
            [.system], "changes accounts")
        add(
            "aptitude yum dnf zypper pacman apk brew port emerge dpkg-reconfigure update-alternatives "
                + "dpkg-divert tasksel",
            [.system, .network, .unknown], "installs or removes software")
        add(
            "pipx uv conda mamba npm npx yarn pnpm gem bundle cargo go composer mvn gradle",
            [.write, .network, .unknown], "fetches and runs software")
        add(
            "make cmake ninja meson bazel gcc g++ cc clang swift rustc javac", [.write, .unknown],
            "builds, and runs what it is told to")
        add(
            "iptables-restore iptables-save nft ufw firewall-cmd ipset tc brctl bridge ethtool iw iwconfig nmcli netplan dhclient "
                + "ifup ifdown wg wg-quick",
            [.system, .unknown], "changes the network")
        add(
            "modprobe insmod rmmod depmod ldconfig update-initramfs update-grub grub-install dracut setenforce",
            [.system], "changes the kernel or how it starts")
        add("umount swapoff losetup", [.system], "changes mounts")
        add("at batch atrm anacron", [.system, .unknown], "schedules commands")
        add("logrotate logger wall write mesg ntpdate hwclock chronyc", [.system], "changes the machine's state")
        add("ldapmodify ldapadd ldapdelete", [.network, .write], "changes a directory")
        add(
            "ssh scp sftp rsync mosh telnet ftp lftp nc ncat netcat socat rlogin rsh rcp sshfs sshpass autossh ansible "
                + "ansible-playbook salt puppet chef-client openvpn",
            [.network, .unknown], "reaches other machines, and can run commands")
        add(
            "aws gcloud az gsutil terraform tofu pulumi vault consul nomad doctl hcloud oc virsh vagrant packer",
            [.network, .unknown], "changes other systems")
        add(
            "ping ping6 fping traceroute tracepath mtr dig nslookup host whois arping nmap", [.network],
            "sends to other machines")
        add("mail mailx sendmail msmtp mutt", [.network, .unknown], "sends mail")
        add(
            "psql mysql mariadb sqlite3 mongo mongosh redis-cli clickhouse-client cqlsh sqlplus influx etcdctl pg_dump mysqldump",
            [.network, .unknown], "talks to a database, and can run commands")
        add(
            "less more most pg man info vi vim vim.tiny vim.basic nvim view vimdiff rvim nano pico emacs joe jed mcedit mc htop btop atop "
                + "ncdu nmon iotop tig lazygit ranger nnn",
            [.interactive, .unknown], "takes the terminal, and can run commands and write files")
        add("screen tmux script expect byobu dtach abduco", [.interactive, .unknown], "runs commands of its own")
        add(
            "python python2 python3 pypy perl ruby irb node nodejs deno bun php lua luajit tclsh wish guile java jshell R Rscript "
                + "julia ghci scala groovy erl elixir iex bc dc m4 gdb lldb strace ltrace perf bpftrace stap valgrind csh tcsh fish rc es "
                + "pwsh ipython jupyter",
            [.unknown], "is an interpreter or debugger: what it runs is not read here")
        add(
            "parallel entr inotifywait incron run-parts start-stop-daemon daemonize systemd-run at-spi xdg-open dbus-send gdbus busctl",
            [.unknown], "runs other programs")
        add(
            "unshare nsenter chroot systemd-nspawn machinectl lxc lxc-attach bwrap firejail capsh setpriv newgrp sg",
            [.privileged, .unknown], "runs programs in another place or with other rights")
        add("podman-compose docker-compose nerdctl ctr crictl", [.system, .unknown], "controls containers")
        add(
            "gpg gpg2 ssh-keygen ssh-add ssh-agent ssh-keyscan openssl keytool certbot pass op", [.unknown],
            "handles keys")
        return changes
    }()
}
