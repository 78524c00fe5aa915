extension Judge {
    private static let gitHistory = OptionRule(
        "pzswb", valued: "nSGL", optional: "UCM",
        long:
            "oneline stat? graph all since? until? after? before? author? committer? grep? decorate? name-only name-status "
            + "format? pretty? abbrev-commit abbrev? date? patch no-patch unified? cached staged word-diff? color? no-color reverse "
            + "merges no-merges first-parent follow numstat shortstat summary no-renames find-renames? no-ext-diff no-textconv "
            + "raw topo-order date-order left-right branches? tags? remotes? max-count? skip? ignore-all-space "
            + "ignore-space-change minimal check diff-filter? no-index exit-code quiet compact-summary dirstat? relative? "
            + "show-pulls full-index binary no-prefix",
        numbers: true)
    private static let gitPlain = OptionRule(
        "abcdehlnopqrstuvwzL", valued: "",
        long:
            "all abbrev? abbrev-ref? show-toplevel git-dir is-inside-work-tree verify short? branch porcelain? show-current "
            + "list verbose merged? no-merged? contains? points-at? sort? format? tags always dirty? long exact-match heads "
            + "cached others modified deleted ignored exclude-standard stage full-name name-only object-only count left-right "
            + "max-count? no-merges merges first-parent since? until? is-ancestor fork-point numbered summary email "
            + "untracked-files? column? ahead-behind no-color color?",
        numbers: true)

    private static let gitLists = OptionRule(
        "alrvn",
        long:
            "list all remotes verbose contains? no-contains? merged? no-merged? points-at? sort? format? column? no-column "
            + "color? no-color ignore-case show-current", numbers: true)

    mutating func git(_ invocation: Invocation) {
        var rest = invocation.arguments
        var hasPager = invocation.hasTerminal
        while let option = rest.first?.text, option.hasPrefix("-") {
            rest.removeFirst()
            switch option {
            case "--no-pager": hasPager = false
            case "--no-optional-locks", "--literal-pathspecs": continue
            case "-C":
                guard rest.popFirst()?.isSingle == true else { return refuse("git", .dynamic) }
            case "--version": return found.add(.read)
            default: return refuse("git", .option(option))
            }
        }
        guard let command = rest.popFirst()?.text else { return found.add(.unknown, "git", "has no command") }
        gitCommand(command, rest, hasPager: hasPager)
    }

    private mutating func gitCommand(_ command: String, _ rest: ArraySlice<Word>, hasPager: Bool) {
        let name = "git \(command)"
        let first = rest.first?.text
        switch command {
        case "status", "rev-parse", "describe", "ls-files", "ls-tree", "rev-list", "name-rev", "merge-base",
            "for-each-ref",
            "count-objects", "version", "show-ref", "diff-index", "diff-files":
            reader(name, Self.gitPlain, rest)
        case "symbolic-ref" where rest.count == 1 && rest.allSatisfy(\.isPlainArgument): found.add(.read)
        case "log", "show", "diff", "whatchanged", "shortlog", "blame", "diff-tree":
            if hasPager { opensPager(name, "use git --no-pager") }
            reader(name, Self.gitHistory, rest)
        case "reflog" where first == nil || first == "show":
            if hasPager { opensPager(name, "use git --no-pager") }
            reader(name, Self.gitHistory, rest)
        case "cat-file" where ["-p", "-t", "-s", "-e"].contains(first):
            rest.dropFirst().allSatisfy(\.isPlainArgument) ? found.add(.read) : refuse(name, .dynamic)
        case "branch", "tag":
            if hasPager { opensPager(name, "use git --no-pager") }
            // A word that is no option makes one, but for lists; -l made a branch's log in old versions.
            let words = rest.filter { !$0.beginning.hasPrefix("-") || $0.text == "-" }
            guard words.isEmpty || first == "--list" || first == "-l" && command == "tag" else {
                return found.add(.write, name, "changes the repository")
            }
            reader(name, Self.gitLists, rest)
        case "remote" where rest.isEmpty || rest.count == 1 && first == "-v" || first == "get-url":
            found.add(.read)
        case "stash" where first == "list", "worktree" where first == "list":
            if hasPager { opensPager(name, "use git --no-pager") }
            rest.count == 1 ? found.add(.read) : refuse(name, .option(first ?? ""))
        case "config" where ["--get", "--get-all", "--list", "-l"].contains(first):
            if hasPager, first == "-l" || first == "--list" { opensPager(name, "use git --no-pager") }
            rest.dropFirst().allSatisfy(\.isPlainArgument) ? found.add(.read) : refuse(name, .dynamic)
        case "fetch", "clone", "pull", "push", "ls-remote", "submodule":
            found.add(.network, name, "talks to another machine")
            found.add(.write, name, "changes the repository")
            found.add(.unknown, name, "can run hooks and helpers")
        case "clean", "reset", "checkout", "restore", "rm", "gc", "prune", "filter-branch", "switch":
            found.add(.destructive, name, "changes or removes files of the working tree")
            found.add(.write, name, nil)
            found.add(.unknown, name, "can run hooks and filters")
        default:
            found.add(.write, name, nil)
            found.add(.unknown, name, "changes the repository, or is an alias that runs commands")
        }
    }

    /// The words after a sub-command.
    mutating func reader(_ name: String, _ rule: OptionRule, _ words: ArraySlice<Word>) {
        switch rule.check(words) {
        case .allowed: found.add(.read)
        case .refused(let why): refuse(name, why)
        }
    }
}
