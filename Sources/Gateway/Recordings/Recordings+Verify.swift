import Foundation
import Recording
import Storage
import Vault

/// Whether recordings are what was written.
extension Recordings {
    /// What a check found.
    public struct Verification: Sendable, Encodable {
        public struct Problem: Sendable, Encodable {
            /// `altered`, `missing_chunk`, `out_of_order`, `chain_broken`, `tail_cut`, `other_end`, `not_found`, …
            public let code: String
            public let sentence: String
            public let hint: String
            /// The chunk, counted from 0.
            public let chunk: Int?
            /// The byte of the file.
            public let offset: Int64?
        }

        public let id: String
        public let host: String
        public let startedAt: String
        public let state: StoredRecording.State
        public let ok: Bool
        /// Chunks that are as they were written, from the first on.
        public let chunks: Int
        /// Hash of the last of them, in hexadecimal digits.
        public let head: String
        public let problem: Problem?
    }

    /// Checks every byte of one recording: each seal, each link, and that its end is the one that was closed.
    public func verify(_ id: String, caller: Caller) async throws(GatewayError) -> Verification {
        try await verify(try await find(id, caller))
    }

    /// The recordings that this person may see, the newest first, for `verify` one by one.
    public func allForVerification(_ caller: Caller) async throws(GatewayError) -> [String] {
        try await entries(caller, limit: 1_000_000).map(\.recording.id)
    }

    private func verify(_ entry: RecordingStore.Entry) async throws(GatewayError) -> Verification {
        let recording = entry.recording
        func verification(_ chunks: Int, _ head: String, _ problem: RecordingError?, _ code: String? = nil)
            -> Verification
        {
            Verification(
                id: recording.id, host: recording.host.alias, startedAt: recording.startedAt, state: recording.state,
                ok: problem == nil, chunks: chunks, head: head,
                problem: problem.map {
                    .init(
                        code: code ?? $0.code.rawValue, sentence: $0.description, hint: $0.hint, chunk: $0.chunk,
                        offset: $0.offset)
                })
        }
        let reader: RecordingReader
        do { reader = try await files.open(recording.id, walksAll: true) } catch let error as RecordingError {
            return verification(0, "", error)
        } catch is VaultError {
            return verification(
                0, "",
                RecordingError(
                    .headerAltered,
                    "Its key can't be opened: the header was altered, or the file is another recording's.",
                    hint: "Restore the file from a backup.", offset: 0), "wrong_key")
        } catch {
            throw Self.unreadable(error)
        }
        let (ending, chunks, hash) = try await inPool { reader.verify() }
        let head = RecordingFiles.hexadecimal(hash)
        switch ending {
        case .damaged(let error): return verification(chunks, head, error)
        case .truncated(let end) where recording.state == .complete:
            return verification(
                chunks, head,
                RecordingError(
                    .tailCut, "It was closed with \(recording.bytes) bytes, and now it ends after \(end).",
                    hint: "Restore the file from a backup.", chunk: chunks, offset: end))
        case .complete, .recording, .truncated:
            guard let known = entry.head, recording.state != .recording, known != head else {
                return verification(chunks, head, nil)
            }
            return verification(
                chunks, head,
                RecordingError(
                    .tailCut, "It does not end with the chunk with which it was closed.",
                    hint: "Restore the file from a backup.", chunk: chunks, offset: nil), "other_end")
        }
    }
}
