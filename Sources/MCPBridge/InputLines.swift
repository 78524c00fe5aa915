import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The lines of a descriptor, read by a thread of its own: it may be a pipe, a file or a terminal, and reading may block.
public struct InputLines: Sendable {
    /// - Parameter descriptor: 0 for standard input. The stream ends with its end of file.
    public static func of(_ descriptor: Int32) -> AsyncThrowingStream<[UInt8], any Error> {
        let (lines, continuation) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        // Not a task: those share few threads, and this one waits.
        Thread.detachNewThread {
            var line: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            reading: while true {
                let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break reading }
                for byte in buffer[..<count] {
                    if byte != 10 {
                        // What is longer than a message may be is not kept, only counted as too long.
                        if line.count <= MCPBridge.maximumLine { line.append(byte) }
                        continue
                    }
                    continuation.yield(line)
                    line = []
                }
            }
            if !line.isEmpty { continuation.yield(line) }
            continuation.finish()
        }
        return lines
    }
}
