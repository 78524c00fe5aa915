import NIOCore
import NIOPosix

/// A TCP connection that sends exactly the bytes it is given: what a browser would never send, too.
final class RawConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    static func open<Result>(port: Int, _ body: (RawConnection) async throws -> Result) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound, outbound))
        }
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// The next response, with the body that its Content-Length announces.
    func response(hasBody: Bool = true) async throws -> RawResponse {
        var head: String?
        while head == nil {
            if let end = end(of: "\r\n\r\n") {
                head = buffer.readString(length: end)
            } else if try await !readMore() {
                throw RawConnectionError.closedEarly
            }
        }
        var response = RawResponse(head: head ?? "")
        guard hasBody else { return response }
        if response.headers["transfer-encoding"] == "chunked" {
            while let header = try await line(), let size = Int(header, radix: 16), size > 0 {
                response.body += try await text(size)
                _ = try await line()
            }
            _ = try await line()
        } else {
            response.body = try await text(Int(response.headers["content-length"] ?? "0") ?? 0)
        }
        return response
    }

    func bytes(_ count: Int) async throws -> [UInt8] {
        while buffer.readableBytes < count {
            if try await !readMore() { throw RawConnectionError.closedEarly }
        }
        return buffer.readBytes(length: count) ?? []
    }

    /// Waits for the peer's end of the connection, and returns what came before it.
    func rest() async throws -> [UInt8] {
        while try await readMore() {}
        return buffer.readBytes(length: buffer.readableBytes) ?? []
    }

    private func text(_ count: Int) async throws -> String {
        String(decoding: try await bytes(count), as: UTF8.self)
    }

    private func line() async throws -> String? {
        while true {
            if let end = end(of: "\r\n") {
                return buffer.readString(length: end).map { String($0.dropLast(1)) }
            }
            if try await !readMore() { return nil }
        }
    }

    private func end(of mark: String) -> Int? {
        let view = Array(buffer.readableBytesView)
        let mark = Array(mark.utf8)
        guard view.count >= mark.count else { return nil }
        return (0...(view.count - mark.count)).first { Array(view[$0..<($0 + mark.count)]) == mark }.map {
            $0 + mark.count
        }
    }

    private func readMore() async throws -> Bool {
        do {
            guard var next = try await inbound.next() else { return false }
            buffer.writeBuffer(&next)
            return true
        } catch is IOError {
            return false
        }
    }
}

enum RawConnectionError: Error {
    case closedEarly
}

/// A response as it stood on the wire. Header names in lower case.
struct RawResponse {
    var status = 0
    var headers: [String: String] = [:]
    var cookies: [String] = []
    var body = ""

    init(head: String) {
        let lines = head.components(separator: "\r\n")
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if name == "set-cookie" { cookies.append(String(value)) }
            headers[name] = String(value)
        }
    }
}

extension String {
    fileprivate func components(separator: String) -> [String] {
        var parts: [String] = []
        var current = ""
        for character in self {
            if String(character) == separator {
                parts.append(current)
                current = ""
            } else {
                current.append(character)
            }
        }
        return parts + [current]
    }
}
