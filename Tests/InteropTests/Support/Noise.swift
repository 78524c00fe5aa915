import Crypto
import Foundation
import NIOCore
import TestSupport

/// Files of noise and their SHA-256, each made once for a test run.
enum Noise {
    private actor Store {
        private var made: [Int: (folder: TemporaryFolder, hash: String)] = [:]

        func get(_ megabytes: Int) throws -> (folder: TemporaryFolder, hash: String) {
            if let known = made[megabytes] { return known }
            let folder = try TemporaryFolder()
            try Data().write(to: URL(fileURLWithPath: folder.file("noise")))
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("noise")))
            defer { try? file.close() }
            let noise = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/urandom"))
            defer { try? noise.close() }
            var hash = SHA256()
            for _ in 0..<megabytes {
                guard let block = try noise.read(upToCount: 1 << 20), block.count == 1 << 20 else {
                    throw ToolFailure(description: "there is no noise")
                }
                hash.update(data: block)
                try file.write(contentsOf: block)
            }
            let result = (folder, hash.finalize().map { String(format: "%02x", $0) }.joined())
            made[megabytes] = result
            return result
        }
    }

    private static let store = Store()

    static func file(megabytes: Int) async throws -> String { try await store.get(megabytes).folder.file("noise") }

    static func hash(megabytes: Int) async throws -> String { try await store.get(megabytes).hash }

    static func bytes(megabytes: Int) async throws -> [UInt8] { try await store.get(megabytes).folder.read("noise") }

    /// A file that other accounts may read, too.
    static func readable(megabytes: Int) async throws -> String {
        let folder = try await store.get(megabytes).folder
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file("noise"))
        return folder.file("noise")
    }

    /// Of a file that a peer wrote.
    static func hash(of file: String) throws -> String? {
        guard let handle = FileHandle(forReadingAtPath: file) else { return nil }
        defer { try? handle.close() }
        var hash = SHA256()
        while let block = try handle.read(upToCount: 1 << 20), !block.isEmpty { hash.update(data: block) }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
}

/// A SHA-256 over what comes piece by piece.
struct RunningDigest {
    private var hash = SHA256()

    mutating func add(_ buffer: ByteBuffer) { buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }

    var hex: String { hash.finalize().map { String(format: "%02x", $0) }.joined() }
}
