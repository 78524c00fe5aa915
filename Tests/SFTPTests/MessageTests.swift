import NIOCore
import Testing

@testable import SFTP

@Suite struct MessageTests {
    static let attributes: FileAttributes = {
        var attributes = FileAttributes(
            size: 1 << 40, owner: .init(user: 1000, group: 100), permissions: 0o100644,
            times: .init(accessed: 7, modified: 9))
        attributes.extended = [.init(type: [1], data: [2, 3])]
        return attributes
    }()

    static let handle = SFTPHandle(bytes: [1, 2, 3, 4])

    /// One of each kind.
    static let requests: [SFTPRequest] = [
        .open("/a", [.read, .write, .create], attributes), .close(handle), .read(handle, offset: 1 << 33, length: 9),
        .write(handle, offset: 5, data: ByteBuffer(string: "data")), .lstat("/l"), .fstat(handle),
        .setstat("/s", attributes), .fsetstat(handle, attributes), .opendir("/d"), .readdir(handle), .remove("/r"),
        .mkdir("/m", attributes), .rmdir("/m"), .realpath("."), .stat("/x"), .rename(from: "/a", to: "/b"),
        .readlink("/l"), .symlink(target: "t", link: "/l"), .posixRename(from: "/a", to: "/b"), .statvfs("/"),
        .fstatvfs(handle), .hardlink(existing: "/a", link: "/b"), .fsync(handle), .lsetstat("/l", attributes), .limits,
        .expandPath("~/x"),
        .copyData(.init(source: handle, sourceOffset: 1, length: 2, target: handle, targetOffset: 3)),
        .homeDirectory(user: "joe"), .usersGroupsByID(users: [1, 2], groups: [3]),
    ]

    static let responses: [SFTPResponse] = [
        .status(SFTPStatus(.failure, "no")), .handle(handle), .data(ByteBuffer(string: "data")),
        .names([
            DirectoryEntry(name: "a", longName: "-rw a", attributes: attributes),
            DirectoryEntry(name: "b", attributes: .init()),
        ]), .attributes(attributes),
    ]

    static func encode(_ request: SFTPRequest) -> ByteBuffer {
        var buffer = ByteBuffer()
        request.write(id: 77, to: &buffer)
        if case .write(_, _, let data) = request { buffer.writeImmutableBuffer(data) }
        return buffer
    }

    @Test("every request is read as it was written", arguments: requests)
    func roundTrip(request: SFTPRequest) throws {
        var stream = PacketStream()
        stream.append(Self.encode(request))
        let packet = try #require(try stream.next())
        var reader = SFTPReader(packet.body)
        #expect(try reader.uint32() == 77)
        let type = try #require(MessageType(rawValue: packet.type))
        #expect(try SFTPRequest(type, &reader) == request)
        #expect(reader.remaining == 0)
        #expect(stream.pendingBytes == 0)
    }

