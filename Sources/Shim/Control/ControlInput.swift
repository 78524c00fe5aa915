import NIOCore

/// What came from one client and is not dealt with yet: bytes, and the descriptors that came along. A value; whoever drops
/// it closes what `takeDescriptors` brings.
struct ControlInput {
    /// Everything that came, in its order.
    var bytes = ByteBuffer()
    var descriptors: [Int32] = []
    /// A request brings three at most, and a client is not read while one of its requests is dealt with: beside them are
    /// those that came with the last bytes that were read.
    static let maximumDescriptors = 6
    /// Whole but for its descriptors.
    private var pending: ControlRequest?

    /// The next request with its descriptors, which become the caller's; nil while it has not come whole.
    mutating func next() throws(ControlFault) -> (request: ControlRequest, descriptors: [Int32])? {
        guard descriptors.count <= Self.maximumDescriptors else { throw .descriptors }
        if pending == nil { pending = try ControlRequest.next(&bytes) }
        guard let request = pending else { return nil }
        let count = request.descriptorCount
        guard bytes.readableBytes >= count else { return nil }
        // Those of the next request may have come already: a client need not wait for an answer to this one.
        let isFollowed = bytes.readableBytes > count
        guard descriptors.count == count || isFollowed && descriptors.count > count else { throw .descriptors }
        bytes.moveReaderIndex(forwardBy: count)
        bytes.discardReadBytes()
        pending = nil
        let own = Array(descriptors.prefix(count))
        descriptors.removeFirst(count)
        return (request, own)
    }

    mutating func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }
}
