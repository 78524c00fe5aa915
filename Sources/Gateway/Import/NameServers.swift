import Foundation
import NIOCore
import NIOPosix

/// Asks name servers for service records: over UDP, and over TCP where an answer does not fit.
public struct NameServers: Sendable {
    private static let patience = TimeAmount.seconds(3)

    private let servers: [SocketAddress]
    private let loops: any EventLoopGroup

    /// - Parameter servers: `address` or `address:port`; empty takes those of this machine's `resolv.conf`.
    public init(_ servers: [String] = [], loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton)
        throws(GatewayError)
    {
        self.loops = loops
        var found: [SocketAddress] = []
        for text in servers {
            guard let address = Self.address(text) else {
                throw .importFailed(
                    "“\(text.prefix(80))” is no address of a name server.", hint: "For example 10.0.0.2:53.")
            }
            found.append(address)
        }
        self.servers = servers.isEmpty ? Self.ofThisMachine : found
    }

    private static func address(_ text: String) -> SocketAddress? {
        if let plain = try? SocketAddress(ipAddress: text, port: 53) { return plain }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return try? SocketAddress(ipAddress: host, port: port)
    }

    /// resolv.conf(5).
    private static var ofThisMachine: [SocketAddress] {
        guard let data = FileManager.default.contents(atPath: "/etc/resolv.conf") else { return [] }
        return String(decoding: data.prefix(65_536), as: UTF8.self).split(whereSeparator: \.isNewline).compactMap {
            line in
            let words = line.split { $0 == " " || $0 == "\t" }
            return words.count >= 2 && words[0] == "nameserver" ? address(String(words[1])) : nil
        }
    }

    /// The records of a name, the most wanted first.
    /// - Throws: `import_failed` when there are none, or nobody answers.
    func records(_ text: String) async throws(GatewayError) -> [ServiceRecords.Record] {
        let name = try ServiceRecords.name(text)
        for server in servers.prefix(3) {
            for _ in 0..<2 {
                guard let answer = await ask(name, server) else { continue }
                switch answer {
                case .records(let records) where !records.isEmpty:
                    return records.sorted { ($0.priority, $1.weight, $0.target) < ($1.priority, $0.weight, $1.target) }
                case .records, .failed(code: 3):
                    throw .importFailed("There are no service records of \(name).", hint: "Check the name in the DNS.")
                case .failed, .truncated: continue
                }
            }
        }
        throw .importFailed(
            "No name server answered the question for \(name).", hint: "Check the name servers of this machine.")
    }

    private func ask(_ name: String, _ server: SocketAddress) async -> ServiceRecords.Answer? {
        let id = UInt16.random(in: .min ... .max)
        let answer = await exchange(name, id, server, overTCP: false)
        return answer == .truncated ? await exchange(name, id, server, overTCP: true) : answer
    }

    private func exchange(
        _ name: String, _ id: UInt16, _ server: SocketAddress, overTCP: Bool
    ) async -> ServiceRecords.Answer? {
        let loop = loops.any()
        let promise = loop.makePromise(of: ServiceRecords.Answer?.self)
        let handler: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                if !overTCP { try channel.pipeline.syncOperations.addHandler(DatagramContents()) }
                try channel.pipeline.syncOperations.addHandler(
                    AnswerReader(name: name, id: id, isStream: overTCP, promise: promise))
            }
        }
        let deadline = loop.scheduleTask(in: Self.patience) { promise.succeed(nil) }
        defer { deadline.cancel() }
        do {
            let channel: any Channel =
                overTCP
                ? try await ClientBootstrap(group: loop).connectTimeout(Self.patience).channelInitializer(handler)
                    .connect(to: server).get()
                : try await DatagramBootstrap(group: loop).channelInitializer(handler).connect(to: server).get()
            defer { channel.close(promise: nil) }
            let question = ServiceRecords.question(name, id: id)
            var buffer = ByteBuffer()
            if overTCP { buffer.writeInteger(UInt16(truncatingIfNeeded: question.count)) }
            buffer.writeBytes(question)
            if overTCP {
                try await channel.writeAndFlush(buffer)
            } else {
                try await channel.writeAndFlush(AddressedEnvelope(remoteAddress: server, data: buffer))
            }
            return try await promise.futureResult.get()
        } catch {
            promise.succeed(nil)
            return nil
        }
    }
}

private final class DatagramContents: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(unwrapInboundIn(data).data))
    }
}

/// Waits for the answer among what comes. Datagrams that are none are left out: anybody can send one.
private final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let name: String
    private let id: UInt16
    private let isStream: Bool
    private let promise: EventLoopPromise<ServiceRecords.Answer?>
    private var stream = ByteBuffer()

    init(name: String, id: UInt16, isStream: Bool, promise: EventLoopPromise<ServiceRecords.Answer?>) {
        self.name = name
        self.id = id
        self.isStream = isStream
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var piece = unwrapInboundIn(data)
        guard isStream else { return offer(Array(piece.readableBytesView)) }
        stream.writeBuffer(&piece)
        guard stream.readableBytes <= 65_537 + 2 else { return context.close(promise: nil) }
        guard let length = stream.getInteger(at: stream.readerIndex, as: UInt16.self),
            let message = stream.getBytes(at: stream.readerIndex + 2, length: Int(length))
        else { return }
        offer(message)
        context.close(promise: nil)
    }

    private func offer(_ message: [UInt8]) {
        if let answer = ServiceRecords.answer(message, to: name, id: id) { promise.succeed(answer) }
    }

    func channelInactive(context: ChannelHandlerContext) { promise.succeed(nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
