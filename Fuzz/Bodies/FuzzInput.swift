import NIOCore

/// An input, read from its beginning: part of it decides what is done, the rest is data. Past its end it is zeros.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func boolean() -> Bool { byte() & 1 == 1 }

    /// 0..<count
    mutating func below(_ count: Int) -> Int { Int(byte()) % max(1, count) }

    mutating func uint32() -> UInt32 { (0..<4).reduce(0) { value, _ in value << 8 | UInt32(byte()) } }

    /// As many bytes as the next one says.
    mutating func chunk() -> [UInt8] { bytes(Int(byte())) }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return Array(taken)
    }

    mutating func text() -> String { String(decoding: chunk(), as: UTF8.self) }

    /// A number of the magnitude that matters: small ones, powers of two and their neighbours, the largest.
    mutating func magnitude() -> UInt32 {
        let kind = byte()
        switch kind >> 5 {
        case 0: return UInt32(kind & 31)
        case 1: return UInt32(1) << UInt32(kind & 31)
        case 2: return (UInt32(1) << UInt32(kind & 31)) &- 1
        case 3: return UInt32.max - UInt32(kind & 31)
        case 4: return UInt32(byte())
        case 5: return UInt32(byte()) << 8 | UInt32(byte())
        default: return uint32()
        }
    }

    mutating func element<Value>(of values: [Value]) -> Value? {
        values.isEmpty ? nil : values[below(values.count)]
    }
}

extension ByteBuffer {
    /// The pieces that a stream of these bytes may come in, as `sizes` has them; a zero ends the cutting.
    func pieces(_ sizes: [UInt8]) -> [ByteBuffer] {
        var (rest, pieces) = (self, [ByteBuffer]())
        for size in sizes where size > 0 {
            guard let piece = rest.readSlice(length: min(Int(size), rest.readableBytes)), piece.readableBytes > 0 else {
                break
            }
            pieces.append(ByteBuffer(bytes: piece.readableBytesView))
        }
        if rest.readableBytes > 0 { pieces.append(ByteBuffer(bytes: rest.readableBytesView)) }
        return pieces
    }
}
