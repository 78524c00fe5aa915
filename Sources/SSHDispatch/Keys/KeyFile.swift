public import SSHKeys

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file of people's keys: on each line a person's name, a key's type, its base64 text, and perhaps a comment, as in
/// ssh-keygen(1)'s ALLOWED SIGNERS.
///
///     # who     key
///     ada       ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… ada@laptop
///     build-bot ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB…
///
/// It is searched for the key's text, without being taken apart: ten thousand keys cost less than a millisecond.
public struct KeyFile: KeyLookup {
    /// The largest file that is read, in bytes: some hundred thousand keys.
    public static let maximumLength = 256 << 20

    public let path: String

    public init(path: String) { self.path = path }

    public func owner(of key: SSHPublicKey) throws(DispatchError) -> PersonName? {
        let file = try FileBytes(trusted: path)
        let line = key.authorizedKeysLine()
        var owner: PersonName?
        // By its end: all keys of a type begin alike, and a search would follow each of them for a while.
        let length = line.utf8.count
        let end = String(line.suffix(40))
        for place in file.places(of: end) {
            let start = place + end.utf8.count - length
            guard start >= 0, file.text(start..<start + length) == line,
                let found = try name(at: start, length: length, in: file)
            else { continue }
            guard owner == nil || owner == found else {
                throw DispatchError(
                    .configuration, "\(path) gives the same key to two people.",
                    hint: "Look for \(key.fingerprint) with: ssh-keygen -lf, and remove one of them.")
            }
            owner = found
        }
        return owner
    }

    /// The name on the line whose key stands at `place`; nil where the text is part of something else.
    private func name(at place: Int, length: Int, in file: borrowing FileBytes) throws(DispatchError) -> PersonName? {
        guard file.isEndOfWord(place + length) else { return nil }
        let start = file.startOfLine(place)
        let fields = file.text(start..<place).split { $0 == " " || $0 == "\t" }
        // A comment, or a key inside another key's comment.
        guard let first = fields.first, fields.count == 1, !first.hasPrefix("#") else { return nil }
        guard let name = PersonName(first) else {
            throw DispatchError(
                .configuration, "\(path) has a name that cannot be used in line \(file.lineNumber(start)).",
                hint: "Names are of letters, digits and . _ - + @, and begin with a letter or digit.")
        }
        return name
    }
}

/// A whole file in memory. Read and not mapped: a map of a file that somebody cuts short would end this process.
struct FileBytes: ~Copyable {
    /// Without the zero byte that follows them in memory.
    private let bytes: UnsafeMutableRawBufferPointer

    deinit { munmap(bytes.baseAddress, bytes.count + 1) }

    /// Reads a file that only its administrator can have written.
    init(trusted path: String) throws(DispatchError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.unreadable(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw DispatchError(.configuration, "\(path) is not a file.", hint: "Name a file.")
        }
        // As sshd asks of authorized_keys: who writes there decides who comes in.
        guard status.st_mode & 0o022 == 0, status.st_uid == 0 || status.st_uid == geteuid() else {
            throw DispatchError(
                .configuration, "\(path) may be written by others than root and this account.",
                hint: "chown root '\(path)' && chmod 644 '\(path)'")
        }
        guard (0...KeyFile.maximumLength).contains(Int(status.st_size)) else {
            throw DispatchError(.configuration, "\(path) is too large.", hint: "Use the copilot's socket instead.")
        }
        let size = Int(status.st_size)
        // All of its memory at once: a page at a time, as it is written to, would cost more than the search.
        guard let start = mmap(nil, size + 1, PROT_READ | PROT_WRITE, Self.readyMemory, -1, 0), start != MAP_FAILED
        else {
            throw Self.unreadable(path, errno)
        }
        let buffer = UnsafeMutableRawBufferPointer(start: start, count: size + 1)
        var count = 0
        while count < size {
            let got = systemRead(descriptor, buffer.baseAddress?.advanced(by: count), size - count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        // Cut short meanwhile: what is missing says nothing about whose a key is.
        guard count == size else {
            munmap(start, size + 1)
            throw Self.unreadable(path, EIO)
        }
        buffer[size] = 0
        bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: size)
    }

    #if canImport(Darwin)
    private static let readyMemory = MAP_PRIVATE | MAP_ANON
    #else
    private static let readyMemory = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE
    #endif

    private static func unreadable(_ path: String, _ error: Int32) -> DispatchError {
        DispatchError(
            .temporary, "\(path) cannot be read: \(String(cString: strerror(error))).",
            hint: "It must be there and readable for the account of AuthorizedKeysCommandUser.")
    }

    /// Where a text begins, in order.
    func places(of text: String) -> [Int] {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return [] }
        var places: [Int] = []
        var from = 0
        while from < bytes.count {
            if let found = strstr(base + from, text) {
                places.append(found - base)
                from = found - base + 1
            } else {
                // The library's search, which is the quickest there is, ends at a zero byte; a file may hold some.
                from += strlen(base + from) + 1
            }
        }
        return places
    }

    func isEndOfWord(_ index: Int) -> Bool {
        guard bytes.indices.contains(index) else { return true }
        return Array(" \t\r\n".utf8).contains(bytes[index])
    }

    func startOfLine(_ index: Int) -> Int {
        var start = min(index, bytes.count)
        while start > 0, bytes[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return start
    }

    /// The first line is 1.
    func lineNumber(_ index: Int) -> Int { bytes.prefix(index).count { $0 == UInt8(ascii: "\n") } + 1 }

    func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range.clamped(to: bytes.indices)]), as: UTF8.self)
    }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
