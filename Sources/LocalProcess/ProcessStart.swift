// From a launch to a running child and the descriptors at our end. Blocks: for a thread pool.

import CProcess

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A child that runs, and our ends of its streams. Whoever takes it owns them.
struct StartedProcess {
    struct Terminal {
        var master: Int32
        /// Ours too, for as long as the program runs: without it the end of the last program that holds the terminal
        /// would look like an end that another program can take back by opening the terminal once more.
        var slave: Int32
        var name: String
    }

    enum Streams {
        case terminal(Terminal)
        /// `error` is nil where it is not separate.
        case sockets(input: Int32, output: Int32, error: Int32?)
    }

    var child: ChildProcess
    var streams: Streams

    init(_ launch: ProcessLaunch) throws(LocalProcessError) {
        try launch.check()
        let path = try launch.path()
        var open = OpenDescriptors()
        defer { open.close() }
        let plan = try StreamPlan(launch, &open)
        child = try Self.start(launch, path, plan)
        streams = plan.ours
        // Ours from here on.
        open.keep(plan.kept)
    }

    private static func start(
        _ launch: ProcessLaunch, _ path: String, _ plan: StreamPlan
    ) throws(LocalProcessError) -> ChildProcess {
        var environment = launch.environment
        if case .terminal(let terminal) = plan.ours, let name = launch.terminalVariable {
            environment[name] = terminal.name
        }
        let variables = environment.map { Array("\($0.key)=\($0.value)".utf8) }
        var (process, descriptor, step): (pid_t, Int32, Int32) = (0, -1, 0)
        let groups = launch.account?.groups ?? []
        let number = withCStrings(launch.argumentBytes) { arguments in
            withCStrings(variables) { variables in
                withOptionalCString(launch.folder) { folder in
                    withOptionalCString(launch.spareFolder) { spareFolder in
                        path.withCString { path in
                            groups.withUnsafeBufferPointer { groups in
                                var request = process_launch()
                                request.executable = path
                                request.arguments = arguments
                                request.environment = variables
                                request.folder = folder
                                request.spare_folder = spareFolder
                                (request.input, request.output, request.error) = plan.theirs
                                request.makes_session = launch.staysInOurSession && launch.terminal == nil ? 0 : 1
                                request.has_terminal = launch.terminal == nil ? 0 : 1
                                if let account = launch.account, account.isAnother {
                                    request.switches_account = 1
                                    request.user = account.userID
                                    request.group = account.groupID
                                    request.groups = groups.baseAddress
                                    request.group_count = groups.count
                                }
                                request.descriptor_limit = launch.descriptorLimit ?? 0
                                return process_start(&request, &process, &descriptor, &step)
                            }
                        }
                    }
                }
            }
        }
        guard number == 0 else { throw .start(launch, step: step, number) }
        return ChildProcess(number: process, descriptor: descriptor)
    }

    /// For a process that nobody can watch: its streams are closed and it is ended.
    func abandon() {
        child.signal(SIGKILL, group: true)
        switch streams {
        case .terminal(let terminal):
            close(terminal.master)
            close(terminal.slave)
        case .sockets(let input, let output, let error):
            close(input)
            close(output)
            if let error { close(error) }
        }
    }
}

extension LocalAccount {
    /// Whether something must change for a program to run as this account.
    var isAnother: Bool { geteuid() == 0 || userID != geteuid() }
}

/// Descriptors that are closed on the way out, but for those that are kept.
private struct OpenDescriptors {
    private var all: [Int32] = []

    mutating func add(_ descriptor: Int32) { all.append(descriptor) }

    mutating func keep(_ kept: [Int32]) { all.removeAll { kept.contains($0) } }

    func close() { for descriptor in all { _ = closeDescriptor(descriptor) } }
}

private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

/// What the program gets as its streams, and what stays here.
private struct StreamPlan {
    let theirs: (Int32, Int32, Int32)
    let ours: StartedProcess.Streams
    let kept: [Int32]

    init(_ launch: ProcessLaunch, _ open: inout OpenDescriptors) throws(LocalProcessError) {
        if let setup = launch.terminal {
            let terminal = try Self.terminal(setup, owner: launch.terminalOwner ?? launch.account)
            open.add(terminal.master)
            open.add(terminal.slave)
            theirs = (terminal.slave, terminal.slave, terminal.slave)
            ours = .terminal(terminal)
            kept = [terminal.master, terminal.slave]
            return
        }
        // A socket for each stream: the end of a pipe can be taken back by whoever opens it again through /proc, and one
        // socket for two streams would lose output when writing input fails.
        let input = try Self.sockets(launch, &open)
        let output = try Self.sockets(launch, &open)
        switch launch.errorOutput {
        case .separate:
            let error = try Self.sockets(launch, &open)
            theirs = (input.theirs, output.theirs, error.theirs)
            ours = .sockets(input: input.ours, output: output.ours, error: error.ours)
            kept = [input.ours, output.ours, error.ours]
        case .merged, .inherited:
            theirs = (input.theirs, output.theirs, launch.errorOutput == .merged ? output.theirs : 2)
            ours = .sockets(input: input.ours, output: output.ours, error: nil)
            kept = [input.ours, output.ours]
        }
    }

    private static func sockets(
        _ launch: ProcessLaunch, _ open: inout OpenDescriptors
    ) throws(LocalProcessError) -> (ours: Int32, theirs: Int32) {
        var (ours, theirs): (Int32, Int32) = (-1, -1)
        let number = process_make_sockets(&ours, &theirs)
        guard number == 0 else { throw .start(launch, step: 4, number) }
        open.add(ours)
        open.add(theirs)
        return (ours, theirs)
    }

    private static func terminal(
        _ setup: PseudoTerminal.Setup, owner: LocalAccount?
    ) throws(LocalProcessError) -> StartedProcess.Terminal {
        let modes = setup.modes.map { process_terminal_mode(opcode: $0.opcode, argument: $0.argument) }
        var (master, slave): (Int32, Int32) = (-1, -1)
        var name = [CChar](repeating: 0, count: 256)
        let number = modes.withUnsafeBufferPointer { modes in
            var request = process_terminal()
            request.columns = UInt16(clamping: setup.size.columns)
            request.rows = UInt16(clamping: setup.size.rows)
            request.width = UInt16(clamping: setup.size.width)
            request.height = UInt16(clamping: setup.size.height)
            request.modes = modes.baseAddress
            request.mode_count = modes.count
            request.switches_owner = owner?.isAnother == true ? 1 : 0
            request.owner = owner?.userID ?? 0
            return process_open_terminal(&request, &master, &slave, &name, name.count)
        }
        guard number == 0 else { throw .noTerminal(number) }
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return StartedProcess.Terminal(master: master, slave: slave, name: path)
    }
}

// MARK: Texts for C

/// An array of strings with NULL at its end.
private func withCStrings<Value>(
    _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Value
) -> Value {
    var copies: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0.map { CChar(bitPattern: $0) } + [0]) }
    copies.append(nil)
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress) }
}

private func withOptionalCString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
