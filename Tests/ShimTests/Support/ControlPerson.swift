import Foundation
import NIOCore
import SSHTools

@testable import Shim

#if canImport(Glibc)
import Glibc
#endif

/// A client at a control socket, with three pipes for its input, output and errors. It waits for what it reads.
final class ControlPerson: Sendable {
    private let socket: Int32
    private let input: (read: Int32, write: Int32)
    private let output: (read: Int32, write: Int32)
    private let errors: (read: Int32, write: Int32)

    init(_ path: String) throws {
        socket = OwnerSocket.connect(path) ?? -1
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        (input, output, errors) = (Self.pipe(), Self.pipe(), Self.pipe())
    }

    private static func pipe() -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        _ = Glibc.pipe(&ends)
        return (ends[0], ends[1])
    }

    func say(_ bytes: [UInt8]) { _ = OwnerSocket.send(socket, ByteBuffer(bytes: bytes)) }

    /// Asks for a command, and hands its descriptors over.
    func run(_ command: String, x11: UInt8 = 0) {
        say([0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 4])
        var body = ByteBuffer(bytes: [0x10, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, x11])
        body.writeBytes([0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
        body.writeInteger(UInt32(command.utf8.count))
        body.writeString(command)
        say(Array(ByteBuffer(integer: UInt32(body.readableBytes)).readableBytesView) + Array(body.readableBytesView))
        for descriptor in [input.read, output.write, errors.write] {
            _ = OwnerSocket.send(socket, ByteBuffer(bytes: [0]), descriptors: [descriptor])
            close(descriptor)
        }
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(input.write, bytes, bytes.count)
    }

    /// That many bytes of replies; fewer at the end.
    func hear(_ count: Int) -> [UInt8] { Self.read(socket, count) }

    /// All output and all errors, when the other side has closed both.
    func outputs() -> (String, String) {
        (
            String(decoding: Self.read(output.read, .max), as: UTF8.self),
            String(decoding: Self.read(errors.read, .max), as: UTF8.self)
        )
    }

    private static func read(_ descriptor: Int32, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count < count {
            let received = Glibc.read(descriptor, &piece, min(piece.count, count - bytes.count))
            guard received > 0 else { break }
            bytes += piece.prefix(received)
        }
        return bytes
    }

    deinit { for descriptor in [socket, input.write, output.read, errors.read] { close(descriptor) } }
}
