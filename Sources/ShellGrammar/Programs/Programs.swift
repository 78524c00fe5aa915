/// What is known of programs by their names.
enum Programs {
    /// What a program that changes something does.
    struct Change {
        let effects: [CommandClass.Effect]
        let text: String
    }

    typealias Special = @Sendable (inout Judge, String, Invocation) -> Void

    static func isKnown(_ name: String) -> Bool {
        plainReaders.contains(name) || readers[name] != nil || specials[name] != nil || changes[name] != nil
    }

    /// Programs that read with every option of their GNU, BSD and busybox versions.
    static let plainReaders: Set<String> = [
        "whoami", "id", "groups", "logname", "users", "who", "w", "uptime", "uname", "arch", "nproc", "tty",
        "printenv", "basename", "dirname", "realpath", "readlink", "cat", "tac", "nl", "head", "tail", "wc", "cut",
        "tr",
        "rev", "fold", "fmt", "expand", "unexpand", "paste", "join", "comm", "cmp", "cksum", "sum", "md5sum", "sha1sum",
        "sha224sum", "sha256sum", "sha384sum", "sha512sum", "b2sum", "od", "hexdump", "hd", "strings", "seq", "yes",
        "factor", "expr", "sleep", "stat", "ls", "dir", "vdir", "du", "df", "lsblk", "lscpu", "lsusb", "lsmod", "lsns",
        "lsipc", "lsmem", "lsattr", "free", "vmstat", "iostat", "mpstat", "ps", "pgrep", "pidof", "pstree", "pmap",
        "last",
        "lastb", "locale", "getconf", "getent", "cal", "ncal", "diff", "grep", "egrep", "fgrep", "jq",
        "tsort",
        "column", "numfmt", "dpkg-query", "findmnt", "getfacl", "namei", "which", "whereis", "netstat", "lsb_release",
        "modinfo", "sinfo", "squeue", "sacct", "lspci", "hostid", "look", "colrm",
    ]

    /// Programs that read with some of their options.
    static let readers: [String: OptionRule] = [
        "sort": OptionRule(
            "bdfghiknrstuVzcCmMR", valued: "kt",
            long:
                "key= field-separator= numeric-sort reverse unique human-numeric-sort version-sort general-numeric-sort "
                + "ignore-case ignore-leading-blanks dictionary-order stable zero-terminated month-sort check? merge "
                + "random-sort parallel="),
        "uniq": OptionRule(
            "cdDiuz", valued: "fsw", long: "count repeated unique ignore-case zero-terminated skip-fields= skip-chars=",
            maximumPositionals: 1),
        "xxd": OptionRule("abeipuE", valued: "cglos", maximumPositionals: 1),
        "zcat": OptionRule(), "bzcat": OptionRule(), "xzcat": OptionRule(),
        "base64": OptionRule("dDi", valued: "w", long: "decode ignore-garbage wrap="),
        "base32": OptionRule("di", valued: "w", long: "decode ignore-garbage wrap="),
        "file": OptionRule(
            "bhikLNrsz0", valued: "e",
            long: "brief mime mime-type mime-encoding keep-going dereference no-dereference raw"),
        "tree": OptionRule(
            "adfilphstugDNQrvACS", valued: "LPI", long: "noreport dirsfirst du prune filelimit= gitignore si inodes"),
        "date": OptionRule(
            "uRI", valued: "drv", long: "utc universal date= reference= iso-8601? rfc-3339= rfc-email"),
        "hostname": OptionRule(
            "fsiIdAy", long: "fqdn long short ip-address all-ip-addresses domain", maximumPositionals: 0),
        "dmesg": OptionRule(
            "TkxfwWrteLJuSd", valued: "l",
            long: "ctime kernel decode follow raw notime color? level= facility= since= until= json"),
        "ss": OptionRule(
            "tulnpasemioxw46rhO0", long: "tcp udp listening numeric processes all summary extended info unix"),
        "lsof": OptionRule("nPltaU", valued: "puc", optional: "is"),
        "nvidia-smi": OptionRule(
            "Lq", valued: "ild",
            long: "query-gpu= query-compute-apps= format= list-gpus id= loop= display= query"),
        "rg": OptionRule(
            "inwvclFoSsUxLPHNIq0a", valued: "egtTABCmM",
            long:
                "ignore-case files-with-matches count line-number no-line-number word-regexp fixed-strings invert-match "
                + "files hidden no-ignore glob= type= type-not= context= after-context= before-context= max-count= "
                + "only-matching heading no-heading json stats smart-case multiline sort= color= regexp="),
        "crontab": OptionRule("l", valued: "u", maximumPositionals: 0),
        "blkid": OptionRule("", valued: "os"),
        "rpm": OptionRule(
            "", long: "-q -qa -qi -ql -qf -qc -qd -qR -qai -qil query all info list file version"),
        "dpkg": OptionRule(
            "lLsSV", long: "list listfiles status search get-selections print-architecture audit verify version"),
        "apt-cache": OptionRule("anq", long: "names-only all-versions installed"),
        "smartctl": OptionRule("aiHAx", valued: "ld"),
        "iptables": OptionRule("LnvSx", valued: "t", long: "line-numbers list list-rules numeric verbose"),
        "ip6tables": OptionRule("LnvSx", valued: "t", long: "line-numbers list list-rules numeric verbose"),
        "swapon": OptionRule("s", long: "show? noheadings bytes summary", maximumPositionals: 0),
        "mount": OptionRule("l", valued: "t", maximumPositionals: 0),
        "ifconfig": OptionRule("as", maximumPositionals: 1),
        "route": OptionRule("n46e", maximumPositionals: 0),
        "arp": OptionRule("ane", maximumPositionals: 0),
        "zgrep": OptionRule("icnvlwEFoqhH", valued: "eABCm"),
    ]
}
