import Logging
import NIOConcurrencyHelpers
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(1)))
struct NoticesTests {
    /// Tells, and waits until everything is kept.
    private func told(_ domain: DomainFixture, _ tell: (Notices) -> Void) async -> (Notices, [Notice]) {
        let notices = Notices(store: domain.store, tenant: "t1", logger: Logger(label: "test"))
        let heard = NIOLockedValueBox<[Notice]>([])
        notices.onNotice { notice in heard.withLockedValue { $0.append(notice) } }
        tell(notices)
        notices.finish()
        await notices.run()
        return (notices, heard.withLockedValue { $0 })
    }

    @Test("a notice is in the inbox of its person alone, until it is read")
    func inbox() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let grace = try await domain.person(ada, "grace", role: "devops")
        let (notices, heard) = await told(domain) {
            $0.notify(userID: grace.userID, kind: .sessionInvited, text: "Ada invites you.", link: "/s/ses_1")
            $0.notify(userID: "nobody", kind: .sessionInvited, text: "Lost.", link: "/s/ses_1")
        }
        #expect(heard.map(\.userID) == [grace.userID])
        let (list, unread) = try await notices.inbox(grace)
        #expect(list.map(\.text) == ["Ada invites you."] && unread == 1)
        #expect(try await notices.inbox(ada).notices.isEmpty)
        try await notices.markRead(list.map(\.id), caller: ada)
        #expect(try await notices.inbox(grace).unread == 1)
        try await notices.markRead([], caller: grace)
        #expect(try await notices.inbox(grace).unread == 0)
    }

    @Test("a role is told as a whole, but nobody who is disabled")
    func role() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let eve = try await domain.person(ada, "eve", role: "admin")
        _ = try await domain.people.update(ada, id: eve.userID, name: nil, role: nil, disabled: true)
        let (_, heard) = await told(domain) {
            $0.notify(role: "admin", kind: .hostKeyChanged, text: "web-1 shows another key.", link: "/hosts/h/key")
        }
        #expect(heard.map(\.userID) == [ada.userID])
    }

    @Test("only the newest are kept")
    func bounded() async throws {
        let domain = try await DomainFixture()
        let ada = try await domain.firstAdmin()
        let (notices, _) = await told(domain) { notices in
            for number in 0..<(Notices.kept + 3) {
                notices.notify(userID: ada.userID, kind: .mentioned, text: "\(number)", link: "/inbox")
            }
        }
        let (list, unread) = try await notices.inbox(ada, limit: 1000)
        #expect(list.count == Notices.kept && unread == Notices.kept)
        #expect(list.first?.text == "\(Notices.kept + 2)")
    }

    @Test(
        "a link leads into the page and nowhere else",
        arguments: [
            ("/s/ses_1?panel=chat", "/s/ses_1?panel=chat"), ("https://evil.example", "/inbox"),
            ("//evil.example", "/inbox"),
            ("/\\evil.example", "/inbox"), ("javascript:alert(1)", "/inbox"), ("", "/inbox"), ("/a b", "/inbox"),
        ])
    func links(link: String, place: String) {
        #expect(Notices.place(link) == place)
    }

    @Test("a text is one line, without control bytes and marks that turn it")
    func lines() {
        #expect(Notices.line("a\u{1B}[31mb\nc\u{202E}d") == "a[31mbcd")
        #expect(Notices.line(String(repeating: "x", count: 1000)).count == Notices.longestText)
    }
}
