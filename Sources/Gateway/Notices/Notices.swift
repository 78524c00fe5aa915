import Foundation
import Logging
import NIOConcurrencyHelpers
import Storage

/// What people should know of although they are not looking: kept in each person's inbox, and sent to the devices that
/// they chose.
///
/// ```swift
/// services.notices.notify(
///     userID: holder.userID, kind: .keyboardRequested, text: "Grace asks for the keyboard on web-1.",
///     link: "/s/\(session.id)")
/// ```
///
/// Telling never waits and never fails: it goes through a bounded queue, so that it can be done on an event loop. When
/// the queue is full the oldest goes, and the log says how many were lost.
public final class Notices: Sendable {
    /// What stays of one person's notices.
    static let kept = 500
    static let longestText = 300

    private enum Receiver: Sendable {
        case person(String)
        case role(String)
    }

    private struct Job: Sendable {
        let receiver: Receiver
        let kind: NoticeKind
        let text: String
        let link: String
    }

    private let store: Store
    private let tenant: String
    private let logger: Logger
    private let jobs: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation
    private let lost = NIOLockedValueBox(0)
    private let listeners = NIOLockedValueBox<[@Sendable (Notice) -> Void]>([])

    static let migrations: [Migration] = [
        Migration(
            "notices-1",
            [
                """
                CREATE TABLE notice (
                    tenant TEXT NOT NULL,
                    id TEXT NOT NULL,
                    person TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    text TEXT NOT NULL,
                    link TEXT NOT NULL,
                    at \(type: .integer) NOT NULL,
                    read \(type: .integer),
                    PRIMARY KEY (tenant, id),
                    FOREIGN KEY (tenant, person) REFERENCES person (tenant, id)
                ) \(clause: .strict)
                """,
                "CREATE INDEX notice_by_person ON notice (tenant, person, at)",
            ])
    ]

    init(store: Store, tenant: String, logger: Logger, limit: Int = 2000) {
        self.store = store
        self.tenant = tenant
        self.logger = logger
        (jobs, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(limit))
    }

    /// Tells one person. Nobody is told who is not there or is disabled.
    ///
    /// - Parameters:
    ///   - text: one line for people; longer than 300 characters is cut. Control bytes are taken out.
    ///   - link: a place in the page that begins with a slash, such as `/s/ses_…`; anything else leads to the inbox.
    public func notify(userID: String, kind: NoticeKind, text: String, link: String) {
        add(Job(receiver: .person(userID), kind: kind, text: text, link: link))
    }

    /// Tells everybody of a role, such as the admins.
    public func notify(role: String, kind: NoticeKind, text: String, link: String) {
        add(Job(receiver: .role(role), kind: kind, text: text, link: link))
    }

    private func add(_ job: Job) {
        if case .dropped = continuation.yield(job) { lost.withLockedValue { $0 += 1 } }
    }

    /// Calls `listener` with each notice that is in an inbox, on a task of its own. It must be quick.
    func onNotice(_ listener: @escaping @Sendable (Notice) -> Void) {
        listeners.withLockedValue { $0.append(listener) }
    }

    /// Writes and hands on until ``finish()``.
    func run() async {
        for await job in jobs {
            do {
                for notice in try await keep(job) {
                    for listener in listeners.withLockedValue({ $0 }) { listener(notice) }
                }
            } catch {
                logger.error("A notice could not be kept.", metadata: ["kind": "\(job.kind.rawValue)"])
            }
            let missing = lost.withLockedValue { count in
                defer { count = 0 }
                return count
            }
            if missing > 0 {
                logger.error("Notices came faster than they could be kept.", metadata: ["lost": "\(missing)"])
            }
        }
    }

    func finish() { continuation.finish() }

    private func keep(_ job: Job) async throws -> [Notice] {
        let tenant = tenant
        let (text, link) = (Self.line(job.text), Self.place(job.link))
        return try await store.transaction { tx in
            var notices: [Notice] = []
            for person in try Self.people(job.receiver, tenant, in: tx) {
                let notice = Notice(userID: person, kind: job.kind, text: text, link: link)
                try tx.execute(
                    """
                    INSERT INTO notice (tenant, id, person, kind, text, link, at)
                    VALUES (\(tenant), \(notice.id), \(person), \(notice.kind.rawValue), \(text), \(link), \(notice.at))
                    """)
                try tx.execute(
                    """
                    DELETE FROM notice WHERE tenant = \(tenant) AND person = \(person) AND id NOT IN (
                        SELECT id FROM notice WHERE tenant = \(tenant) AND person = \(person)
                        ORDER BY at DESC, id DESC LIMIT \(Self.kept))
                    """)
                notices.append(notice)
            }
            return notices
        }
    }

    private static func people(
        _ receiver: Receiver, _ tenant: String, in tx: borrowing StoreTransaction
    ) throws(StorageError) -> [String] {
        let rows =
            switch receiver {
            case .person(let id):
                try tx.rows("SELECT id FROM person WHERE tenant = \(tenant) AND id = \(id) AND NOT disabled")
            case .role(let role):
                try tx.rows("SELECT id FROM person WHERE tenant = \(tenant) AND role = \(role) AND NOT disabled")
            }
        return try rows.map { row throws(StorageError) in try row.text("id") }
    }

    /// Names come from people and hosts: nothing in a line may move a cursor or turn the direction of writing.
    static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
            default: true
            }
        }
        return String(String(String.UnicodeScalarView(scalars)).prefix(longestText))
    }

    /// A link leads into this page and nowhere else.
    static func place(_ link: String) -> String {
        let isPlace =
            link.hasPrefix("/") && !link.hasPrefix("//") && link.utf8.count <= 300
            && link.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
        return isPlace ? link : "/inbox"
    }
}

// MARK: - The inbox

extension Notices {
    /// A person's notices, the newest first, and how many are unread.
    public func inbox(_ caller: Caller, limit: Int = 100) async throws(GatewayError) -> (notices: [Notice], unread: Int)
    {
        let tenant = tenant
        do {
            return try await store.read { tx in
                let notices = try tx.rows(
                    """
                    SELECT id, person, kind, text, link, at, read FROM notice
                    WHERE tenant = \(tenant) AND person = \(caller.userID) ORDER BY at DESC, id DESC LIMIT \(limit)
                    """
                ).map { row throws(StorageError) in try Notice(row) }
                let unread = try tx.row(
                    """
                    SELECT count(*) AS unread FROM notice
                    WHERE tenant = \(tenant) AND person = \(caller.userID) AND read IS NULL
                    """)
                return (notices, Int(try unread?.integer("unread") ?? 0))
            }
        } catch { throw GatewayError(storage: error) }
    }

    /// Marks some of a person's own notices as read; all of them without any.
    public func markRead(_ ids: [String], caller: Caller) async throws(GatewayError) {
        guard ids.count <= Self.kept else {
            throw .invalid(
                "ids", "More than \(Self.kept) notices at once.", hint: "Leave ids empty to mark all as read.")
        }
        let tenant = tenant
        let now = Timestamp.now()
        do {
            try await store.transaction { tx in
                if ids.isEmpty {
                    try tx.execute(
                        """
                        UPDATE notice SET read = \(now)
                        WHERE tenant = \(tenant) AND person = \(caller.userID) AND read IS NULL
                        """)
                } else {
                    try tx.execute(
                        """
                        UPDATE notice SET read = \(now) WHERE tenant = \(tenant) AND person = \(caller.userID)
                            AND read IS NULL AND id IN \(list: ids)
                        """)
                }
            }
        } catch { throw GatewayError(storage: error) }
    }
}
