import NIOConcurrencyHelpers
import NIOCore

/// The names in a directory of the server, as they come.
///
/// ```swift
/// for try await entry in files.list("/srv") where entry.attributes.kind == .directory { … }
/// ```
///
/// At most a few answers are fetched ahead, so a reader that stops stops the server. Each iteration asks anew.
public struct DirectoryListing: AsyncSequence, Sendable {
    public typealias Element = DirectoryEntry
    public typealias Failure = SFTPError

    let client: SFTPClient
    let path: RemotePath

    public func makeAsyncIterator() -> Iterator { Iterator(reader: DirectoryReader(client: client, path: path)) }

    /// All of it at once.
    ///
    /// - Parameter limit: Names; a longer directory throws `failure`.
    public func all(limit: Int = 1_000_000) async throws(SFTPError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        let reader = DirectoryReader(client: client, path: path)
        while let batch = try await reader.next() {
            entries += batch
            guard entries.count <= limit else {
                throw SFTPError(
                    .failure, "“\(path)” has more than \(limit) names.", hint: "Read it one by one.",
                    path: path.description)
            }
        }
        return entries
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let reader: DirectoryReader
        private var batch: ArraySlice<DirectoryEntry> = []

        init(reader: DirectoryReader) { self.reader = reader }

        public mutating func next() async throws(SFTPError) -> DirectoryEntry? {
            try await next(isolation: nil)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(SFTPError) -> DirectoryEntry? {
            while batch.isEmpty {
                guard let next = try await reader.next() else { return nil }
                batch = next[...]
            }
            return batch.popFirst()
        }
    }
}

/// Asks for the next names before they are wanted. The directory is closed at its end, and when the reader is let go.
final class DirectoryReader: Sendable {
    /// READDIRs under way. More would only come back as so many "end of file".
    private static let ahead = 4

    private let client: SFTPClient
    private let path: RemotePath
    private let state = NIOLockedValueBox(State())

    private struct State {
        var handle: SFTPHandle?
        var answers: [EventLoopFuture<[DirectoryEntry]?>] = []
        /// Of the requests that may still be unanswered.
        var numbers: Set<UInt32> = []
        var isAtEnd = false
    }

    init(client: SFTPClient, path: RemotePath) {
        self.client = client
        self.path = path
    }

    deinit { close() }

    private func close() {
        let handle = state.withLockedValue { state in
            state.isAtEnd = true
            defer { state.handle = nil }
            return state.handle
        }
        guard let handle else { return }
        let bound = client.bound
        client.eventLoop.execute { bound.value.close(handle) }
    }

    /// The next names, at least one; nil at the end.
    func next() async throws(SFTPError) -> [DirectoryEntry]? {
        if state.withLockedValue({ $0.isAtEnd }) { return nil }
        if state.withLockedValue({ $0.handle == nil }) {
            let handle = try await client.request(.opendir(path), path).handle(path)
            state.withLockedValue { $0.handle = handle }
        }
        while let answer = nextAnswer() {
            let batch: [DirectoryEntry]?
            do { batch = try await waitForAnswer(answer) } catch {
                close()
                throw error as? SFTPError ?? .connectionLost
            }
            if Task.isCancelled {
                close()
                throw .cancelled
            }
            guard let batch else { break }
            if !batch.isEmpty { return batch }
        }
        close()
        return nil
    }

    /// A task that is cancelled does not wait for a server that does not answer.
    private func waitForAnswer(_ answer: EventLoopFuture<[DirectoryEntry]?>) async throws -> [DirectoryEntry]? {
        let (bound, eventLoop, state) = (client.bound, client.eventLoop, state)
        return try await withTaskCancellationHandler {
            try await answer.get()
        } onCancel: {
            eventLoop.execute {
                for number in state.withLockedValue({ $0.numbers }) { bound.value.abandon(number) }
            }
        }
    }

    private func nextAnswer() -> EventLoopFuture<[DirectoryEntry]?>? {
        state.withLockedValue { state in
            guard let handle = state.handle else { return nil }
            while state.answers.count < Self.ahead { state.answers.append(ask(handle)) }
            return state.answers.removeFirst()
        }
    }

    private func ask(_ handle: SFTPHandle) -> EventLoopFuture<[DirectoryEntry]?> {
        let promise = client.eventLoop.makePromise(of: [DirectoryEntry]?.self)
        let (bound, path, state) = (client.bound, path, state)
        client.eventLoop.execute {
            var number: UInt32?
            number = bound.value.send(.readdir(handle)) { result in
                if let number { state.withLockedValue { _ = $0.numbers.remove(number) } }
                promise.completeWith(result.namesOfReaddir(path))
            }
            if let number { state.withLockedValue { _ = $0.numbers.insert(number) } }
        }
        return promise.futureResult
    }
}

extension Result<SFTPResponse, SFTPError> {
    /// The names of a READDIR's answer without "." and ".."; nil at the end of the directory.
    func namesOfReaddir(_ path: RemotePath) -> Result<[DirectoryEntry]?, any Error> {
        switch self {
        case .success(.names(let entries)):
            .success(entries.filter { $0.name.bytes != [46] && $0.name.bytes != [46, 46] })
        case .success(.status(let status)) where status.code == .endOfFile: .success(nil)
        case .success(.status(let status)): .failure(SFTPError.status(status, path))
        case .success: .failure(SFTPError.unexpected(path))
        case .failure(let error): .failure(error)
        }
    }
}
