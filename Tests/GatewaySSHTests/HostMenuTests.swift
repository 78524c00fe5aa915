import Foundation
import Gateway
import SSHApplications
import Terminal
import Testing

@testable import GatewaySSH

@Suite("The menu of hosts")
struct HostMenuTests {
    private func menu(_ count: Int = 40) -> HostMenu {
        var menu = HostMenu(person: "Ada")
        menu.show(
            (0..<count).map { MenuEntry.test("web-\($0)", kind: $0 % 2 == 0 ? "production" : "staging", "rack \($0)") })
        return menu
    }

    private func type(_ text: String, into menu: inout HostMenu) {
        for scalar in text.unicodeScalars { _ = menu.press(.character(scalar)) }
    }

    @Test("letters search, every word counts, and Enter opens what is found")
    func search() {
        var menu = menu()
        type("prod 12", into: &menu)
        #expect(menu.found.map(\.name) == ["web-12"])
        #expect(menu.press(.enter) == .open(.host(alias: "web-12")))
    }

    @Test("arrows and their substitutes move, and stop at both ends")
    func moves() {
        var menu = menu(3)
        #expect(menu.press(.up) == .none && menu.chosen == 0)
        for key in [Key.down, .tab, .control("n"), .down] { _ = menu.press(key) }
        #expect(menu.chosen == 2)
        _ = menu.press(.control("p"))
        #expect(menu.chosen == 1)
    }

    @Test("Escape clears the search first and leaves then; Ctrl-C and Ctrl-D leave at once")
    func leaving() {
        var menu = menu()
        type("web", into: &menu)
        #expect(menu.press(.escape) == .none && menu.search.isEmpty)
        #expect(menu.press(.escape) == .leave)
        #expect(menu.press(.control("c")) == .leave && menu.press(.control("d")) == .leave)
    }

    @Test(
        "the picture fits any terminal and shows what is chosen",
        arguments: [(80, 24), (40, 20), (34, 12), (20, 6), (200, 60)])
    func fits(columns: Int, rows: Int) {
        var menu = menu()
        for _ in 0..<25 { _ = menu.press(.down) }
        let lines = menu.lines(columns: columns, rows: rows)
        var screen = Screen(columns: columns, rows: rows, scrollbackLimit: 10)
        screen.feed(Array(lines.joined(separator: "\r\n").utf8))
        #expect(lines.count <= rows)
        #expect(lines.filter { $0.contains("› ") }.count == 1 && lines.contains { $0.contains("› web-25") })
        #expect(lines.allSatisfy { TextWidth.columns(of: Self.plain($0)) <= columns })
    }

    @Test("nothing found is said, and so is a person's empty list")
    func empty() {
        var menu = menu()
        type("zzz", into: &menu)
        #expect(menu.lines(columns: 80, rows: 24).contains { $0.contains("Nothing is called so") })
        #expect(menu.press(.enter) == .none)
        var none = HostMenu(person: "Ada")
        none.show([])
        #expect(none.lines(columns: 80, rows: 24).contains { $0.contains("no host that you may reach") })
    }

    @Test("what is chosen stays chosen when the list changes")
    func reload() {
        var menu = menu(5)
        _ = menu.press(.down)
        _ = menu.press(.down)
        menu.show((1..<5).map { MenuEntry.test("web-\($0)", kind: "staging", "") })
        #expect(menu.press(.enter) == .open(.host(alias: "web-2")))
    }

    @Test("no control byte of a title or a name reaches the terminal")
    func hostile() throws {
        let session = try SessionView.test(title: "\u{1B}]0;owned\u{07}\u{9B}31m\u{202E}evil", alias: "web\u{1B}[2J")
        let entry = MenuEntry(session, of: .commandLine(tenant: "t", account: "x"))
        let text = entry.name + entry.kind + entry.detail
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control || $0 == "\u{202E}" })
        var menu = HostMenu(person: "Ada")
        menu.show([entry])
        let lines = menu.lines(columns: 80, rows: 24).map(Self.plain)
        #expect(!lines.contains { $0.unicodeScalars.contains { $0.value < 0x20 } })
        #expect(!HostList.text([entry]).unicodeScalars.contains { $0 == "\u{1B}" })
    }

    /// Without the menu's own attributes.
    private static func plain(_ line: String) -> String {
        var line = line
        for code in ["1", "2", "7", "22", "27", "31", "39"] {
            line = line.replacing("\u{1B}[\(code)m", with: "")
        }
        return line
    }
}

extension MenuEntry {
    static func test(_ name: String, kind: String, _ detail: String) -> MenuEntry {
        MenuEntry(target: .host(alias: name), name: name, kind: kind, detail: detail)
    }
}

extension SessionView {
    static func test(title: String, alias: String) throws -> SessionView {
        let json = """
            {"id":"ses_1","host":{"id":"h","alias":"\(escaped(alias))","environment":"other"},
             "owner":{"id":"u","name":"Bob"},"title":"\(escaped(title))","state":"live","startedAt":"","columns":80,
             "rows":24,"recordingId":"r","keyboard":{"epoch":0},"seats":[],"participants":[],
             "teams":[],"watch":{"required":false,"watchers":[]}}
            """
        return try JSONDecoder().decode(SessionView.self, from: Data(json.utf8))
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { $0.value < 0x80 && $0.value >= 0x20 ? String($0) : "\\u" + hex($0.value) }.joined()
    }

    private static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
