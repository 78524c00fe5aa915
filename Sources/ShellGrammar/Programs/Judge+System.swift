extension Judge {
    mutating func systemctl(_ invocation: Invocation) {
        let name = "systemctl"
        let rule = OptionRule(
            "alqr", valued: "tpno",
            long:
                "no-pager no-legend plain full all quiet user system failed recursive state= type= property= output= lines= value "
                + "reverse after before no-ask-password")
        let texts = invocation.texts
        let command = Self.firstPositional(
            texts, valued: ["-t", "-p", "-n", "-o", "--state", "--type", "--property", "--lines", "--output"])
        switch command {
        case nil, "status", "is-active", "is-enabled", "is-failed", "is-system-running", "list-units",
            "list-unit-files",
            "list-timers", "list-sockets", "list-dependencies", "list-jobs", "list-machines", "show", "cat",
            "get-default",
            "show-environment", "list-automounts", "list-paths", "help":
            if command == "help" { return opensPager(name, "it shows a manual page") }
            if invocation.hasTerminal, !texts.contains("--no-pager") { opensPager(name, "use --no-pager") }
            reader(name, rule, invocation.arguments)
        case "reboot", "poweroff", "halt", "kexec", "suspend", "hibernate", "hybrid-sleep", "soft-reboot", "rescue",
            "emergency",
            "isolate", "default", "exit":
            found.add(.power, name, "restarts the machine, switches it off or leaves its normal state")
        case "start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "kill", "reset-failed", "freeze",
            "thaw":
            found.add(.service, name, "\(command ?? "")s a service")
        case "edit":
            found.add(.interactive, name, "opens an editor, in which commands can be run")
            found.add(.system, name, "changes how services run")
        default:
            found.add(.system, name, "changes how services run")
        }
    }

    /// The first argument that is no option and no option's value.
    static func firstPositional(_ texts: [String?], valued: Set<String>) -> String? {
        var isValue = false
        for text in texts {
            guard let text else { return "(worked out when it runs)" }
            if isValue {
                isValue = false
            } else if text.hasPrefix("-") {
                isValue = valued.contains(text)
            } else {
                return text
            }
        }
        return nil
    }

    mutating func journalctl(_ invocation: Invocation) {
        let rule = OptionRule(
            "fkexrqalmN", valued: "upotgSUF", optional: "nb",
            long:
                "no-pager follow dmesg unit= user-unit= user system since= until= priority= output= output-fields= lines? boot? "
                + "identifier= grep= list-boots disk-usage all full no-full reverse catalog quiet merge utc no-hostname "
                + "fields field= case-sensitive? no-tail pager-end facility= header")
        let isShort = invocation.texts.contains { text in
            text == "--no-pager" || text == "-f" || text == "--follow" || text == "--disk-usage"
        }
        if invocation.hasTerminal, !isShort { opensPager("journalctl", "use --no-pager") }
        reader("journalctl", rule, invocation.arguments)
        let changes = ["--vacuum", "--rotate", "--flush", "--setup-keys"]
        if invocation.texts.contains(where: { text in changes.contains { text?.hasPrefix($0) == true } }) {
            found.add(.destructive, "journalctl", "removes or changes the journal")
        }
    }

    mutating func systemdTool(_ name: String, _ invocation: Invocation) {
        let rule = OptionRule("al", valued: "pn", long: "no-pager no-legend all full property= value lines=")
        let command = Self.firstPositional(invocation.texts, valued: ["-p", "-n", "--property", "--lines"])
        let reads: Set<String> = [
            "status", "list-sessions", "list-users", "list-seats", "session-status", "user-status", "show-session",
            "show-user",
            "show", "list-timezones", "list-locales", "list-keymaps", "list", "info", "query", "statistics", "dns",
            "domain",
            "timesync-status", "show-timesync",
        ]
        guard command.map(reads.contains) ?? true else {
            if name == "loginctl" { found.add(.service, name, "may end sessions") }
            return found.add(.system, name, "changes the machine's settings")
        }
        if name == "resolvectl", command == "query" { found.add(.network, name, "asks other machines") }
        if invocation.hasTerminal, !invocation.texts.contains("--no-pager") { opensPager(name, "use --no-pager") }
        reader(name, rule, invocation.arguments)
    }

    mutating func sysctl(_ invocation: Invocation) {
        let rule = OptionRule("aneNA", long: "all values names ignore pattern=")
        guard case .allowed(let names) = rule.check(invocation.arguments),
            names.allSatisfy({ $0.text?.contains("=") == false })
        else { return found.add(.system, "sysctl", "changes the kernel's settings") }
        found.add(.read)
    }

    mutating func ip(_ invocation: Invocation) {
        let flags: Set<String> = [
            "-4", "-6", "-s", "-d", "-o", "-j", "-p", "-h", "-br", "-brief", "-c", "-color", "-json", "-stats",
            "-details", "-ss",
            "-oneline",
        ]
        var rest = invocation.arguments
        while let text = rest.first?.text, flags.contains(text) { rest.removeFirst() }
        let objects: Set<String> = [
            "a", "addr", "address", "l", "link", "r", "route", "ro", "n", "neigh", "neighbour", "rule", "ru", "maddr",
            "tunnel",
            "addrlabel", "ntable", "token", "mroute",
        ]
        let texts = rest.map(\.text)
        guard let object = texts.first ?? nil, objects.contains(object), !texts.contains(nil) else {
            if texts.first == "monitor" { return found.add(.read) }
            found.add(.system, "ip", "changes the network, or runs a program in another one")
            return found.add(.unknown, "ip", nil)
        }
        guard texts.count == 1 || ["show", "list", "ls", "lst", "sh", "get"].contains(texts[1]) else {
            return found.add(.system, "ip", "changes the network")
        }
        found.add(.read)
    }

    mutating func containers(_ name: String, _ invocation: Invocation) {
        let rule = OptionRule(
            "aqnstflh",
            long:
                "all quiet no-trunc no-stream size format= filter= tail= since= until= timestamps follow latest digests details"
        )
        let command = invocation.texts.first ?? nil
        switch command {
        case "ps", "images", "logs", "inspect", "stats", "top", "version", "info", "port", "diff", "history":
            reader("\(name) \(command ?? "")", rule, invocation.arguments.dropFirst())
        case "container", "image", "network", "volume", "system", "compose", "node", "service", "stack":
            let second = invocation.texts.dropFirst().first ?? nil
            guard ["ls", "list", "ps", "inspect", "df", "info", "logs", "top", "images"].contains(second) else {
                return controlsContainers(name, second)
            }
            reader("\(name) \(command ?? "")", rule, invocation.arguments.dropFirst(2))
        default: controlsContainers(name, command)
        }
    }

    private mutating func controlsContainers(_ name: String, _ command: String?) {
        found.add(.system, name, "controls containers, which is as much as the machine itself")
        found.add(.unknown, name, "can run programs")
        if ["rm", "rmi", "kill", "stop", "prune", "down"].contains(command) {
            found.add(.destructive, name, "stops or removes containers")
        }
    }

    mutating func kubectl(_ name: String, _ invocation: Invocation) {
        let rule = OptionRule(
            "AwpfLRh", valued: "nolc",
            long:
                "namespace= all-namespaces output= selector= field-selector= context= cluster= container= tail= since= since-time= "
                + "previous follow all-containers watch show-labels sort-by= no-headers timestamps prefix containers "
                + "request-timeout= recursive short api-group= limit-bytes= ignore-not-found show-events client subresource="
        )
        let command = Self.firstPositional(invocation.texts, valued: ["-n", "--namespace", "--context", "--cluster"])
        switch command {
        case "get", "describe", "logs", "top", "version", "explain", "api-resources", "api-versions", "cluster-info",
            "events":
            reader("kubectl \(command ?? "")", rule, invocation.arguments)
            let names = invocation.texts.compactMap { $0?.lowercased() }
            if names.contains(where: {
                $0.split(whereSeparator: { ",/.".contains($0) }).contains { $0 == "secret" || $0 == "secrets" }
            }) {
                found.add(.secrets, name, "shows secrets of the cluster")
            }
        case "auth" where invocation.texts.contains("can-i"): found.add(.read)
        default:
            found.add(.system, name, "changes the cluster")
            found.add(.unknown, name, "can run programs in it")
            if command == "delete" || command == "drain" {
                found.add(.destructive, name, "removes what runs in the cluster")
            }
        }
    }

    mutating func helm(_ name: String, _ invocation: Invocation) {
        let rule = OptionRule("Aaq", valued: "no", long: "namespace= all-namespaces output= all short filter= max=")
        let command = Self.firstPositional(invocation.texts, valued: ["-n", "--namespace"])
        guard ["list", "ls", "status", "history", "version"].contains(command) else {
            found.add(.system, name, "changes the cluster")
            return found.add(.unknown, name, "can run programs")
        }
        reader("helm \(command ?? "")", rule, invocation.arguments)
    }
}
