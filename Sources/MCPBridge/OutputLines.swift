import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Lines to a descriptor, each whole, whoever writes.
public final class OutputLines: Sendable {
    private let descriptor: Int32
    private let lock = NSLock()

    /// - Parameter descriptor: 1 for standard output.
    public init(_ descriptor: Int32) { self.descriptor = descriptor }

    public func write(_ line: [UInt8]) {
        let bytes = line + [10]
        lock.withLock {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Self.write($0, descriptor) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) -> Int {
        #if canImport(Glibc)
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