    @Test("every truncation of every request is refused, and none is taken for another", arguments: requests)
    func truncatedRequests(request: SFTPRequest) throws {
        let whole = Self.encode(request)
        let type = try #require(MessageType(rawValue: whole.getInteger(at: 4) ?? 0))
        let body = try #require(whole.getSlice(at: 9, length: whole.readableBytes - 9))
        for length in 0..<body.readableBytes {
            var reader = SFTPReader(try #require(body.getSlice(at: 0, length: length)))
            let result = try? SFTPRequest(type, &reader)
            // A name cut short is another name, which this server does not know either.
            if case .unknownExtension? = result { continue }
            #expect(result == nil, "cut at \(length)")
        }
    }

    @Test("every truncation of every answer is refused", arguments: responses.indices)
    func truncatedResponses(index: Int) throws {
        var whole = ByteBuffer()
        Self.responses[index].write(id: 1, to: &whole)
        let type: UInt8 = try #require(whole.getInteger(at: 4))
        let body = try #require(whole.getSlice(at: 9, length: whole.readableBytes - 9))
        for length in 0..<body.readableBytes {
            var reader = SFTPReader(try #require(body.getSlice(at: 0, length: length)))
            let response = try? SFTPResponse(type: type, &reader)
            // A status without its message is what old servers send.
            if case .status? = response, length == 4 { continue }
            #expect(response == nil || response?.code != nil, "cut at \(length)")
        }
    }

    @Test("a stream that is cut anywhere brings the same packets")
    func chunks() throws {
        var all = ByteBuffer()
        for request in Self.requests { all.writeImmutableBuffer(Self.encode(request)) }
        var random = SeededNumbers(seed: 42)
        for _ in 0..<50 {
            var stream = PacketStream()
            var rest = all
            var count = 0
            while rest.readableBytes > 0 {
                let length = min(rest.readableBytes, Int(random.next() % 40) + 1)
                if let piece = rest.readSlice(length: length) { stream.append(piece) }
                while let packet = try stream.next() {
                    let expected = Self.encode(Self.requests[count])
                    #expect(packet.body == expected.getSlice(at: 5, length: expected.readableBytes - 5))
                    count += 1
                }
            }
            #expect(count == Self.requests.count)
        }
    }

    @Test("random bytes are never more than refused")
    func garbage() {
        var random = SeededNumbers(seed: 4711)
        for _ in 0..<20_000 {
            var bytes = ByteBuffer()
            for _ in 0..<random.next() % 60 {
                // Small numbers are lengths that fit, now and then.
                bytes.writeInteger(
                    random.next() % 3 == 0 ? UInt8(truncatingIfNeeded: random.next()) : UInt8(random.next() % 4))
            }
            for type in MessageType.allCases {
                var reader = SFTPReader(bytes)
                _ = try? SFTPRequest(type, &reader)
                reader = SFTPReader(bytes)
                _ = try? SFTPResponse(type: type.rawValue, &reader)
            }
            var stream = PacketStream()
            stream.append(bytes)
            while let packet = try? stream.next() { _ = packet }
            _ = try? SCPHeader(Array(bytes.readableBytesView))
        }
    }

    @Test("a packet beyond the limit, and one of no bytes, are refused before anything is kept")
    func lengths() {
        for length: UInt32 in [0, UInt32(SFTPLimits.maximumPacket) + 1, 0x7FFF_FFFF, 0xFFFF_FFFF] {
            var stream = PacketStream()
            stream.append(ByteBuffer(integer: length))
            #expect(throws: SFTPStatus.self) { _ = try stream.next() }
        }
    }

    @Test("packets come out of a stream whole however it was cut, and memory that is given back changes none")
    func cutStream() throws {
        var whole = ByteBuffer()
        let bodies = (0..<60).map { index in
            [UInt8](repeating: UInt8(index), count: index % 7 == 0 ? 70_000 : index * 11)
        }
        for body in bodies { whole.writePacket(.data) { $0.writeBytes(body) } }
        for step in [1, 3, 999, 32_768, 65_536, 1_000_000] {
            var (stream, rest) = (PacketStream(), whole)
            var received: [ByteBuffer] = []
            while let piece = rest.readSlice(length: min(step, rest.readableBytes)), piece.readableBytes > 0 {
                stream.append(piece)
                while let packet = try stream.next() {
                    // Kept while its memory is given back: it must stay what it is.
                    received.append(packet.body)
                    if stream.isJoined { stream.reuse(packet.body) }
                }
            }
            #expect(received.map { Array($0.readableBytesView) } == bodies)
            #expect(stream.pendingBytes == 0)
        }
    }

    @Test("a count of names that cannot be there is refused")
    func counts() {
        for count: UInt32 in [1, 1000, 0xFFFF_FFFF] {
            var reader = SFTPReader(ByteBuffer(integer: count))
            #expect(throws: SFTPStatus.self) { _ = try SFTPResponse(type: MessageType.name.rawValue, &reader) }
        }
    }

    @Test(
        "names that would lead elsewhere are no components",
        arguments: ["", ".", "..", "a/b", "/", "a\0b", "/etc/passwd"])
    func unsafeNames(name: String) {
        #expect(throws: SFTPError.self) { _ = try RemotePath("/dir").appending(RemotePath(name)) }
    }

    @Test(
        "a path is cleaned by its letters and never climbs above the root",
        arguments: [
            ("/a/../b", "/b"), ("/../../etc", "/etc"), ("x/./y//z/", "/home/x/y/z"), ("", "/home"), ("..", "/"),
            ("../../..", "/"), ("/a/b/../../../c", "/c"), ("...", "/home/..."),
        ])
    func normalisation(path: String, expected: String) {
        #expect(RemotePath(path).normalised(from: "/home") == RemotePath(expected))
    }

    @Test("the flight starts small, grows to 4 MiB, and beyond only as far as the link carries")
    func flight() {
        var flight = FlightControl()
        #expect(flight.limit == FlightControl.initial)
        var now = NIODeadline.uptimeNanoseconds(1)
        // 1 ms round trip at 100 MB/s: 100 KB are under way at most, so the standard is enough.
        for _ in 0..<20_000 {
            now = now + .microseconds(320)
            flight.answered(32 * 1024, sent: now - .milliseconds(1), now: now)
        }
        #expect(flight.limit == FlightControl.standard)
        // 150 ms at 200 MB/s: 30 MB.
        var long = FlightControl()
        for _ in 0..<50_000 {
            now = now + .microseconds(160)
            long.answered(32 * 1024, sent: now - .milliseconds(150), now: now)
        }
        #expect(long.limit == FlightControl.maximum)
    }

    @Test("a flight that is full lets those go on who waited, when there is room")
    func flightWaiters() {
        var flight = FlightControl()
        flight.take(flight.limit)
        #expect(!flight.hasRoom)
        flight.wait {}
        flight.wait {}
        #expect(flight.release(1).count == 2)
        #expect(flight.hasRoom)
        flight.shortRead(4096)
        #expect(flight.chunk(upTo: 1 << 20) == 4096)
    }
}

/// Numbers that are the same each time.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ state
    }
}
