import Testing

@testable import StandaloneServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

struct TrustedFileTests {
    /// A folder of our own with one file in it.
    private func withFile(_ body: (_ folder: String, _ file: String) throws -> Void) throws {
        var template = Array("/tmp/copilot-trusted-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        let file = "\(folder)/keys"
        defer {
            unlink(file)
            unlink("\(folder)/link")
            rmdir(folder)
        }
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
        #expect(write(descriptor, "text", 4) == 4)
        close(descriptor)
        try body(folder, file)
    }

    @Test("A file that only its owner can write counts, below a folder with the sticky bit too")
    func good() throws {
        try withFile { _, file in
            let bytes = try TrustedFile.read(file, owner: geteuid(), home: nil)
            #expect(bytes == Array("text".utf8))
        }
    }

    @Test("A file that others may write does not count", arguments: [0o620, 0o602, 0o666] as [mode_t])
    func writable(mode: mode_t) throws {
        try withFile { _, file in
            chmod(file, mode)
            #expect(throws: TrustedFile.Distrust.self) { try TrustedFile.read(file, owner: geteuid(), home: nil) }
        }
    }

    @Test("A file below a folder that others may write does not count, unless that lies above the home")
    func folder() throws {
        try withFile { folder, file in
            chmod(folder, 0o770)
            #expect(throws: TrustedFile.Distrust.self) { try TrustedFile.read(file, owner: geteuid(), home: nil) }
            #expect(throws: TrustedFile.Distrust.self) { try TrustedFile.read(file, owner: geteuid(), home: folder) }
        }
    }

    @Test("What is no regular file does not count, and what is not there is nothing")
    func kinds() throws {
        try withFile { folder, _ in
            #expect(throws: TrustedFile.Distrust.self) { try TrustedFile.read(folder, owner: geteuid(), home: nil) }
            let missing = try TrustedFile.read("\(folder)/other", owner: geteuid(), home: nil)
            #expect(missing == nil)
            mkfifo("\(folder)/link", 0o600)
            #expect(throws: TrustedFile.Distrust.self) {
                try TrustedFile.read("\(folder)/link", owner: geteuid(), home: nil)
            }
        }
    }
}

struct AccountRulesTests {
    @Test("A locked or expired account of shadow(5) is refused")
    func shadow() throws {
        guard geteuid() == 0 else { return }
        let file = "/tmp/copilot-shadow-\(getpid())"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let text = "locked:!$6$x:1::::::\nold:*:1:::::10:\ngood:*:1::::::\nlater:*:1:::::999999:\n"
        #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        close(descriptor)
        defer { unlink(file) }
        #expect(AccountRules.shadowRefusal(of: "locked", file: file) == "the account is locked")
        #expect(AccountRules.shadowRefusal(of: "old", file: file) == "the account has expired")
        for name in ["good", "later", "unknown"] { #expect(AccountRules.shadowRefusal(of: name, file: file) == nil) }
    }
}
