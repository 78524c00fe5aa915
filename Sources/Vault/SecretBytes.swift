#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Bytes of a secret: kept out of the swap file where the system allows it, wiped when the last owner lets go, and
/// never part of any description.
///
/// `@unchecked Sendable`: the memory is written in the initialiser and the deinitialiser alone.
public final class SecretBytes: @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    /// Copies the bytes; the caller's own copy stays. Use `init(moving:)` where there is nobody else to keep it.
    public init(_ bytes: some Collection<UInt8>) {
        memory = .allocate(byteCount: bytes.count, alignment: 16)
        memory.copyBytes(from: bytes)
        lock()
    }

    /// Copies the bytes and wipes the array that held them.
    public init(moving bytes: inout [UInt8]) {
        memory = .allocate(byteCount: bytes.count, alignment: 16)
        memory.copyBytes(from: bytes)
        lock()
        bytes.withUnsafeMutableBytes { Self.wipe($0) }
        bytes = []
    }

    /// The UTF-8 bytes of a text.
    public convenience init(_ text: String) {
        self.init(text.utf8)
    }

    deinit {
        Self.wipe(memory)
        if let start = memory.baseAddress { munlock(start, memory.count) }
        memory.deallocate()
    }

    /// How many bytes.
    public var count: Int { memory.count }

    /// Lends the bytes for the time of the call. Do not keep the pointer.
    public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(memory))
    }

    /// Lends a copy as an array, wiped after the call, for an API that wants one.
    public func withArray<R>(_ body: ([UInt8]) throws -> R) rethrows -> R {
        var copy = [UInt8](memory)
        defer { copy.withUnsafeMutableBytes { Self.wipe($0) } }
        return try body(copy)
    }

    /// Overwrites memory in a way that the optimiser may not leave out.
    static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
        if let start = memory.baseAddress { explicit_bzero(start, memory.count) }
    }

    /// Best effort: a container may not be allowed to lock memory.
    private func lock() {
        if let start = memory.baseAddress { mlock(start, memory.count) }
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "SecretBytes(\(count) bytes)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
