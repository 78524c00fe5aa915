import Foundation
import TestSupport
import Testing

@testable import Terminal

struct WidthTableTests {
    @Test(
        "widths follow wcwidth",
        arguments: [
            ("a", 1), ("é", 1), ("\u{AD}", 1), ("漢", 2), ("한", 2), ("\u{1160}", 0), ("\u{301}", 0), ("\u{200D}", 0),
            ("\u{FE0F}", 0), ("😀", 2), ("❤", 1), ("⌚", 2), ("\u{1F1E6}", 1), ("\u{1F3FB}", 2), ("\u{FF21}", 2),
            ("─", 1), ("\u{E000}", 1),
            ("\u{2FFFD}", 2), ("\u{E0020}", 0), ("\u{FFFD}", 1),
        ] as [(Unicode.Scalar, Int)])
    func widths(scalar: Unicode.Scalar, expected: Int) {
        #expect(codePointWidth(scalar.value) == expected)
    }

    @Test("the ranges are sorted and apart")
    func sorted() {
        for table in [WidthTable.zero, WidthTable.wide] {
            #expect(
                zip(table, table.dropFirst()).enumerated().allSatisfy {
                    $0.isMultiple(of: 2) ? $1.0 <= $1.1 : $1.0 < $1.1
                })
        }
    }

    @Test("the page has the same ranges")
    func samePage() throws {
        let page = try String(contentsOf: Checkout.root.appending(path: "Web/src/terminal/widths.ts"), encoding: .utf8)
        let numbers = page.matches(of: /0x([0-9A-F]{4,6}),/).compactMap { UInt32($0.output.1, radix: 16) }
        #expect(numbers == WidthTable.zero + WidthTable.wide)
    }

    @Test("the tables of server and page are the ones that the script writes")
    func generated() async throws {
        let script = Checkout.root.appending(path: "scripts/generate-widths.py").path
        #expect(try await ChildProcess.run("/usr/bin/env", ["python3", script, "--check"]).status == 0)
    }
}

/// Where the sources are.
enum Checkout {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
}
