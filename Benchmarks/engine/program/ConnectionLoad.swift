import NIOCore
import NIOPosix
import SSH

/// Loads for a server, from a client that stays up.
enum ConnectionLoad {
    /// `connect --count N --parallel M [--command TEXT]`: connects, authenticates, perhaps runs a command, and closes.
    /// Prints each connection's milliseconds.
    static func connect(_ arguments: Arguments) async throws {
        let client = try Client(arguments)
        let (count, parallel) = (try arguments.number("count"), try arguments.number("parallel", otherwise: 1))
        let command = arguments.optional("command")
        let group = MultiThreadedEventLoopGroup.singleton
        try await inParallel(count, parallel) { _ in
            let connection = try await client.connect(on: group.next())
            if let command { _ = try await connection.run(command) }
            await connection.close()
        }
    }

    /// `channels --count N --parallel M --command TEXT`: commands on one connection, a channel each.
    static func channels(_ arguments: Arguments, on eventLoop: any EventLoop) async throws {
        let client = try Client(arguments)
        let (count, parallel) = (try arguments.number("count"), try arguments.number("parallel", otherwise: 1))
        let command = try arguments.text("command")
        let connection = try await client.connect(on: eventLoop)
        // The first one pays for what later ones find in memory.
        _ = try await connection.run(command)
        try await inParallel(count, parallel) { _ in _ = try await connection.run(command) }
        await connection.close()
    }

    /// Prints how long each turn took and how long all did.
    private static func inParallel(
        _ count: Int, _ parallel: Int, _ turn: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let start = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [Double].self) { group in
            for worker in 0..<parallel {
                group.addTask {
                    var times: [Double] = []
                    for number in stride(from: worker, to: count, by: parallel) {
                        let before = ContinuousClock.now
                        try await turn(number)
                        times.append((ContinuousClock.now - before).milliseconds)
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        report("total \((ContinuousClock.now - start).milliseconds)")
        report("each " + times.map { "\($0)" }.joined(separator: " "))
    }

    /// `hold --count N --command TEXT`: as many connections, each with a terminal, until the end of standard input.
    static func hold(_ arguments: Arguments) async throws {
        let client = try Client(arguments)
        let command = try arguments.text("command")
        let group = MultiThreadedEventLoopGroup.singleton
        var held: [SSHProcess] = []
        for _ in 0..<(try arguments.number("count")) {
            let connection = try await client.connect(on: group.next())
            held.append(try await connection.start(command, pty: SSHTerminal()))
        }
        report("ready")
        while readLine() != nil {}
        for process in held { await process.channel.connection.close() }
    }
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15 }
}
