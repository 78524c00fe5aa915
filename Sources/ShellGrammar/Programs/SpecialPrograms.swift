extension Programs {
    /// Programs whose words have a grammar of their own.
    static let specials: [String: Special] = {
        var specials: [String: Special] = [:]
        func add(_ names: String, _ special: @escaping Special) {
            for name in names.split(separator: " ") { specials[String(name)] = special }
        }
        add("find") { judge, _, invocation in judge.find(invocation) }
        add("sed gsed") { judge, name, invocation in judge.sed(name, invocation) }
        add("awk gawk mawk nawk original-awk") { judge, name, invocation in judge.awk(name, invocation) }
        add("git") { judge, _, invocation in judge.git(invocation) }
        add("tar bsdtar gtar") { judge, name, invocation in judge.tar(name, invocation) }
        add("dd") { judge, _, invocation in judge.dd(invocation) }
        add("systemctl") { judge, _, invocation in judge.systemctl(invocation) }
        add("journalctl") { judge, _, invocation in judge.journalctl(invocation) }
        add("loginctl timedatectl hostnamectl localectl resolvectl coredumpctl") { judge, name, invocation in
            judge.systemdTool(name, invocation)
        }
        add("sysctl") { judge, _, invocation in judge.sysctl(invocation) }
        add("ip") { judge, _, invocation in judge.ip(invocation) }
        add("docker podman") { judge, name, invocation in judge.containers(name, invocation) }
        add("kubectl") { judge, name, invocation in judge.kubectl(name, invocation) }
        add("helm") { judge, name, invocation in judge.helm(name, invocation) }
        add("curl wget") { judge, name, invocation in judge.fetch(name, invocation) }
        add("top") { judge, name, invocation in judge.top(name, invocation) }
        add("apt apt-get") { judge, name, invocation in
            judge.packages(name, ["list", "show", "policy", "search"], invocation)
        }
        add("pip pip2 pip3") { judge, name, invocation in
            judge.packages(name, ["list", "show", "freeze", "check"], invocation)
        }
        add("snap flatpak") { judge, name, invocation in judge.packages(name, ["list", "info"], invocation) }
        add("pip-audit") { judge, name, _ in judge.found.add(.network, name, "asks other machines") }
        return specials
    }()

    /// What a reading program does with options that it does not read with.
    static let otherwise: [String: Change] = [
        "crontab": Change(effects: [.system], text: "changes what is scheduled"),
        "mount": Change(effects: [.system], text: "changes mounts"),
        "swapon": Change(effects: [.system], text: "changes the swap space"),
        "hostname": Change(effects: [.system], text: "may change the machine's name"),
        "date": Change(effects: [.system], text: "may set the clock"),
        "dmesg": Change(effects: [.system], text: "may clear the kernel's messages"),
        "iptables": Change(effects: [.system], text: "may change the firewall"),
        "ip6tables": Change(effects: [.system], text: "may change the firewall"),
        "ifconfig": Change(effects: [.system], text: "may change the network"),
        "route": Change(effects: [.system], text: "may change routes"),
        "arp": Change(effects: [.system], text: "may change the network"),
        "dpkg": Change(effects: [.system], text: "may install or remove software"),
        "rpm": Change(effects: [.system], text: "may install or remove software"),
        "nvidia-smi": Change(effects: [.system], text: "may change the graphics processors' settings"),
        "ss": Change(effects: [.service], text: "may close connections"),
        "sort": Change(effects: [.write], text: "may write a file or run a program"),
        "uniq": Change(effects: [.write], text: "may write a file"),
        "xxd": Change(effects: [.write], text: "may write a file"),
        "tree": Change(effects: [.write], text: "may write a file"),
    ]
}
