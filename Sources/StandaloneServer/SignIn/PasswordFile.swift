import CLibArgon2
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Passwords of a file: `NAME:HASH` on each line, Argon2id (`$argon2id$…`) or what crypt(3) makes (`$6$…`, `$5$…`,
/// `$y$…`). The file belongs to the server's account or root, and nobody else may read it.
struct PasswordFile: Sendable {
    /// By the bytes of a name: letters that look alike are not the same.
    private let hashes: [[UInt8]: String]

    /// - Throws: `unusable_file`.
    init(path: String) throws(StandaloneServerError) {
        let bytes: [UInt8]?
        do {
            bytes = try TrustedFile.read(path, owner: geteuid(), home: nil)
        } catch {
            throw .file(
                path, (error as? TrustedFile.Distrust)?.why ?? "cannot be read", hint: "Check its owner and mode.")
        }
        guard let bytes else { throw .file(path, "is not there", hint: "Check the path.") }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & 0o077 == 0 else {
            throw .file(path, "may be read by others", hint: "chmod 600 \(path)")
        }
        try self.init(text: String(decoding: bytes, as: UTF8.self), path: path)
    }

    init(text: String, path: String) throws(StandaloneServerError) {
        var hashes: [[UInt8]: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = line.hasSuffix("\r") ? line.dropLast() : line
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw .file(path, "line \(index + 1) is not NAME:HASH", hint: "Make hashes with `openssl passwd -6`.")
            }
            let hash = String(line[line.index(after: colon)...])
            guard ["$argon2id$", "$6$", "$5$", "$y$"].contains(where: hash.hasPrefix) else {
                throw .file(
                    path, "line \(index + 1) has a hash of an unknown or weak kind",
                    hint: "Make one with `openssl passwd -6` or the argon2 program.")
            }
            hashes[Array(String(line[..<colon]).utf8)] = hash
        }
        self.hashes = hashes
    }

    var isEmpty: Bool { hashes.isEmpty }

    /// Two at once: each may take many megabytes. The queue is as long as connections may be unauthenticated.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    /// A name that is not there takes as long as one that is.
    func verify(_ password: [UInt8], of name: String) async -> Bool {
        let known = hashes[Array(name.utf8)]
        guard let hash = known ?? hashes.values.min(), password.count <= 1024, !password.contains(0) else {
            return false
        }
        let matches = try? await Self.threads.runIfActive { Self.matches(password, hash) }
        return matches == true && known != nil
    }

    static func matches(_ password: [UInt8], _ hash: String) -> Bool {
        if hash.hasPrefix("$argon2id$") {
            return password.withUnsafeBytes {
                argon2_verify(hash, $0.baseAddress, $0.count, Argon2_id) == ARGON2_OK.rawValue
            }
        }
        return SystemCrypt.hash(password, like: hash).map { isEqual(Array($0.utf8), Array(hash.utf8)) } ?? false
    }

    /// Takes the same time wherever they differ.
    private static func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && zip(one, other).reduce(UInt8(0)) { $0 | $1.0 ^ $1.1 } == 0
    }
}

/// The system's crypt(3), where it has one: looked for when it is first needed, so that nothing has to be there to build.
enum SystemCrypt {
    private typealias Function =
        @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer
        ) -> UnsafeMutablePointer<CChar>?

    /// As much as any crypt_data has.
    private static let room = 256 * 1024

    private static let function: Function? = {
        // nil: what the program is linked with already.
        for library in [nil, "libcrypt.so.1", "libcrypt.so.2"] {
            guard let handle = dlopen(library, RTLD_NOW), let symbol = dlsym(handle, "crypt_r") else { continue }
            return unsafeBitCast(symbol, to: Function.self)
        }
        return nil
    }()

    static func hash(_ password: [UInt8], like setting: String) -> String? {
        guard let function else { return nil }
        let space = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 16)
        space.initializeMemory(as: UInt8.self, repeating: 0, count: room)
        defer {
            memset(space, 0, room)
            space.deallocate()
        }
        let key = password.map { CChar(bitPattern: $0) } + [0]
        guard let result = function(key, setting, space) else { return nil }
        let text = String(cString: result)
        // crypt(5): what begins with * is a failure.
        return text.hasPrefix("*") ? nil : text
    }
}
