import Audit
import Foundation
import NIOConcurrencyHelpers
import Recording
import Storage

/// "Who ran this?": one text in every recording that a person may see.
extension Recordings {
    /// What to look for, and where.
    public struct Query: Sendable {
        public var text: String
        public var scope: RecordingSearch.Scope
        /// One recording only.
        public var recording: String?
        /// Where an earlier answer stopped.
        public var from: String?
        /// Hits of an answer.
        public var limit: Int

        public init(
            _ text: String, scope: RecordingSearch.Scope = .all, recording: String? = nil, from: String? = nil,
            limit: Int = 100
        ) {
            self.text = text
            self.scope = scope
            self.recording = recording
            self.from = from
            self.limit = limit
        }
    }

    public struct Hit: Sendable, Codable {
        /// Seconds since the start.
        public let time: Double
        /// `output`, `input`, `command`, `chat`, `marker` or `file`.
        public let place: String
        /// Who typed, wrote or ran it.
        public let actor: String?
        /// Host text or typed text, cut around what was looked for.
        public let line: String
        public let recording: StoredRecording
    }

    public struct Found: Sendable, Codable {
        public let hits: [Hit]
        /// Recordings that were looked through to their end.
        public let searched: Int
        /// Recordings that there are to look through.
        public let total: Int
        /// Recordings that could not be read.
        public let unreadable: [String]
        /// Where to go on, when the time or the room of this answer was not enough.
        public let next: String?
    }

    /// Recordings of one search.
    private static let most = 1000
    private static let searchesAtOnce = 2
    /// What one answer may take.
    private static let patience = Duration.seconds(4)

    /// Looks through the newest recordings first, for a few seconds at most: `next` goes on from there.
    public func search(_ query: Query, caller: Caller) async throws(GatewayError) -> Found {
        guard let text = SearchText(query.text) else {
            throw .invalid(
                "q", "Look for 1 to \(SearchText.limit) characters.", hint: "A word of a command or of its output.")
        }
        guard mayBegin() else {
            throw GatewayError(
                "search_busy", status: 503, "Others are searching.", hint: "Try again in a few seconds.", retryAfter: 3)
        }
        defer { searches.withLockedValue { $0 -= 1 } }
        let entries: [RecordingStore.Entry]
        if let id = query.recording {
            entries = [try await find(id, caller)]
        } else {
            entries = try await self.entries(caller, limit: Self.most)
        }
        let found = try await look(entries.map(\.recording), query, text)
        services.recordSoon(
            .init(
                actor: caller.auditActor, action: "recording.search", object: nil, outcome: .succeeded,
                details: ["recordings": String(found.searched), "hits": String(found.hits.count)]))
        return found
    }

    private func mayBegin() -> Bool {
        searches.withLockedValue { count in
            guard count < Self.searchesAtOnce else { return false }
            count += 1
            return true
        }
    }

    private func look(
        _ recordings: [StoredRecording], _ query: Query, _ text: SearchText
    ) async throws(GatewayError) -> Found {
        let end = ContinuousClock.now + Self.patience
        let limit = max(1, min(query.limit, 500))
        var (index, from) = try Self.place(query.from, in: recordings)
        var hits: [Hit] = []
        var unreadable: [String] = []
        while index < recordings.count {
            let recording = recordings[index]
            guard ContinuousClock.now < end, hits.count < limit else {
                return Found(
                    hits: hits, searched: index, total: recordings.count, unreadable: unreadable,
                    next: "\(recording.id):\(from)")
            }
            do {
                let reader = try await files.open(recording.id)
                let room = limit - hits.count
                let start = from
                let (found, progress) = try await inPool {
                    try RecordingSearch.search(
                        reader, for: text, scope: query.scope, from: start, limit: room,
                        while: { ContinuousClock.now < end })
                }
                hits += found.map {
                    Hit(
                        time: Double($0.time) / 1_000_000, place: $0.place.rawValue, actor: $0.actor, line: $0.line,
                        recording: recording)
                }
                if case .stopped(let moment) = progress {
                    return Found(
                        hits: hits, searched: index, total: recordings.count, unreadable: unreadable,
                        next: "\(recording.id):\(moment)")
                }
            } catch {
                unreadable.append(recording.id)
            }
            index += 1
            from = 0
        }
        return Found(
            hits: hits, searched: recordings.count, total: recordings.count, unreadable: unreadable, next: nil)
    }

    /// Where to begin: the recording and its microsecond that an answer before named.
    private static func place(
        _ from: String?, in recordings: [StoredRecording]
    ) throws(GatewayError) -> (index: Int, from: Int64) {
        guard let from else { return (0, 0) }
        let parts = from.split(separator: ":")
        guard parts.count == 2, let moment = Int64(parts[1]), moment >= 0 else {
            throw .invalid("from", "“from” is not the `next` of an earlier answer.", hint: "Search from the beginning.")
        }
        // Gone since: its place is the end of the list, and nothing is found twice.
        guard let index = recordings.firstIndex(where: { $0.id == parts[0] }) else { return (recordings.count, 0) }
        return (index, moment)
    }
}
