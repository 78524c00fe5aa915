import NIOCore

extension ApplicationVisit {
    /// Does something that reads no input, while the person may stop it with Ctrl-C. What else they type meanwhile is
    /// dropped. Without a terminal there are no keys, and the input is left alone.
    ///
    /// - Throws: ``ApplicationInterrupted`` for Ctrl-C, or what `body` throws.
    public func interruptible<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard terminal != nil else { return try await body() }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await waitForInterrupt()
                return nil
            }
            defer { group.cancelAll() }
            while let done = try await group.next() {
                if let done { return done }
            }
            throw CancellationError()
        }
    }

    /// Returns at the end of the input.
    private func waitForInterrupt() async throws {
        do {
            while let piece = try await read() {
                if piece.readableBytesView.contains(0x03) { throw ApplicationInterrupted() }
            }
        } catch {
            // The other half is done, and this one was cancelled.
            guard !Task.isCancelled else { return }
            throw error
        }
    }
}
