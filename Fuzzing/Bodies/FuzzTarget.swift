/// One parser, or one whole machine, that is given bytes of no meaning. Nothing it is given may make it trap, run for
/// long, take memory without a limit or break what it promises.
public struct FuzzTarget: Sendable {
    public enum Body: Sendable {
        case plain(@Sendable ([UInt8]) throws -> Void)
        /// For code that waits for other threads.
        case waiting(@Sendable ([UInt8]) async throws -> Void)
    }

    /// What it is called on the command line; its seeds and finds lie in folders of this name.
    public let name: String
    /// What is tried with one input; throws a `FuzzFinding` when a promise is broken.
    public let body: Body
    /// Inputs to begin with, made by the engine's own encoders.
    public let seeds: @Sendable () -> [[UInt8]]

    init(
        _ name: String, seeds: @escaping @Sendable () -> [[UInt8]] = { [] },
        _ body: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.body = .plain(body)
    }

    init(
        waiting name: String, seeds: @escaping @Sendable () -> [[UInt8]],
        _ body: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.body = .waiting(body)
    }

    /// Tries one input.
    public func run(_ input: [UInt8]) async throws {
        switch body {
        case .plain(let body): try body(input)
        case .waiting(let body): try await body(input)
        }
    }

    public static let all: [FuzzTarget] =
        transport + messages + keys + agent + configuration + forwarding + files + connections + guards + recordings
}

/// A promise that an input broke.
public struct FuzzFinding: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Breaks off when a promise does not hold.
func hold(_ promise: Bool, _ description: @autoclosure () -> String) throws(FuzzFinding) {
    guard promise else { throw FuzzFinding(description()) }
}
