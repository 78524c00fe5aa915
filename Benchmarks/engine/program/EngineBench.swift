// The engine's own ends for the benchmark: a server that runs programs and serves files, and small clients.

import Glibc
import NIOCore
import SSH

/// `engine-bench COMMAND --name value… words…`; `Benchmarks/run --engine` calls it.
@main
enum EngineBench {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        guard !words.isEmpty else { complain("usage: engine-bench serve|run|connect|channels|hold|files …", 64) }
        let command = words.removeFirst()
        LoopExecutor.run { [words] eventLoop in
            do {
                exit(try await run(command, Arguments(words), on: eventLoop))
            } catch {
                complain("engine-bench \(command): \(error)", 1)
            }
        }
    }

    private static func run(_ command: String, _ arguments: Arguments, on eventLoop: any EventLoop) async throws
        -> Int32
    {
        switch command {
        case "serve": try await BenchServer.serve(arguments)
        case "run": return try await RemoteCommand.run(arguments, on: eventLoop)
        case "connect": try await ConnectionLoad.connect(arguments)
        case "channels": try await ConnectionLoad.channels(arguments, on: eventLoop)
        case "hold": try await ConnectionLoad.hold(arguments)
        case "files": try await FileTransfers.run(arguments, on: eventLoop)
        case "allocations": try DataPathAllocations.run(arguments)
        default: throw UsageError("there is no command \(command)")
        }
        return 0
    }

    static func complain(_ words: String, _ status: Int32) -> Never {
        write(2, words + "\n", words.utf8.count + 1)
        exit(status)
    }
}

struct UsageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Options with a value each, and the words between them.
struct Arguments: Sendable {
    private var options: [String: String] = [:]
    private(set) var words: [String] = []

    init(_ all: [String]) throws {
        var rest = all[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                words.append(word)
                continue
            }
            guard let value = rest.popFirst() else { throw UsageError("\(word) needs a value") }
            options[String(word.dropFirst(2))] = value
        }
    }

    func text(_ name: String) throws -> String {
        guard let value = options[name] else { throw UsageError("--\(name) is missing") }
        return value
    }

    func optional(_ name: String) -> String? { options[name] }

    func number(_ name: String, otherwise: Int? = nil) throws -> Int {
        if let value = options[name] {
            guard let number = Int(value) else { throw UsageError("--\(name) is a number") }
            return number
        }
        guard let otherwise else { throw UsageError("--\(name) is missing") }
        return otherwise
    }

    func word(_ index: Int) throws -> String {
        guard words.indices.contains(index) else { throw UsageError("a word is missing") }
        return words[index]
    }
}

/// The whole of a small file.
func contents(of path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw UsageError("\(path) cannot be read") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &piece, piece.count)
        guard count > 0 else { return bytes }
        bytes += piece[..<count]
    }
}

/// Writes a line for whoever started us.
func report(_ line: String) {
    let line = line + "\n"
    write(1, line, line.utf8.count)
}
