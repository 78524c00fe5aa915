import Foundation
import SSH
import Testing

/// The pages say what is so: what they name is there, and their code is the code that runs.
@Suite struct DocumentationTests {
    @Test("every test that a page names exists", arguments: Documentation.pages)
    func namedTests(page: String) async throws {
        let known = try await TestNames()
        let named = Documentation.names(in: try Documentation.page(page)).filter(TestNames.isTest)
        #expect(named.count > 10)
        #expect(named.filter { !known.contains($0) }.sorted() == [])
    }

    @Test(
        "every row of the standards, of the promises and of the limits names its test", arguments: Documentation.pages)
    func everyRowHasATest(page: String) throws {
        let rows = Documentation.rows(in: try Documentation.page(page)).filter { $0.last != "shown by" }
        #expect(rows.count > 8)
        for row in rows {
            let tests = Documentation.names(in: row.last ?? "").filter(TestNames.isTest)
            #expect(!tests.isEmpty, "\(page): \(row.first ?? "")")
        }
    }

    @Test("every limit is set where the page says")
    func limits() async throws {
        let pattern = "(var|let|struct|enum|class|actor|extension) [A-Za-z0-9]+|[A-Za-z]+: "
        let sources = try await Documentation.matches(pattern, "Sources", ".swift").values.map { found in
            Set(found.map { $0.split(separator: " ").last.map { $0.hasSuffix(":") ? $0.dropLast() : $0 } ?? "" })
        }
        for row in Documentation.rows(in: try Documentation.page("docs/limits.md")) where row.count == 4 {
            for name in Documentation.names(in: row[2]) {
                let parts = name.split(separator: ".")
                #expect(sources.contains { $0.isSuperset(of: parts) }, "\(name) of \(row[0])")
            }
        }
    }

    @Test("the defaults that a configuration may change are those that the page says")
    func defaults() throws {
        let server = ServerConfiguration(hostKeys: [])
        let client = SSHClientConfiguration(username: "", credentials: []) { _ in .accept }
        let (startups, penalties, rekey) = (StartupLimits(), SourcePenalties(), RekeyPolicy.standard)
        let channels = ChannelLimits.standard
        let expected: [(String, String)] = [
            ("StartupLimits.start", "\(startups.start), \(startups.rate) %, \(startups.full)"),
            ("StartupLimits.perSource", "\(startups.perSource)"),
            ("SourcePenalties.authenticationFailed", "\(seconds(penalties.authenticationFailed)) each"),
            ("SourcePenalties.minimum", "from \(seconds(penalties.minimum)) on, \(seconds(penalties.maximum))"),
            ("ServerConfiguration.loginGraceTime", seconds(server.loginGraceTime)),
            ("SSHClientConfiguration.handshakeTimeout", seconds(client.handshakeTimeout)),
            ("ServerConfiguration.maximumAuthenticationFailures", "\(server.maximumAuthenticationFailures)"),
            ("ServerConfiguration.maximumAuthenticationRequests", "\(server.maximumAuthenticationRequests)"),
            ("RekeyPolicy.bytes", "\(rekey.bytes >> 30) GiB, 2^\(rekey.packets.trailingZeroBitCount)"),
            ("ServerConfiguration.keyExchangeTimeout", seconds(server.keyExchangeTimeout)),
            (
                "SSHClientConfiguration.keepaliveInterval",
                "\(seconds(client.keepaliveInterval)), \(client.keepaliveCountMax)"
            ),
            (
                "ServerConfiguration.keepaliveInterval",
                "\(seconds(server.keepaliveInterval)), \(server.keepaliveCountMax)"
            ),
            ("ServerConfiguration.maximumChannels", "\(server.maximumChannels)"),
            ("ChannelLimits.channels", "\(client.maximumChannels)"),
            ("ServerConfiguration.maximumSessions", "\(server.maximumSessions)"),
            (
                "ChannelLimits.initialWindow",
                "\(channels.initialWindow >> 20) MiB, \(channels.maximumWindow >> 20) MiB"
            ),
            ("ChannelLimits.windowBudget", "\(channels.windowBudget >> 20) MiB"),
            ("ChannelLimits.maximumPacket", "\(channels.maximumPacket >> 10) KiB"),
            ("ChannelLimits.unansweredRequests", "\(channels.unansweredRequests)"),
            ("SSHServerConfiguration.maximumListeners", "\(SSHServerConfiguration(hostKeys: []).maximumListeners)"),
        ]
        let rows = Documentation.rows(in: try Documentation.page("docs/limits.md"))
        for (name, value) in expected {
            let row = try #require(rows.first { $0.count == 4 && Documentation.names(in: $0[2]).contains(name) })
            #expect(row[1].contains(value), "\(name) is \(value), the page says \(row[1])")
        }
        #expect(server.idleTimeout == nil && client.idleTimeout == nil)
    }

    private func seconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }

    @Test("the code of the README is the code of the examples that run, in few lines")
    func readme() throws {
        let readme = try Documentation.page("README.md")
        let library = try #require(
            readme.components(separatedBy: "\n## The library\n").last?.components(separatedBy: "\n## ").first)
        let examples = try [
            "Tests/SSHTests/LibraryExamples.swift", "Tests/SFTPTests/SFTPLibraryExample.swift",
            "Tests/RecordingTests/RecordingLibraryExample.swift",
        ].map(Documentation.page).joined()
        let blocks = Documentation.swiftBlocks(in: library).filter { !$0.hasPrefix(".") }
        #expect(blocks.count == 5)
        for block in blocks { #expect(examples.contains("\n" + block + "\n"), "\(block.prefix(60))") }
        let lengths = blocks.map { $0.split(separator: "\n").count }
        #expect(lengths.first ?? .max <= 10)
        #expect(lengths.dropFirst(2).first ?? .max <= 30)
    }
}
