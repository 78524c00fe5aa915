import NIOCore
import SSHTestSupport

@testable import SFTP

/// A server whose every answer a test writes, and a client of ours that talks to it.
struct ScriptedFiles {
    typealias Script = @Sendable (_ request: SFTPRequest, _ id: UInt32) -> [Answer]

    enum Answer: Sendable {
        case response(SFTPResponse)
        /// To a request of another number.
        case foreign(SFTPResponse, id: UInt32)
        case raw([UInt8])
    }

    let client: SFTPClient

    /// Called for each request but INIT, on one event loop.
    init(_ script: @escaping Script) async throws {
        let eventLoop = anyLoop()
        client = try await eventLoop.flatSubmit {
            let (near, far) = MemoryPipe.pair(on: eventLoop)
            let core = ClientCore(near)
            near.onData = { core.received($0) }
            near.onWritable = { core.writabilityChanged() }
            near.onClose = { core.closed(nil) }
            var stream = PacketStream()
            far.onData = { data in
                far.consumed(data.readableBytes)
                stream.append(data)
                while let packet = try? stream.next() { Self.answer(packet.type, packet.body, far, script) }
            }
            // Each end lives as long as the other.
            near.onWritable = {
                _ = far
                core.writabilityChanged()
            }
            return SFTPClient.start(core)
        }.get()
    }

    private static func answer(_ type: UInt8, _ body: ByteBuffer, _ far: MemoryPipe, _ script: Script) {
        guard let kind = MessageType(rawValue: type) else { return }
        var reply = ByteBuffer()
        if kind == .initialise {
            reply.writePacket(.version) { $0.writeInteger(UInt32(3)) }
            far.write(reply)
            return
        }
        var reader = SFTPReader(body)
        guard let id = try? reader.uint32(), let request = try? SFTPRequest(kind, &reader) else { return }
        for answer in script(request, id) {
            switch answer {
            case .response(let response): response.write(id: id, to: &reply)
            case .foreign(let response, let other): response.write(id: other, to: &reply)
            case .raw(let bytes): reply.writeBytes(bytes)
            }
        }
        if reply.readableBytes > 0 { far.write(reply) }
    }
}
