import Foundation
import TestSupport

/// The pages of this package and what they name.
enum Documentation {
    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    static let pages = ["docs/standards.md", "docs/threat-model.md", "docs/limits.md", "docs/hostile-peers.md"]

    static func page(_ path: String) throws -> String {
        try String(contentsOfFile: package + "/" + path, encoding: .utf8)
    }

    /// What grep finds of a pattern below a folder, by file. Swift's own patterns take their time over so many files.
    static func matches(_ pattern: String, _ folder: String, _ ending: String) async throws -> [String: [String]] {
        let found = try await ChildProcess.tool(
            "/usr/bin/grep", ["-roE", "--include=*" + ending, pattern, package + "/" + folder])
        var matches: [String: [String]] = [:]
        for line in found.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { matches[String(parts[0]), default: []].append(String(parts[1])) }
        }
        return matches
    }

    /// What stands between backticks, once each.
    static func names(in text: String) -> Set<String> {
        Set(text.matches(of: /`([^`\n]+)`/).map { String($0.output.1) })
    }

    /// The rows of all tables, as cells.
    static func rows(in text: String) -> [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("|") && !$0.hasPrefix("|--") }.map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    /// The Swift blocks of a page, without their imports.
    static func swiftBlocks(in text: String) -> [String] {
        text.matches(of: /```swift\n((?s).*?)```/).map { match in
            match.output.1.split(separator: "\n", omittingEmptySubsequences: false)
                .drop { $0.hasPrefix("import ") || $0.isEmpty }.joined(separator: "\n")
                .trimmingCharacters(in: .newlines)
        }
    }
}

/// The suites of this package with their functions, and the functions of its Python tests.
struct TestNames {
    private var functions: [String: Set<String>] = [:]
    private var python: Set<String> = []

    init() async throws {
        for found in try await Documentation.matches("(func|struct) [A-Za-z0-9]+", "Tests", ".swift").values {
            let declared = Set(found.filter { $0.hasPrefix("func ") }.map { String($0.dropFirst(5)) })
            for suite in found where suite.hasPrefix("struct ") {
                functions[String(suite.dropFirst(7)), default: []].formUnion(declared)
            }
        }
        for found in try await Documentation.matches("def test_[a-z0-9_]+", "Tests/EndToEnd", ".py").values {
            python.formUnion(found.map { String($0.dropFirst(4)) })
        }
    }

    /// Whether it looks like the name of a test: a suite, a suite and a function of it, or a Python test.
    static func isTest(_ name: String) -> Bool {
        name.wholeMatch(of: /[A-Z][A-Za-z0-9]*(Tests|Examples?)(\/[a-zA-Z0-9]+)?|test_[a-z0-9_]+/) != nil
    }

    func contains(_ name: String) -> Bool {
        if name.hasPrefix("test_") { return python.contains(name) }
        let parts = name.split(separator: "/").map(String.init)
        guard let suite = parts.first, let declared = functions[suite] else { return false }
        return parts.count == 1 || declared.contains(parts[1])
    }
}
