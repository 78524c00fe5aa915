import Crypto
import Foundation
import Testing

@testable import Vault

@Suite struct RootKeyTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "copilot-vault-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func cleanUp() { try? FileManager.default.removeItem(atPath: folder) }

    private func mode(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("a created key is read again from its file, which only the owner may read")
    func createAndLoad() throws {
        defer { cleanUp() }
        let path = folder + "/root.key"
        let made = try RootKey.create(at: path)
        #expect(try RootKey.load(environment: [:], file: path).identifier == made.identifier)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        let again = #expect(throws: VaultError.self) { try RootKey.create(at: path) }
        #expect(again?.code == .rootKeyExists)
    }

    @Test("the environment goes before the file")
    func environment() throws {
        defer { cleanUp() }
        let path = folder + "/root.key"
        let made = try RootKey.create(at: path)
        let text = Data(repeating: 9, count: 32).base64EncodedString()
        let loaded = try RootKey.load(environment: ["COPILOT_ROOT_KEY": text + "\n"], file: path)
        #expect(loaded.identifier != made.identifier)
        #expect(try RootKey.load(environment: ["COPILOT_ROOT_KEY": ""], file: path).identifier == made.identifier)
    }

    @Test("a file that the group or everybody may read is refused", arguments: [0o640, 0o604, 0o660, 0o602])
    func openToOthers(bits: Int) throws {
        defer { cleanUp() }
        let path = folder + "/root.key"
        try RootKey.create(at: path)
        try mode(path, bits)
        let error = #expect(throws: VaultError.self) { try RootKey.load(environment: [:], file: path) }
        #expect(error?.code == .rootKeyNotPrivate)
    }

    @Test(
        "something that is not a key is refused without being shown", arguments: ["", "c2hvcnQ=", "not base64 at all"])
    func malformed(text: String) throws {
        defer { cleanUp() }
        let path = folder + "/root.key"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try mode(path, 0o600)
        let error = #expect(throws: VaultError.self) { try RootKey.load(environment: [:], file: path) }
        #expect(error?.code == .rootKeyMalformed)
        #expect(text.isEmpty || error.map { "\($0)\($0.hint)".contains(text) } == false)
    }

    @Test("a missing key says where it was looked for")
    func missing() {
        defer { cleanUp() }
        let error = #expect(throws: VaultError.self) { try RootKey.load(environment: [:], file: folder + "/no.key") }
        #expect(error?.code == .rootKeyMissing)
        #expect(error?.description.contains("/no.key") == true)
        #expect(throws: VaultError.self) { try RootKey.load(environment: [:], file: nil) }
    }

    @Test("neither printing nor dumping shows a key or a secret")
    func nothingPrintable() {
        defer { cleanUp() }
        let secret = SecretBytes("correct horse")
        let root = RootKey()
        let raw = root.key.withUnsafeBytes { Data($0) }
        var shown = "\(secret) \(String(reflecting: secret)) \(root) \(String(reflecting: root))"
        dump(secret, to: &shown)
        dump(root, to: &shown)
        dump(["a": secret], to: &shown)
        #expect(!shown.contains("correct") && !shown.contains("horse") && !shown.contains("99, 111"))
        #expect(!shown.contains(raw.base64EncodedString()))
        #expect(shown.contains("13 bytes") && shown.contains(root.identifier))
    }

    @Test("moving bytes into a secret wipes the array that held them")
    func moving() {
        defer { cleanUp() }
        var bytes = Array("hunter2".utf8)
        let secret = SecretBytes(moving: &bytes)
        #expect(bytes.isEmpty)
        #expect(secret.withArray { $0 } == Array("hunter2".utf8))
        #expect(SecretBytes([UInt8]()).count == 0)
    }
}
