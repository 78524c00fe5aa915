// `copilot scp`: copies between this machine and hosts, or between hosts by way of this machine.

import NIOConcurrencyHelpers
public import SFTP
public import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// How a copy is done: the command line's letters.
public struct FileCopyOptions: Sendable {
    /// `-r`
    public var isRecursive = false
    /// `-p`: times and permissions travel.
    public var preserves = false
    /// `-q`
    public var isQuiet = false
    /// `--resume`: what is at the target already is compared and gone on with.
    public var resumes = false
    /// `-O`: the old protocol, for hosts without SFTP.
    public var usesOldProtocol = false
    /// `-T`: with the old protocol, take whatever names the host's shell makes of a pattern.
    public var trustsNames = false
    /// `-l`, in bytes a second.
    public var bytesPerSecond: Int?
    public var flight = FlightLimits()
    /// `-s`, `-D`: what is started at the host for SFTP.
    public var server = "sftp"

    public init() {}
}

/// Copies several sources to one target. What fails is told, and the rest goes on.
public struct FileCopy: Sendable {
    /// Reaches a host; asked once for each.
    public typealias Connect = @Sendable (CopyHost) async throws(Failure) -> SSHConnection

    let options: FileCopyOptions
    let output: FileOutput
    let hosts: CopyHosts

    /// - Parameters:
    ///   - options: The command line's.
    ///   - output: Where failures go.
    ///   - connect: Reaches a host.
    public init(_ options: FileCopyOptions, output: FileOutput = .standard, connect: @escaping Connect) {
        self.options = options
        self.output = output
        hosts = CopyHosts(connect, server: options.server, limits: options.flight)
    }

    /// Copies until all is done or SIGINT or SIGTERM ends it.
    ///
    /// - Returns: The exit status: 0 when everything arrived, 1 when something did not, 130 and 143 after a signal.
    public func run(_ sources: [CopyOperand], to target: CopyOperand) async -> Int32 {
        // Before signals are taken over: Ctrl-C at a question about a password ends the program.
        for case .remote(let host, _) in [target] + sources { try? await hosts.reach(host) }
        let interrupts = Interrupts()
        interrupts.watch()
        let hasSucceeded = await interrupts.run { await copy(sources, to: target) }
        await hosts.close()
        if interrupts.isTerminated { return 143 }
        if interrupts.takeInterrupt() { return 130 }
        return hasSucceeded ? 0 : 1
    }

    private func copy(_ sources: [CopyOperand], to target: CopyOperand) async -> Bool {
        if case .remote(let host, _) = target {
            do { try await hosts.reach(host) } catch {
                _ = tell(error)
                return false
            }
        }
        var hasSucceeded = true
        for source in sources {
            do {
                try Task.checkCancellation()
                switch (source, target) {
                case (.local(let path), .local(let place)):
                    try await copyHere(path, to: place, isOneOfMany: sources.count > 1)
                case (.local(let path), .remote(let host, let place)):
                    try await put(path, host, place, isOneOfMany: sources.count > 1)
                case (.remote(let host, let path), .local(let place)):
                    try await get(host, path, to: place, isOneOfMany: sources.count > 1)
                case (.remote(let host, let path), .remote(let other, let place)):
                    try await pass(host, path, to: other, place, isOneOfMany: sources.count > 1)
                }
            } catch {
                hasSucceeded = false
                guard tell(error) else { return false }
            }
        }
        return hasSucceeded
    }

    /// - Returns: Whether there is a point in going on with the next source.
    private func tell(_ error: any Error) -> Bool {
        switch error {
        case is ReportedFailures: return true
        case let failure as Failure:
            output.error("copilot: \(failure.sentence)")
            if !failure.hint.isEmpty { output.error("  \(failure.hint)") }
            return true
        case let error as SFTPError:
            if error.code == .cancelled { return false }
            tell(error)
            return true
        default: return false
        }
    }

    func tell(_ error: SFTPError) {
        output.error("copilot: \(error.description)")
        if !error.hint.isEmpty { output.error("  \(error.hint)") }
    }

    // MARK: What all ways have in common

