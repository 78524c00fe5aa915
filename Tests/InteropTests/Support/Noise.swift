import Crypto
import Foundation

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

    /// Of a file that a peer wrote.
    static func hash(of file: String) throws -> String? {
        guard let handle = FileHandle(forReadingAtPath: file) else { return nil }
        defer { try? handle.close() }
        var hash = SHA256()
        while let block = try handle.read(upToCount: 1 << 20), !block.isEmpty { hash.update(data: block) }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }
}
