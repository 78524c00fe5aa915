// From a command line to an exit status: `copilot sftp` and `copilot scp`.

import NIOCore
import SFTP
import SSH

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reaches hosts and does what a command line of sftp or scp asks for.
public struct FileVisit: Sendable {
    private let backend: any HostBackend
    private let questions: any PersonQuestions
    private let eventLoop: any EventLoop
    private let environment: [String: String]

    /// - Parameters:
    ///   - backend: Knows what a name means.
    ///   - questions: Asks the person.
    ///   - eventLoop: Connections' own.
    ///   - environment: Of the process.
    public init(
        backend: any HostBackend, questions: any PersonQuestions, on eventLoop: any EventLoop,
        environment: [String: String]
    ) {
        (self.backend, self.questions, self.eventLoop, self.environment) = (backend, questions, eventLoop, environment)
    }

    /// `copilot sftp`
    ///
    /// - Returns: The exit status.
    /// - Throws: When there is no connection, no SFTP at its other end, or no batch file.
    public func sftp(_ arguments: SFTPArguments) async throws(Failure) -> Int32 {
        let source = try Self.source(arguments.batchFile)
        let host = try await connect(arguments.destination, arguments.host)
        let session: FilePrompt
        do throws(SFTPError) {
            let client = try await host.connection.sftp(server: arguments.server)
            await client.limitFlight(arguments.flight)
            session = FilePrompt(client, options: arguments.prompt, environment: environment)
            try await session.begin()
        } catch {
            throw Failure(error.description, hint: error.hint, status: .connection)
        }
        if !arguments.prompt.isQuiet { PersonTerminal.error("Connected to \(arguments.destination.destination).") }
        let loop = FilePromptLoop(session)
        var status: Int32?
        if let path = arguments.path { status = await loop.open(path, target: arguments.target) }
        if status == nil {
            status = await loop.run(
                source, historyPath: CommandHistory.path("sftp-history", environment: environment))
        }
        await host.connection.close()
        return status ?? 0
    }

    /// `copilot scp`
    ///
    /// - Returns: The exit status.
    public func scp(_ arguments: SCPArguments) async -> Int32 {
        let options = arguments.host
        let copy = FileCopy(arguments.copy) { host throws(Failure) in
            try await connect(host, options).connection
        }
        return await copy.run(arguments.sources, to: arguments.target)
    }

    private func connect(_ host: CopyHost, _ options: HostOptions) async throws(Failure) -> OpenHost {
        let request = ConnectionRequest(
            destination: host.destination, port: host.port ?? options.port, identityFiles: options.identityFiles,
            jumps: options.jumps, configurationFile: options.configurationFile,
            // What the command line forwards is a session's, not a copy's.
            options: options.options + ["ClearAllForwardings=yes", "PermitLocalCommand=no"],
            verbosity: options.verbosity, isQuiet: options.isQuiet)
        return try await HostConnector(request, backend: backend, questions: questions, on: eventLoop).connect()
    }

    private static func source(_ batchFile: String?) throws(Failure) -> FilePromptLoop.Source {
        switch batchFile {
        case nil: return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 ? .terminal : .lines(STDIN_FILENO)
        case "-"?: return .batch(STDIN_FILENO)
        case let path?:
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw Failure(
                    "The batch file \(Printable.line(path)) cannot be read: \(String(cString: strerror(errno))).",
                    hint: "Name a file of commands, or - for standard input.", status: .foundWrong)
            }
            return .batch(descriptor)
        }
    }
}
