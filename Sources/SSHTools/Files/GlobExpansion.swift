// What a pattern means, at a host or here. Names come from there and are believed in nothing: each must be one component.

import SFTP

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Folders whose names patterns are matched with.
protocol FolderNames: Sendable {
    /// Names in a folder; none when it is none or may not be read.
    func names(in folder: RemotePath) async throws(SFTPError) -> [RemotePath]
    func exists(_ path: RemotePath) async throws(SFTPError) -> Bool
}

extension FolderNames {
    /// The paths that a pattern means, in the order of their bytes; none when nothing fits.
    ///
    /// - Parameter pattern: Without a "*", "?" or "[" it is its own only answer, which is not looked for.
    func expand(_ pattern: [UInt8]) async throws(SFTPError) -> [RemotePath] {
        let components = pattern.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
            .map { GlobPattern(Array($0)) }
        guard components.contains(where: \.isPattern) else {
            return [RemotePath(bytes: GlobPattern(pattern).literal ?? pattern)]
        }
        var found = [RemotePath(pattern.first == UInt8(ascii: "/") ? "/" : "")]
        var hasMatched = false
        for component in components {
            var next: [RemotePath] = []
            for folder in found {
                if let name = component.literal {
                    next.append(folder.adding(RemotePath(bytes: name)))
                    continue
                }
                let names = try await names(in: folder.bytes.isEmpty ? "." : folder)
                for name in names where name.isSafeComponent && component.matches(name.bytes) {
                    next.append(folder.adding(name))
                }
            }
            // Beyond a pattern a literal name may be missing in some of the folders.
            if component.literal != nil, hasMatched {
                var existing: [RemotePath] = []
                for path in next where try await exists(path) { existing.append(path) }
                next = existing
            }
            hasMatched = hasMatched || component.isPattern
            found = next
        }
        return Set(found).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }
}

extension RemotePath {
    /// The path of something below this one; both are the person's own, or `name` is checked already.
    func adding(_ name: RemotePath) -> RemotePath {
        if bytes.isEmpty { return name }
        return RemotePath(bytes: bytes + (bytes.last == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]) + name.bytes)
    }
}

/// Folders of a host.
struct RemoteNames: FolderNames {
    let client: SFTPClient

    func names(in folder: RemotePath) async throws(SFTPError) -> [RemotePath] {
        do throws(SFTPError) { return try await client.list(folder).all().map(\.name) } catch {
            // A folder that is none, or is closed to this account, fits nothing.
            if error.status != nil { return [] }
            throw error
        }
    }

    func exists(_ path: RemotePath) async throws(SFTPError) -> Bool {
        do throws(SFTPError) {
            _ = try await client.attributes(of: path, followingLink: false)
            return true
        } catch {
            if error.status != nil { return false }
            throw error
        }
    }
}

/// Folders of this machine.
struct LocalNames: FolderNames {
    /// Where relative paths begin.
    let folder: LocalFolder

    func names(in folder: RemotePath) async throws(SFTPError) -> [RemotePath] {
        guard let listing = opendir(self.folder.path(folder)) else { return [] }
        defer { closedir(listing) }
        var names: [RemotePath] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [46], name != [46, 46] { names.append(RemotePath(bytes: name)) }
        }
        return names
    }

    func exists(_ path: RemotePath) async throws(SFTPError) -> Bool { folder.attributes(path) != nil }
}

/// The folder of this machine that a prompt works in. The process's own does not change.
struct LocalFolder: Hashable, Sendable {
    private(set) var absolute: String

    init(_ absolute: String) { self.absolute = absolute }

    /// The process's own.
    static var current: LocalFolder {
        guard let name = getcwd(nil, 0) else { return LocalFolder("/") }
        defer { free(name) }
        return LocalFolder(String(cString: name))
    }

    /// As an absolute path.
    func path(_ path: RemotePath) -> String {
        let text = String(decoding: path.bytes, as: UTF8.self)
        if text.hasPrefix("/") { return text }
        return text.isEmpty || text == "." ? absolute : (absolute == "/" ? "/" : absolute + "/") + text
    }

    /// Kind, mode and size; nil when there is nothing.
    func attributes(_ path: RemotePath) -> stat? {
        var information = stat()
        return stat(self.path(path), &information) == 0 ? information : nil
    }

    func isFolder(_ path: RemotePath) -> Bool { attributes(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    /// - Returns: nil when it is no folder that may be entered.
    func changed(to path: RemotePath) -> LocalFolder? {
        guard let real = realpath(self.path(path), nil) else { return nil }
        defer { free(real) }
        let folder = LocalFolder(String(cString: real))
        return folder.isFolder("") && access(folder.absolute, X_OK) == 0 ? folder : nil
    }
}

extension RemotePath {
    /// "~" and "~/…" with the home in its place, for paths of this machine.
    func withHome(_ environment: [String: String]) -> RemotePath {
        guard bytes.first == UInt8(ascii: "~"), bytes.count == 1 || bytes[1] == UInt8(ascii: "/"),
            let home = environment["HOME"]
        else { return self }
        return RemotePath(bytes: Array(home.utf8) + bytes.dropFirst())
    }
}
