import Foundation
import NIOCore
import NIOPosix
import SSH
import TestSupport

/// A session's command in /bin/sh, with its three streams; a terminal is not made.
enum ShellCommand {
    static func run(_ session: SSHServerSession) async throws -> CommandResult.Exit {
        let (child, streams) = try start(session)
        return try await withTaskCancellationHandler {
            let input = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .takingOwnershipOfDescriptor(output: streams.input).get()
            let output = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .takingOwnershipOfDescriptor(input: streams.output, channelInitializer: wrap)
            let errors = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .takingOwnershipOfDescriptor(input: streams.errors, channelInitializer: wrap)
            let feeding = Task { try? await feed(input, from: session) }
            async let complaints: Void = copy(errors, to: session, .standardError)
            try await copy(output, to: session, .standardOutput)
            try await complaints
            feeding.cancel()
            await feeding.value
            return try await ending(child)
        } onCancel: {
            kill(child, SIGKILL)
        }
    }

    private typealias Pipe = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    @Sendable private static func wrap(_ channel: any Channel) -> EventLoopFuture<Pipe> {
        channel.eventLoop.makeCompletedFuture { try Pipe(wrappingChannelSynchronously: channel) }
    }

    /// Until the client's end of file, or until the program reads no more. Each write is done when the pipe took it: what
    /// waits when a channel is closed is lost.
    private static func feed(_ pipe: any Channel, from session: SSHServerSession) async throws {
        do {
            for try await bytes in session { try await pipe.writeAndFlush(bytes) }
        } catch {
            try? await pipe.close()
            throw error
        }
        try await pipe.close()
    }

    private static func copy(_ pipe: Pipe, to session: SSHServerSession, _ stream: SSHDataStream) async throws {
        try await pipe.executeThenClose { reader, _ in
            for try await bytes in reader { try await session.write(bytes, to: stream) }
        }
    }

    private static func ending(_ child: pid_t) async throws -> CommandResult.Exit {
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(1)) }
        switch status & 0x7F {
        case 0: return .status(UInt32(status >> 8 & 0xFF))
        case SIGKILL: return .signal(ExitSignal(name: "KILL"))
        case SIGTERM: return .signal(ExitSignal(name: "TERM"))
        default: return .signal(ExitSignal(name: "HUP"))
        }
    }

    // MARK: Starting

    /// Our ends of the program's pipes.
    private struct Streams {
        var input: CInt
        var output: CInt
        var errors: CInt
    }

    private static func start(_ session: SSHServerSession) throws -> (pid_t, Streams) {
        let (input, output, errors) = (try makePipe(), try makePipe(), try makePipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writing, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.writing, 2)
        let child = try ChildProcess.spawn(
            "/bin/sh", session.command.map { ["-c", $0] } ?? [], &actions,
            environment: ProcessInfo.processInfo.environment.merging(session.environment) { $1 })
        for descriptor in [input.reading, output.writing, errors.writing] { close(descriptor) }
        return (child, Streams(input: input.writing, output: output.reading, errors: errors.reading))
    }

    /// Children of these tests inherit nothing, so it needs no close-on-exec.
    private static func makePipe() throws -> (reading: CInt, writing: CInt) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw ToolFailure(description: "no pipe") }
        return (ends[0], ends[1])
    }
}