    var transferOptions: TransferOptions {
        var wanted = TransferOptions()
        wanted.preservesTimes = options.preserves
        wanted.preservesModes = options.preserves
        wanted.links = .followed
        wanted.resume = options.resumes ? .afterSamples : .never
        wanted.continuesAfterErrors = true
        return wanted
    }

    var oldOptions: SCPOptions {
        var wanted = SCPOptions(isRecursive: options.isRecursive, preserves: options.preserves)
        wanted.continuesAfterErrors = true
        wanted.bytesPerSecond = options.bytesPerSecond
        wanted.acceptsAnyName = options.trustsNames
        return wanted
    }

    /// Shows a transfer, and tells what failed or was left out.
    func transfer(
        _ title: String, isTree: Bool,
        _ body: (ProgressDisplay) async throws(SFTPError) -> TransferSummary
    ) async throws {
        let display = ProgressDisplay(title: Printable.line(title), isTree: isTree, isShown: !options.isQuiet)
        let summary: TransferSummary
        do throws(SFTPError) {
            summary = try await display.show { () throws(SFTPError) in try await body(display) }
        } catch {
            if error.code != .cancelled { tell(error) }
            for file in display.left {
                let resume = options.usesOldProtocol ? "--resume without -O" : "--resume"
                output.error("  \(file.leftBehind(resume: resume))")
            }
            throw error.code == .cancelled ? error as any Error : ReportedFailures()
        }
        for path in summary.skippedPaths { output.error("copilot: “\(path)” is not a regular file: skipped.") }
        for failure in summary.failures { tell(failure) }
        if !summary.failures.isEmpty || !summary.skippedPaths.isEmpty { throw ReportedFailures() }
    }

    /// `cp` would do it; so does scp.
    private func copyHere(_ path: String, to place: String, isOneOfMany: Bool) async throws {
        try checkTarget(place, isFolder: LocalFolder.current.isFolder(RemotePath(place)), takesMany: isOneOfMany)
        let flags = "-" + (options.isRecursive ? "r" : "") + (options.preserves ? "p" : "")
        let arguments = (flags == "-" ? [] : [flags]) + ["--", path, place]
        guard await LocalShell.run(program: "cp", arguments) == 0 else { throw ReportedFailures() }
    }
}

/// Failures that the person has been told of.
struct ReportedFailures: Error {}

/// The hosts of a copy, each reached once.
actor CopyHosts {
    private let connect: FileCopy.Connect
    private let server: String
    private let limits: FlightLimits
    private var connections: [CopyHost: SSHConnection] = [:]
    private var clients: [CopyHost: SFTPClient] = [:]
    /// One that could not be reached is not tried again for each source.
    private var failures: [CopyHost: Failure] = [:]

    init(_ connect: @escaping FileCopy.Connect, server: String, limits: FlightLimits) {
        (self.connect, self.server, self.limits) = (connect, server, limits)
    }

    func reach(_ host: CopyHost) async throws(Failure) { _ = try await connection(to: host) }

    func connection(to host: CopyHost) async throws(Failure) -> SSHConnection {
        if let failure = failures[host] { throw failure }
        if let connection = connections[host] {
            guard !connection.isOpen else { return connection }
            throw Failure(
                "The connection to \(Printable.line(host.destination)) was lost.", hint: "Copy the rest again.",
                status: .foundWrong)
        }
        do throws(Failure) {
            let connection = try await connect(host)
            connections[host] = connection
            return connection
        } catch {
            failures[host] = error
            throw error
        }
    }

    func files(of host: CopyHost) async throws -> SFTPClient {
        let connection = try await connection(to: host)
        if let client = clients[host] { return client }
        do throws(SFTPError) {
            let client = try await connection.sftp(server: server)
            await client.limitFlight(limits)
            clients[host] = client
            return client
        } catch {
            guard error.code == .subsystemRefused || error.code == .connectionLost else { throw error }
            var failure = error
            failure.hint = "The host may have no SFTP: try -O, which uses the scp program there."
            throw failure
        }
    }

    func close() async {
        for client in clients.values { await client.close() }
        for connection in connections.values { await connection.close() }
    }
}
