import Foundation
import TestSupport
import Testing

@testable import SSHCrypto

private let hasValgrind = FileManager.default.fileExists(atPath: "/usr/include/valgrind/memcheck.h")

/// Tests/ConstantTime/check.c under valgrind: no branch and no address depends on a secret. docs/constant-time.md says
/// what that shows and what it does not.
@Suite(.enabled(if: hasValgrind, "valgrind is not installed"))
struct ConstantTimeTests {
    /// The package's folder: where the tests are run from, or else where they were compiled.
    private static let root = [
        URL(fileURLWithPath: FileManager.default.currentDirectoryPath),
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent(),
    ].first { FileManager.default.fileExists(atPath: $0.appendingPathComponent("Tests/ConstantTime/check.c").path) }

    /// What memcheck found: branches and addresses that depend on secrets.
    struct Report {
        let branches: Int
        let addresses: Int
        let output: String
    }

    private func report(_ subject: String, optimisation: String) async throws -> Report {
        let folder = try TemporaryFolder()
        let root = try #require(Self.root, "the tests run outside of the package")
        let program = folder.file("check")
        let sources = root.appendingPathComponent("Sources").path
        let lattice = ["encode", "invert", "kem", "multiply"].map { "\(sources)/CSNTRUP761/\($0).c" }
        // Old valgrinds read debugging information up to DWARF 4 and stop at anything newer.
        let flags = [optimisation, "-gdwarf-4", "-DSSH_CONSTANT_TIME_TEST", "-o", program]
        let headers = ["CSNTRUP761", "CSSHCipher", "CSSHKeyExchange"].map { "-I\(sources)/\($0)/include" }
        try await ChildProcess.tool(
            "/usr/bin/env",
            ["clang"] + flags + headers + [root.appendingPathComponent("Tests/ConstantTime/check.c").path]
                + lattice + ["\(sources)/CSSHKeyExchange/modp.c", "\(sources)/CSSHCipher/hmac.c", "-lcrypto"])
        let output = try await ChildProcess.tool("/usr/bin/env", ["valgrind", "-q", program, subject])
        #expect(output.contains("\(subject): done"))
        return Report(
            branches: output.components(separatedBy: "depends on uninitialised").count - 1,
            addresses: output.components(separatedBy: "Use of uninitialised value").count - 1, output: output)
    }

    @Test("the check sees a comparison that stops at the first difference")
    func sees() async throws {
        #expect(try await report("leak", optimisation: "-O2").branches > 0)
    }

    @Test("sntrup761 makes keys, encapsulates and decapsulates in constant time", arguments: ["-O0", "-O2", "-O3"])
    func sntrup761(_ optimisation: String) async throws {
        let report = try await report("sntrup761", optimisation: optimisation)
        #expect(report.branches == 0, "\(report.output)")
        #expect(report.addresses == 0, "\(report.output)")
    }

    /// Two for each exponentiation remain: where libcrypto drops leading zero words from the result, inside of it and while
    /// it is written out. A word of 64 bits is zero once in 2^64 times.
    @Test("an exponentiation tells nothing but whether whole leading words of its result are zero")
    func exponentiation() async throws {
        let report = try await report("dh", optimisation: "-O2")
        #expect(report.branches <= 4, "\(report.output)")
        #expect(report.addresses == 0, "\(report.output)")
    }

    @Test("an HMAC is computed and compared in constant time", arguments: ["-O0", "-O2"])
    func compare(_ optimisation: String) async throws {
        let report = try await report("compare", optimisation: optimisation)
        #expect(report.branches == 0, "\(report.output)")
        #expect(report.addresses == 0, "\(report.output)")
    }
}
