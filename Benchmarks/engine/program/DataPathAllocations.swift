import Glibc
import NIOCore
import SSH

/// `engine-bench allocations [--cipher NAME]` under a malloc that counts (it exports `malloc_count`): what 1,000 packets of
/// channel data allocate on their way from one end to the other after the first thousand, window adjustments included.
enum DataPathAllocations {
    private static let packets = 1000

    static func run(_ arguments: Arguments) throws {
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "malloc_count") else {
            throw UsageError("run it with LD_PRELOAD of a library that has malloc_count")
        }
        let count = unsafeBitCast(symbol, to: (@convention(c) () -> Int).self)
        let ciphers = try arguments.optional("cipher").map { name -> [CipherName] in
            guard let cipher = CipherName(rawValue: name) else { throw UsageError("there is no cipher \(name)") }
            return [cipher]
        }
        for cipher in ciphers ?? CipherName.standard {
            for size in [32_768, 1000, 1] {
                var pair = try MachinePair(cipher)
                let data = ByteBuffer(repeating: 7, count: size)
                for _ in 0..<packets { try pair.send(data) }
                let before = count()
                for _ in 0..<packets { try pair.send(data) }
                report("\(cipher.rawValue) \(size) \(count() - before)")
            }
        }
    }
}

/// A client and a server, joined by memory, with one channel.
private struct MachinePair {
    private var client: ConnectionMachine
    private var server: ConnectionMachine
    private var channel = ChannelID?.none
    private var served = ChannelID?.none
    private var isReady = false
    /// As a socket's reads: memory that is used again when it has been let go of.
    private var reads = [ByteBuffer](repeating: ByteBuffer(), count: 4)
    private var turn = 0
    private(set) var received = 0

    init(_ cipher: CipherName) throws {
        let (hostKey, userKey) = (SSHPrivateKey.generateEd25519(), SSHPrivateKey.generateEd25519())
        var asks = ClientConfiguration(username: "user")
        asks.credentials = [.privateKey(userKey)]
        asks.algorithms.ciphers = [cipher]
        client = ConnectionMachine(client: asks, random: randomBytes)
        server = ConnectionMachine(
            server: ServerConfiguration(hostKeys: [HostKey(privateKey: hostKey)]), random: randomBytes)
        client.start(now: .now())
        server.start(now: .now())
        try exchange()
        channel = try client.openSession()
        try exchange()
        guard isReady else { throw UsageError("the channel did not open") }
    }

    mutating func send(_ data: ByteBuffer) throws {
        let before = received
        guard let channel, client.write(data, on: channel) else { throw UsageError("the channel takes nothing") }
        try exchange()
        guard received == before + data.readableBytes else { throw UsageError("data is missing") }
    }

    private mutating func exchange() throws {
        var isMoving = true
        while isMoving {
            isMoving = false
            while let output = client.drainOutput(now: .now()) {
                server.receive(read(output), isOwned: true, now: .now())
                isMoving = true
            }
            while let event = server.nextEvent() { try answer(event, isServer: true) }
            while let output = server.drainOutput(now: .now()) {
                client.receive(read(output), isOwned: true, now: .now())
                isMoving = true
            }
            while let event = client.nextEvent() { try answer(event, isServer: false) }
        }
    }

    private mutating func read(_ output: ByteBuffer) -> ByteBuffer {
        turn = (turn + 1) % reads.count
        reads[turn].clear()
        reads[turn].writeImmutableBuffer(output)
        return reads[turn]
    }

    private mutating func answer(_ event: ConnectionEvent, isServer: Bool) throws {
        switch event {
        case .verifyHostKey: client.acceptHostKey(now: .now())
        case .mayOfferKey: server.answerKeyOffer(true, now: .now())
        case .authorize(let request):
            server.answerAuthorization(request.method.name == "publickey" ? .accept : .refuse, now: .now())
        case .channelOpen(let id, _):
            served = id
            server.accept(id)
        case .channel(_, .opened): isReady = true
        case .channel(let id, .data(_, let bytes)):
            received += bytes.readableBytes
            if isServer { _ = server.consumed(bytes.readableBytes, on: id) }
        case .closed(let error): throw error
        default: break
        }
    }
}
