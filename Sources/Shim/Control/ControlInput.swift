import NIOCore

/// What came from one client and is not dealt with yet: bytes, and the descriptors that came along. A value; whoever drops
/// it closes what `takeDescriptors` brings.
struct ControlInput {
    /// Everything that came, in its order.
    var bytes = ByteBuffer()
    var descriptors: [Int32] = []
    /// Whole but for its descriptors.
    private var pending: ControlRequest?

    /// The next request with its descriptors, which become the caller's; nil while it has not come whole.
    mutating func next() throws(ControlFault) -> (request: ControlRequest, descriptors: [Int32])? {
        // A request brings three at most, and one request is looked at at a time.
        guard descriptors.count <= 3 else { throw .descriptors }
        if pending == nil { pending = try ControlRequest.next(&bytes) }
        guard let request = pending else { return nil }
        let count = request.descriptorCount
        guard bytes.readableBytes >= count else { return nil }
        guard descriptors.count == count else { throw .descriptors }
        bytes.moveReaderIndex(forwardBy: count)
        bytes.discardReadBytes()
        pending = nil
        return (request, takeDescriptors())
    }

    mutating func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }
}
