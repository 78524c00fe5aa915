import Storage
import Testing

@testable import Gateway

@Suite("Links to sessions")
struct SessionLinksTests {
    private let links = SessionLinks()
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)
    private let secret = SecretToken()

    private func link(_ id: String, session: String = "ses_1", uses: Int = 1) -> SessionLinks.Link {
        SessionLinks.Link(
            id: id, sessionID: session, label: "", mode: .view, person: nil, createdAt: start,
            createdBy: .system(tenant: "t"), expiresAt: start + .seconds(60), uses: uses)
    }

    @Test("a link works until its time, and not a moment longer")
    func expiry() {
        links.add(link("lnk_1"), hash: secret.hash)
        #expect(links.link(hash: secret.hash, now: start + .seconds(59))?.id == "lnk_1")
        #expect(links.link(hash: secret.hash, now: start + .seconds(60)) == nil)
        #expect(!links.use(hash: secret.hash, now: start + .seconds(60)))
        #expect(links.links(of: "ses_1", now: start + .seconds(60)).isEmpty)
    }

    @Test("of many who come at the same moment a link lets in as many as it is for")
    func race() async {
        links.add(link("lnk_1", uses: 3), hash: secret.hash)
        let (links, hash, now) = (links, secret.hash, start)
        let came = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { links.use(hash: hash, now: now) } }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(came == 3)
    }

    @Test("whoever came by a link goes with it, and nobody else")
    func removal() {
        let other = SecretToken()
        links.add(link("lnk_1"), hash: secret.hash)
        links.add(link("lnk_2", session: "ses_2"), hash: other.hash)
        let (one, two) = (SecretToken(), SecretToken())
        for (token, id) in [(one, "lnk_1"), (two, "lnk_2")] {
            links.add(
                SessionLinks.Guest(
                    id: "gst_" + id, name: "Eve (guest)", linkID: id, sessionID: "ses_1",
                    expiresAt: start + .seconds(60)),
                hash: token.hash)
        }
        #expect(links.remove { $0.id == "lnk_1" }.map(\.id) == ["gst_lnk_1"])
        #expect(links.guest(hash: one.hash, now: start) == nil)
        #expect(links.guest(hash: two.hash, now: start)?.id == "gst_lnk_2")
        #expect(links.guest(hash: two.hash, now: start + .seconds(60)) == nil)
    }
}
